import Raft
import Replica
import StoreCore
import Testing

/// The comparisons of several members, whose heartbeats the test carries.
private struct Heartbeats {
    var membership: Membership
    var term = Term(3)
    private(set) var members: [MemberID: StateComparison] = [:]
    /// What each member holds.
    var sums: [MemberID: UInt64] = [:]
    var revision = Revision(10)
    /// Whom no frame reaches.
    var away: Set<MemberID> = []

    init(_ membership: Membership, sums: [UInt64: UInt64]) {
        self.membership = membership
        for (number, sum) in sums {
            self.sums[MemberID(number)] = sum
            members[MemberID(number)] = StateComparison(id: MemberID(number))
        }
    }

    /// The leader asks, all answer, and hear what came of it: what each member has found.
    mutating func round(
        leader number: UInt64, hearing: ((StateNote) -> StateNote)? = nil
    ) -> [MemberID: [StateFinding]] {
        let leader = MemberID(number)
        var found: [MemberID: [StateFinding]] = [:]
        for _ in 0...StateComparison.ticksBetween {
            let finding = members[leader]?.tick(
                term: term, membership, at: revision, sums[leader])
            if let finding { found[leader, default: []].append(finding) }
        }
        for _ in 0..<2 {
            for member in membership.members where member != leader && !away.contains(member) {
                guard var asked = note(from: leader, to: member) else { continue }
                if let hearing { asked = hearing(asked) }
                found[member, default: []] += take(asked, at: member, of: leader)
                guard let answer = note(from: member, to: leader),
                    case .answer(let sum) = answer.content
                else { continue }
                found[leader, default: []] += members[leader]?.take(
                    sum, of: member, at: answer.revision, term: term, membership) ?? []
            }
        }
        return found.filter { !$0.value.isEmpty }
    }

    func note(from: MemberID, to: MemberID) -> StateNote? {
        let isLeader = members[from]?.isComparing ?? false
        return members[from]?.note(
            for: RaftMessage(
                from: from, to: to, term: term,
                body: isLeader
                    ? .heartbeat(committed: LogIndex(1), round: 1) : .heartbeatAnswer(round: 1)))
    }

    mutating func take(
        _ note: StateNote, at member: MemberID, of leader: MemberID
    ) -> [StateFinding] {
        if case .question = note.content {
            members[member]?.noteQuestion(note.revision, of: leader, term: term)
            if let sum = sums[member] { members[member]?.answer(sum) }
            return []
        }
        let finding = members[member]?.judge(sums[member], note, membership)
        return finding.map { [$0] } ?? []
    }
}

@Suite("Members that compare what they hold")
struct StateComparisonTests {
    private static let three = Membership(voters: [1, 2, 3].map { MemberID($0) })

    private static func differing(_ own: UInt64, from majority: UInt64) -> StateDifference {
        StateDifference(revision: Revision(10), own: own, majority: majority)
    }

    @Test func findNothingIfAllHoldTheSame() {
        var members = Heartbeats(Self.three, sums: [1: 7, 2: 7, 3: 7])
        #expect(members.round(leader: 1) == [:])
        #expect(members.members[MemberID(1)]?.agreed == Revision(10))
    }

