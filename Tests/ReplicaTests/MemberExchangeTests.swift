import Raft
import Replica
import StoreCore
import Testing

@Suite("A member that wants another number")
struct MemberExchangeTests {
    static let wish = MemberExchange(
        member: MemberID(9), name: "n2", address: "h2:1", replaced: [MemberID(7), MemberID(2)])

    private func members(voters: [UInt64], learners: [UInt64] = []) -> ClusterMembers {
        let all = voters + learners
        return ClusterMembers(
            cluster: 5,
            membership: Membership(
                voters: voters.map { MemberID($0) }, learners: learners.map { MemberID($0) }),
            addresses: Dictionary(
                uniqueKeysWithValues: all.map {
                    (MemberID($0), .init(name: "n\($0)", peer: "h\($0):1"))
                }))
    }

    @Test func takesThePlaceOfANumberThatItHad() {
        #expect(Self.wish.outgoing(in: members(voters: [1, 2, 3])) == MemberID(2))
        #expect(Self.wish.outgoing(in: members(voters: [1, 3], learners: [2])) == MemberID(2))
    }

    @Test func changesNothingOnceItIsThere() {
        #expect(Self.wish.outgoing(in: members(voters: [1, 2, 3], learners: [9])) == nil)
    }

    @Test func doesNotTouchANumberThatItNeverHadWhateverTheName() {
        var found = members(voters: [1, 3, 4])
        found.addresses[MemberID(4)] = .init(name: "n2", peer: "h2:1")
        // A request from before the last exchange, come late, asks for just this.
        #expect(Self.wish.outgoing(in: found) == nil)
    }

    @Test(arguments: ["name", "address"])
    func doesNotTouchAnotherMember(differing: String) {
        var found = members(voters: [1, 2, 3])
        found.addresses[MemberID(2)] =
            differing == "name"
            ? .init(name: "n4", peer: "h2:1") : .init(name: "n2", peer: "h4:1")
        #expect(Self.wish.outgoing(in: found) == nil)
    }

    @Test func goesOverTheWire() throws {
        let envelope = MemberFrame.Envelope(cluster: 5, from: MemberID(9), to: .anybody)
        let frame = MemberFrame.exchange(envelope, Self.wish)
        #expect(try MemberFrame(frame.encoded().raw) == frame)
        for end in 1..<frame.encoded().count {
            let cut = Array(frame.encoded().prefix(end))
            // Cut between two fields, it says less, or nothing that can be used.
            let read = try? MemberFrame(cut.raw)
            #expect(read != frame)
        }
    }

    @Test func aSenderSaysWhereItIsWhenItMayBeNewToWhomItSpeaksTo() throws {
        let ids = (from: MemberID(1), to: MemberID(2))
        let heartbeat = RaftMessage(
            from: ids.from, to: ids.to, term: Term(3),
            body: .heartbeat(committed: LogIndex(4), round: 5))
        var frame = PeerFrame(cluster: 5, message: heartbeat)
        #expect(frame.introduces)
        frame.address = "h1:1"
        #expect(try PeerFrame(frame.encoded().raw) == frame)
        let answer = RaftMessage(
            from: ids.from, to: ids.to, term: Term(3), body: .heartbeatAnswer(round: 5))
        #expect(!PeerFrame(cluster: 5, message: answer).introduces)
    }

    @Test(arguments: [0, 1, 2])
    func isRefusedIfItLacksWhatItNeeds(missing: Int) {
        var wish = Self.wish
        if missing == 0 { wish.member = MemberID(0) }
        if missing == 1 { wish.name = "" }
        if missing == 2 { wish.address = "" }
        let envelope = MemberFrame.Envelope(cluster: 5, from: MemberID(9), to: .anybody)
        #expect(throws: PeerFrameError.self) {
            try MemberFrame(MemberFrame.exchange(envelope, wish).encoded().raw)
        }
    }
}

@Suite("A member whose log is damaged")
struct ExchangeWorkTests {
    private static let place = ClusterMembers.Address(name: "n1", peer: "h1:1")

    /// What it does about the number that it wants, at each tick.
    private func steps(
        _ count: Int, _ member: borrowing OneOfThree, _ work: inout ExchangeWork
    ) -> [ExchangeWork.Step] {
        var steps: [ExchangeWork.Step] = []
        for _ in 0..<count {
            let step = work.tick(member.replica)
            if step != .wait { steps.append(step) }
        }
        return steps
    }

    private func wishing(_ member: borrowing OneOfThree) -> ExchangeWork {
        var identity = IdentityFile(member: MemberID(1), founders: member.replica.members)
        identity.successor = MemberID(9)
        var work = ExchangeWork()
        work.resume(identity, member.replica, at: Self.place)
        return work
    }

    @Test func asksWhoeverIsThereAsTheLeaderThatItKnowsMayBeNoneAnyMore() throws {
        var member = OneOfThree()
        member.receive(from: 2, term: 1, .heartbeat(committed: .zero, round: 1))
        var work = wishing(member)
        let wish = try #require(work.wish)
        #expect(
            steps(40, member, &work) == [
                .ask(leader: MemberID(2), wish), .askAll(wish), .ask(leader: MemberID(2), wish),
                .askAll(wish),
            ])
    }

    @Test func givesItsNumberUpIfItLeadsAndNobodyTakesOver() throws {
        var member = OneOfThree()
        try member.lead()
        var work = wishing(member)
        // What others lack is damaged here: nobody will ever be up to date.
        #expect(member.replica.raft.canBeLeft)
        #expect(steps(44, member, &work) == [.handOver, .handOver, .handOver, .handOver])
        #expect(steps(11, member, &work) == [.giveUp])
    }

    @Test func leadsOnWhileTheOthersAreNotEnough() throws {
        var member = OneOfThree()
        try member.lead()
        var work = wishing(member)
        for _ in 0..<9 { member.tick() }
        for _ in 0..<3 { member.tick() }
        #expect(!member.replica.raft.canBeLeft)
        #expect(!steps(100, member, &work).contains(.giveUp))
    }
}
