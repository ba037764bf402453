import Raft
import Replica
import StoreCore
import Testing

@Suite("A member that is asked what it holds")
struct ComparingTests {
    private static let leader = MemberID(2)

    /// An entry of the leader's that puts `key`, as it goes over the wire.
    private static func entry(_ key: String, revision: Int64) throws -> EntryPayload {
        var core = StoreState()
        var changes: [AppliedChange] = []
        var batch = LogBatch(at: .origin, salt: 1, term: Term(1))
        for number in 2...revision {
            batch = LogBatch(at: .origin, salt: 1, term: Term(1))
            _ = try core.put(
                Array((number == revision ? key : "before").utf8), [1], expected: nil,
                lease: .none, into: &batch, changes: &changes)
            batch.complete()
        }
        let placed = try #require(batch.entries.first)
        return EntryPayload(kind: .transaction, bytes: try #require(batch.payload(of: placed)))
    }

    /// Entries that take the first `count` places, the newest committed one of which is `committed`.
    private static func entries(
        _ keys: [String], committed: UInt64
    ) throws -> (RaftMessage.Body, [EntryPayload]) {
        var payloads = [EntryPayload(kind: .noop, bytes: [])]
        for (place, key) in keys.enumerated() {
            payloads.append(try entry(key, revision: Int64(place) + 2))
        }
        let headers = payloads.map { payload in
            EntryHeader(
                term: Term(1), kind: payload.kind == .noop ? .noop : .ordinary,
                bytes: payload.bytes.count)
        }
        return (
            .append(previous: .zero, entries: headers, committed: LogIndex(committed)), payloads
        )
    }

    private static func follower(_ keys: [String], committed: UInt64) throws -> OneOfThree {
        var member = OneOfThree()
        let (body, payloads) = try entries(keys, committed: committed)
        member.receive(from: 2, term: 1, body, payloads: payloads)
        try member.write()
        try member.publish()
        return member
    }

    /// What it says when the leader's next heartbeat comes.
    private static func answer(
        _ member: inout OneOfThree, _ note: StateNote?, committed: UInt64 = 1, term: UInt64 = 1
    ) -> StateNote? {
        member.effects = ReplicaEffects()
        member.receive(
            from: 2, term: term, .heartbeat(committed: LogIndex(committed), round: 1), note: note)
        let message = member.effects.messages.first { $0.to == leader }
        return message.flatMap { member.replica.note(for: $0) }
    }

    private func own(_ member: borrowing OneOfThree, at revision: Int64) throws -> UInt64 {
        let sum = member.core.sum(at: Revision(revision))
        return try #require(sum)
    }

    @Test func answersWithItsSumThere() throws {
        var member = try Self.follower(["a", "b"], committed: 3)
        let sum = try own(member, at: 3)
        #expect(
            Self.answer(&member, StateNote(Revision(3), .question))
                == StateNote(Revision(3), .answer(sum)))
        let before = try own(member, at: 2)
        #expect(
            Self.answer(&member, StateNote(Revision(2), .question))
                == StateNote(Revision(2), .answer(before)))
        #expect(before != sum)
        #expect(Self.answer(&member, nil) == nil, "it is not asked any more")
    }

    @Test func answersOnceItHasComeThatFar() throws {
        var member = try Self.follower(["a", "b"], committed: 2)
        let question = StateNote(Revision(3), .question)
        #expect(Self.answer(&member, question) == nil, "it has the entry, and it is not committed")
        #expect(Self.answer(&member, question, committed: 3) == nil, "not published")
        try member.publish()
        let sum = try own(member, at: 3)
        #expect(Self.answer(&member, question) == StateNote(Revision(3), .answer(sum)))
    }

    @Test func findsThatItDiffersIfAMajorityWithoutItSaysSo() throws {
        var member = try Self.follower(["a"], committed: 2)
        let sum = try own(member, at: 2)
        func findings(_ sum: UInt64, _ agreed: [UInt64]) -> [StateFinding] {
            let note = StateNote(
                Revision(2), .verdict(sum, agreed: agreed.map { MemberID($0) }))
            _ = Self.answer(&member, note)
            return member.effects.findings
        }
        #expect(findings(sum, [2, 3]) == [])
        #expect(findings(sum &+ 1, [2]) == [])
        #expect(findings(sum &+ 1, [1, 2]) == [])
        let difference = StateDifference(
            revision: Revision(2), own: sum, majority: sum &+ 1)
        #expect(findings(sum &+ 1, [2, 3]) == [.thisMemberDiffers(difference)])
    }

    @Test func answersWithWhatItsMemoryHasBecome() throws {
        var member = try Self.follower(["a"], committed: 2)
        let before = try own(member, at: 2)
        member.core.corrupt([UInt8]("a".utf8))
        member.tick()
        let found = member.effects.findings
        #expect(found == [.indexChanged(Revision(2))])
        let now = try own(member, at: 2)
        #expect(now != before)
        #expect(
            Self.answer(&member, StateNote(Revision(2), .question))
                == StateNote(Revision(2), .answer(now)))
    }

    @Test func doesNotListenToALeaderOfOld() throws {
        var member = try Self.follower(["a"], committed: 2)
        member.receive(from: 3, term: 2, .heartbeat(committed: LogIndex(1), round: 1))
        let verdict = StateNote(
            Revision(2), .verdict(1, agreed: [MemberID(2), MemberID(3)]))
        #expect(Self.answer(&member, verdict) == nil)
        #expect(member.effects.findings == [])
    }

    /// What it has decided and nobody else has is not what it holds.
    @Test func asksOfWhatIsPublishedWhenItLeads() throws {
        var member = OneOfThree()
        try member.lead()
        try member.propose("a")
        for _ in 0...StateComparison.ticksBetween where member.effects.findings.isEmpty {
            member.tick()
            for other: UInt64 in [2, 3] {
                member.receive(from: other, term: 1, .heartbeatAnswer(round: 1))
            }
        }
        let heartbeat = try #require(
            member.effects.messages.last { message in
                if case .heartbeat = message.body { true } else { false }
            })
        let (published, revision) = (member.core.published, member.core.revision)
        let note = member.replica.note(for: heartbeat)
        #expect(note == StateNote(published, .question))
        #expect(published < revision)
    }
}