    @Test func findTheFollowerThatDiffersWhichFindsSoItself() {
        var members = Heartbeats(Self.three, sums: [1: 7, 2: 7, 3: 8])
        let difference = Self.differing(8, from: 7)
        #expect(
            members.round(leader: 1) == [
                MemberID(1): [.memberDiffers(MemberID(3), difference)],
                MemberID(3): [.thisMemberDiffers(difference)],
            ])
    }

    @Test func findTheLeaderThatDiffersAndNobodyElse() {
        var members = Heartbeats(Self.three, sums: [1: 8, 2: 7, 3: 7])
        let found = members.round(leader: 1)
        #expect(Set(found.keys) == [MemberID(1)])
        #expect(found[MemberID(1)]?.first == .thisMemberDiffers(Self.differing(8, from: 7)))
    }

    @Test func putNobodyOutIfNoMajorityHoldsTheSame() {
        var members = Heartbeats(Self.three, sums: [1: 7, 2: 8, 3: 9])
        #expect(members.round(leader: 1) == [:])
        // It is told of when the next comparison begins: somebody might have answered late.
        let sums: [MemberID: UInt64] = [MemberID(1): 7, MemberID(2): 8, MemberID(3): 9]
        #expect(members.round(leader: 1) == [MemberID(1): [.noMajority(Revision(10), sums)]])
        #expect(members.round(leader: 1) == [:], "once")
    }

    @Test func putNobodyOutOfTwo() {
        var members = Heartbeats(
            Membership(voters: [MemberID(1), MemberID(2)]), sums: [1: 7, 2: 8])
        _ = members.round(leader: 1)
        let found = members.round(leader: 1)
        #expect(
            found == [
                MemberID(1): [.noMajority(Revision(10), [MemberID(1): 7, MemberID(2): 8])]
            ])
    }

    @Test func waitForAMajorityIfSomeAreAway() {
        var members = Heartbeats(Self.three, sums: [1: 7, 2: 8, 3: 7])
        members.away = [MemberID(3)]
        #expect(members.round(leader: 1) == [:])
        members.away = []
        #expect(members.round(leader: 1)[MemberID(2)] != nil)
    }

    @Test func findLearnersThatDifferButDoNotCountThem() {
        let membership = Membership(
            voters: [MemberID(1), MemberID(2), MemberID(3)],
            learners: [MemberID(4), MemberID(5)])
        var members = Heartbeats(membership, sums: [1: 7, 2: 7, 3: 7, 4: 8, 5: 8])
        #expect(Set(members.round(leader: 1).keys) == Set([1, 4, 5].map { MemberID($0) }))
        members = Heartbeats(membership, sums: [1: 7, 2: 8, 3: 9, 4: 8, 5: 8])
        #expect(members.round(leader: 1) == [:])
    }

    @Test func needMajoritiesOfBothMembershipsWhileItChanges() {
        let membership = Membership(
            voters: [1, 2, 3].map { MemberID($0) }, outgoingVoters: [1, 4, 5].map { MemberID($0) })
        var members = Heartbeats(membership, sums: [1: 7, 2: 7, 3: 7, 4: 8, 5: 8])
        #expect(members.round(leader: 1) == [:])
        members = Heartbeats(membership, sums: [1: 7, 2: 7, 3: 8, 4: 7, 5: 8])
        #expect(Set(members.round(leader: 1).keys) == Set([1, 3, 5].map { MemberID($0) }))
    }

    @Test func doNotBelieveAVerdictOfFewerThanAMajority() {
        var members = Heartbeats(Self.three, sums: [1: 7, 2: 7, 3: 8])
        let found = members.round(leader: 1) { note in
            guard case .verdict(let sum, _) = note.content else { return note }
            return StateNote(note.revision, .verdict(sum, agreed: [MemberID(1)]))
        }
        #expect(found[MemberID(3)] == nil)
    }

    @Test func doNotBelieveAVerdictThatCountsThemselvesOrStrangers() {
        let third = StateComparison(id: MemberID(3))
        for agreed in [[1, 3], [1, 9], [8, 9], []] as [[UInt64]] {
            let note = StateNote(Revision(10), .verdict(7, agreed: agreed.map { MemberID($0) }))
            #expect(third.judge(8, note, Self.three) == nil, "\(agreed)")
        }
        let note = StateNote(Revision(10), .verdict(7, agreed: [MemberID(1), MemberID(2)]))
        #expect(third.judge(8, note, Self.three) != nil)
        #expect(third.judge(7, note, Self.three) == nil, "it holds the same, by now")
        #expect(third.judge(nil, note, Self.three) == nil, "it does not know what it held")
    }

    @Test func dropWhatBelongsToAnotherRevisionOrTerm() {
        var members = Heartbeats(Self.three, sums: [1: 7, 2: 7, 3: 7])
        _ = members.round(leader: 1)
        var leader = members.members[MemberID(1)]
        for (revision, term) in [(9, 3), (11, 3), (10, 2)] as [(Int64, UInt64)] {
            let found = leader?.take(
                8, of: MemberID(3), at: Revision(revision), term: Term(term), Self.three)
            #expect(found == [])
        }
        let found = leader?.take(
            8, of: MemberID(3), at: Revision(10), term: Term(3), Self.three)
        #expect(found?.count == 1, "the same, in its own term")
    }

    @Test func takeNoAnswerOfWhoIsNoMember() {
        var members = Heartbeats(Self.three, sums: [1: 7, 2: 7, 3: 7])
        _ = members.round(leader: 1)
        var leader = members.members[MemberID(1)]
        let found = leader?.take(
            8, of: MemberID(9), at: Revision(10), term: Term(3), Self.three)
        #expect(found == [])
    }

    @Test func tellOfAMemberOnceUntilItAgreesAgain() {
        var members = Heartbeats(Self.three, sums: [1: 7, 2: 7, 3: 8])
        #expect(members.round(leader: 1)[MemberID(1)] != nil)
        #expect(members.round(leader: 1)[MemberID(1)] == nil)
        #expect(members.round(leader: 1)[MemberID(3)] != nil, "which is told each time")
        members.sums[MemberID(3)] = 7
        #expect(members.round(leader: 1) == [:])
        members.sums[MemberID(3)] = 8
        #expect(members.round(leader: 1)[MemberID(1)] != nil)
    }

    @Test(arguments: [
        .question, .answer(0), .answer(.max), .verdict(5, agreed: [MemberID(1), MemberID(2)]),
    ] as [StateNote.Content])
    func sayItInHeartbeats(content: StateNote.Content) throws {
        let message = RaftMessage(
            from: MemberID(1), to: MemberID(2), term: Term(3),
            body: .heartbeat(committed: LogIndex(4), round: 5))
        var frame = PeerFrame(cluster: 5, message: message)
        let without = frame.encoded()
        frame.note = StateNote(Revision(77), content)
        #expect(try PeerFrame(frame.encoded().raw) == frame)
        // A field that an older member does not know comes behind those that it does.
        #expect(Array(frame.encoded().prefix(without.count)) == without)
    }

    @Test func skipWhatIsSaidByAnotherScheme() throws {
        let message = RaftMessage(
            from: MemberID(1), to: MemberID(2), term: Term(3),
            body: .heartbeat(committed: LogIndex(4), round: 5))
        var frame = PeerFrame(cluster: 5, message: message)
        let without = frame.encoded()
        // scheme 2, kind 9
        let later = without + [0x9A, 0x01, 4, 0x08, 2, 0x10, 9]
        frame.note = nil
        #expect(try PeerFrame(later.raw) == frame)
        #expect(throws: PeerFrameError.self) {
            try PeerFrame((without + [0x9A, 0x01, 2, 0x08, 0x80]).raw)
        }
    }
}
