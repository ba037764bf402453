import Raft
import Replica
import StoreCore
import Testing

@Suite("What a member has written")
struct WrittenTests {
    /// It votes for a leader, who replaces the entry before the vote is on disk.
    @Test func isNotWhatTookThePlaceOfAnEntryFoundAtTheStart() throws {
        var member = OneOfThree(
            found: EntryHeader(term: Term(1), kind: .noop, bytes: 0), in: Term(2))
        let last = EntryID(index: LogIndex(1), term: Term(1))
        member.receive(from: 2, term: 2, .vote(last: last, isTransfer: false))
        let write = member.replica.beginWrite()
        #expect(write != nil)
        member.receive(
            from: 2, term: 2,
            .append(
                previous: .zero, entries: [EntryHeader(term: Term(2), kind: .noop, bytes: 0)],
                committed: .zero),
            payloads: [EntryPayload(kind: .noop, bytes: [])])
        member.noteSynced()
        let (log, written) = (member.replica.raft.log, member.replica.raft.written)
        #expect(log.last == EntryID(index: LogIndex(1), term: Term(2)))
        #expect(written == .zero)
        try member.write()
        let writtenLater = member.replica.raft.written
        #expect(writtenLater == LogIndex(1))
    }
}
