import Raft
import Replica
import StoreCore
import Testing

@Suite("What takes several entries")
struct SeveralEntriesTests {
    /// The end of a lease deletes its keys, and then ends it.
    @Test func showsWithTheLastOfThem() throws {
        var member = OneOfThree()
        try member.lead()
        try member.propose(.grant(LeaseID(5), milliseconds: 1000, nowMilliseconds: 0))
        try member.propose(.put(key: [1], value: [1], expected: nil, lease: LeaseID(5)))
        try member.write()
        let before = member.replica.last.index
        member.receive(from: 2, term: 1, .accepted(through: before))
        try member.publish()
        let (shown, revision) = (member.replica.published.index, member.core.published)
        #expect(shown == before)
        try member.propose(.revoke(LeaseID(5)))
        try member.write()
        let last = member.replica.last.index
        #expect(last.number == before.number + 2)
        // A majority has the first of the two alone.
        member.receive(from: 2, term: 1, .accepted(through: before.next))
        try member.publish()
        let (shownThen, revisionThen) = (member.replica.published.index, member.core.published)
        #expect(shownThen == before && revisionThen == revision)
        member.receive(from: 2, term: 1, .accepted(through: last))
        try member.publish()
        let (shownInTheEnd, revisionInTheEnd) = (
            member.replica.published.index, member.core.published)
        #expect(shownInTheEnd == last && revisionInTheEnd > revision)
    }
}

@Suite("Where a checkpoint's replay begins")
struct ReplayPositionTests {
    private let old = EntryHeader(term: Term(1), kind: .noop, bytes: 0)

    /// What lies before the place in the file is entry 1 of term 1, which is void.
    @Test func tellsOfNoEntryThatBecameVoid() throws {
        var member = OneOfThree(found: old, in: Term(2))
        let new = EntryHeader(term: Term(2), kind: .noop, bytes: 0)
        member.receive(
            from: 2, term: 2, .append(previous: .zero, entries: [new], committed: .zero),
            payloads: [EntryPayload(kind: .noop, bytes: [])])
        let before = member.replica.replayPosition
        #expect(before.last == .zero)
        try member.write()
        let written = member.replica.replayPosition
        #expect(written.last == .zero && written.offset == before.offset)
        member.receive(
            from: 2, term: 2,
            .append(
                previous: EntryID(index: LogIndex(1), term: Term(2)), entries: [],
                committed: LogIndex(1)))
        try member.publish()
        let published = member.replica.replayPosition
        #expect(published.last == EntryID(index: LogIndex(1), term: Term(2)))
    }

    @Test func tellsOfNoEntryThatAStartHasNotTakenIn() {
        let members = ClusterMembers(cluster: 1, membership: Membership(voters: [MemberID(1)]))
        let identity = IdentityFile(member: MemberID(1), founders: members)
        var found = LogRecovery(of: identity)
            .begin(in: SegmentHeader(salt: 7, sequence: 1, fileBytes: 1 << 20))
        found.log.position.last = EntryID(index: LogIndex(1), term: Term(1))
        let place = found.log.replayPosition
        #expect(place.last == .zero)
    }
}

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
