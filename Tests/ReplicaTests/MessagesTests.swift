import Raft
import Replica
import StoreCore
import Testing

extension RaftMessage {
    fileprivate var isAppendOfEntries: Bool {
        if case .append(_, let entries, _) = body { !entries.isEmpty } else { false }
    }
}

@Suite("What a member says to others")
struct MessagesTests {
    @Test func comesWithTheEntriesThatItSpeaksOf() throws {
        var member = OneOfThree()
        try member.lead()
        try member.propose("a")
        let message = try #require(member.effects.messages.first { $0.isAppendOfEntries })
        let payloads = try member.payloads(of: message)
        #expect(payloads?.map(\.kind) == [.transaction])
    }

    /// Two frames were taken in together: what the first had it say is void by the second.
    @Test func isNotSaidOnceAnotherLeadsAndItsEntriesTookTheirPlace() throws {
        var member = OneOfThree()
        try member.lead()
        try member.propose("a")
        let message = try #require(member.effects.messages.first { $0.isAppendOfEntries })
        let first = EntryID(index: LogIndex(1), term: Term(1))
        member.receive(
            from: 2, term: 2,
            .append(
                previous: first, entries: [EntryHeader(term: Term(2), kind: .noop, bytes: 0)],
                committed: LogIndex(1)),
            payloads: [EntryPayload(kind: .noop, bytes: [])])
        let payloads = try member.payloads(of: message)
        #expect(payloads == nil)
    }
}
