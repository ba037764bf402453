import LogTape
import Raft
import StoreCore
import Testing

@Suite("What older segments told")
struct OpeningTests {
    private let first = SegmentHeader(salt: 1, sequence: 1, fileBytes: 4096)
    private let second = SegmentHeader(salt: 2, sequence: 2, fileBytes: 4096)

    /// A log of two segments: a put and a compaction in the first; the second is opened before
    /// they are committed, and gives the first back after.
    private func secondSegment() throws -> [UInt8] {
        var core = StoreState()
        var changes: [AppliedChange] = []
        var statement = LogTape.statement
        var batch = LogBatch(at: .origin, salt: first.salt, term: Term(7))
        core.open(first, stating: statement, into: &batch)
        _ = try core.put([1], [1], expected: nil, lease: .none, into: &batch, changes: &changes)
        _ = try core.compact(Revision(2), into: &batch)
        core.seal(into: &batch)
        var position = batch.position
        (position.segment, position.offset) = (2, SegmentHeader.byteCount)
        var next = LogBatch(at: position, salt: second.salt, term: Term(7))
        core.open(second, stating: statement, into: &next)
        statement.revision = Revision(2)
        statement.compacted = Revision(2)
        statement.committed = position.last
        statement.hardState = HardState(term: Term(9), vote: MemberID(3))
        _ = core.retire(1, stating: statement, into: &next)
        next.commit()
        return second.encoded() + next.bytes
    }

    /// The same, but that the second entry became void, and those after it: one of a later leader,
    /// after the opening, has its index.
    private func secondSegmentWithAnotherEntry(voiding keys: [UInt8] = [2]) throws -> [UInt8] {
        var core = StoreState()
        var others = StoreState()
        var changes: [AppliedChange] = []
        var statement = LogTape.statement
        var batch = LogBatch(at: .origin, salt: first.salt, term: Term(7))
        core.open(first, stating: statement, into: &batch)
        for key in [1] + keys {
            _ = try core.put(
                [key], [1], expected: nil, lease: .none, into: &batch, changes: &changes)
        }
        core.seal(into: &batch)
        var position = batch.position
        (position.segment, position.offset) = (2, SegmentHeader.byteCount)
        var next = LogBatch(at: position, salt: second.salt, term: Term(8))
        core.open(second, stating: statement, into: &next)
        var elsewhere = LogBatch(at: .origin, salt: first.salt, term: Term(7))
        _ = try others.put(
            [1], [1], expected: nil, lease: .none, into: &elsewhere, changes: &changes)
        next.rewind(to: EntryID(index: LogIndex(1), term: Term(7)))
        _ = try others.put(
            [3], [9], expected: nil, lease: .none, into: &next, changes: &changes)
        statement.committed = next.position.last
        _ = core.retire(1, stating: statement, into: &next)
        next.commit()
        return second.encoded() + next.bytes
    }

    private func recovered(_ bytes: [UInt8], as member: MemberID) throws -> LogReplay {
        var replay = LogReplay(member: member)
        var scan = SegmentScan(header: second, after: nil)
        let reader: LogReplay.SegmentReader = { _, body throws(LogDamage) in try body(bytes.raw) }
        while let batch = try scan.nextBatch(in: bytes.raw) {
            try replay.take(batch, of: bytes.raw, header: second, isNew: true, reading: reader)
        }
        replay.finish()
        return replay
    }

    @Test func countsNoneOfThoseThatBecameVoidAfterIt() throws {
        let bytes = try secondSegmentWithAnotherEntry(voiding: [2, 4, 5])
        let replay = try recovered(bytes, as: LogTape.member)
        #expect(replay.log.last == EntryID(index: LogIndex(2), term: Term(8)))
        #expect(replay.committed == LogIndex(2))
        #expect(replay.applied == LogIndex(2))
        #expect(replay.core.keyCount == 1)
    }

    /// What is void in segments that are left is not to be copied when they are given back.
    @Test func makesVoidWhatFollowsIt() throws {
        let third = SegmentHeader(salt: 3, sequence: 3, fileBytes: 4096)
        var core = StoreState()
        var others = StoreState()
        var changes: [AppliedChange] = []
        let begin = LogPosition(
            segment: 2, offset: SegmentHeader.byteCount, previous: 0,
            last: EntryID(index: LogIndex(3), term: Term(7)))
        var batch = LogBatch(at: begin, salt: second.salt, term: Term(7))
        core.open(second, stating: LogTape.statement, into: &batch)
        for key: UInt8 in [4, 5] {
            _ = try core.put(
                [key], [1], expected: nil, lease: .none, into: &batch, changes: &changes)
        }
        core.seal(into: &batch)
        batch.commit()
        var position = batch.position
        (position.segment, position.offset) = (3, SegmentHeader.byteCount)
        var next = LogBatch(at: position, salt: third.salt, term: Term(8))
        core.open(third, stating: LogTape.statement, into: &next)
        next.rewind(to: EntryID(index: LogIndex(1), term: Term(7)))
        _ = try others.put(
            [3], [9], expected: nil, lease: .none, into: &next, changes: &changes)
        next.commit()
        let (older, newer) = (second.encoded() + batch.bytes, third.encoded() + next.bytes)
        let reader: LogReplay.SegmentReader = { segment, body throws(LogDamage) in
            try body((segment == 2 ? older : newer).raw)
        }
        var replay = LogReplay(member: LogTape.member)
        var end: LogPosition?
        for (header, bytes) in [(second, older), (third, newer)] {
            var scan = SegmentScan(header: header, after: end)
            while let batch = try scan.nextBatch(in: bytes.raw) {
                try replay.take(batch, of: bytes.raw, header: header, isNew: true, reading: reader)
            }
            end = scan.position
        }
        replay.finish()
        #expect(replay.log.last == EntryID(index: LogIndex(2), term: Term(8)))
        #expect(replay.committed == LogIndex(2))
        #expect(replay.core.keyCount == 1)
        #expect(replay.core.segmentUses[2]?.voids.count == 2)
    }

    /// The first of these segments begins after an entry that is void, in a segment that is gone, as
    /// the one is in which another entry took its place. The last one's opening tells that.
    /// It need not be the last of those that became void.
    @Test(arguments: [LogIndex(3), LogIndex(1)])
    func tellsWhichEntryIsTheLastOfThoseThatAreGone(index: LogIndex) throws {
        let (void, last) = (
            EntryID(index: LogIndex(3), term: Term(7)), EntryID(index: index, term: Term(8))
        )
        var replay = LogReplay(member: LogTape.member)
        for (sequence, last) in [(UInt32(2), void), (4, last)] {
            let header = SegmentHeader(salt: 5, sequence: sequence, fileBytes: 4096)
            let begin = LogPosition(
                segment: sequence, offset: SegmentHeader.byteCount, previous: 0, last: last)
            var core = StoreState()
            var statement = LogTape.statement
            statement.committed = sequence == 4 ? last : .zero
            var batch = LogBatch(at: begin, salt: header.salt, term: last.term)
            core.open(header, stating: statement, into: &batch)
            core.seal(into: &batch)
            batch.commit()
            let bytes = header.encoded() + batch.bytes
            var scan = SegmentScan(header: header, after: nil)
            while let batch = try scan.nextBatch(in: bytes.raw) {
                try replay.take(batch, of: bytes.raw, header: header, isNew: true) {
                    _, body throws(LogDamage) in try body(bytes.raw)
                }
            }
        }
        replay.finish()
        #expect(replay.log.last == last)
        #expect(replay.committed == last.index && replay.applied == last.index)
    }

    /// Two segments, neither given back: the first one's second put became void before the second
    /// segment was opened, as after a start with a segment that nothing was written to.
    private func segmentsWithAVoidEntryBetween() throws -> (first: [UInt8], second: [UInt8]) {
        var core = StoreState()
        var others = StoreState()
        var changes: [AppliedChange] = []
        var batch = LogBatch(at: .origin, salt: first.salt, term: Term(7))
        core.open(first, stating: LogTape.statement, into: &batch)
        for key: UInt8 in [1, 2] {
            _ = try core.put(
                [key], [1], expected: nil, lease: .none, into: &batch, changes: &changes)
        }
        core.seal(into: &batch)
        var position = batch.position
        (position.segment, position.offset) = (2, SegmentHeader.byteCount)
        position.last = EntryID(index: LogIndex(1), term: Term(7))
        var elsewhere = LogBatch(at: .origin, salt: first.salt, term: Term(7))
        _ = try others.put(
            [1], [1], expected: nil, lease: .none, into: &elsewhere, changes: &changes)
        var next = LogBatch(at: position, salt: second.salt, term: Term(8))
        core.open(second, stating: LogTape.statement, into: &next)
        _ = try others.put(
            [3], [9], expected: nil, lease: .none, into: &next, changes: &changes)
        next.commit()
        batch.commit()
        return (first.encoded() + batch.bytes, second.encoded() + next.bytes)
    }

    @Test func isNotCommittedIfItBecameVoidBeforeTheNextSegmentWasOpened() throws {
        let segments = try segmentsWithAVoidEntryBetween()
        let reader: LogReplay.SegmentReader = { segment, body throws(LogDamage) in
            try body((segment == 1 ? segments.first : segments.second).raw)
        }
        var replay = LogReplay(member: LogTape.member)
        var position: LogPosition?
        for (header, bytes) in [(first, segments.first), (second, segments.second)] {
            var scan = SegmentScan(header: header, after: position)
            while let batch = try scan.nextBatch(in: bytes.raw) {
                try replay.take(batch, of: bytes.raw, header: header, isNew: true, reading: reader)
            }
            position = scan.position
        }
        #expect(replay.log.last == EntryID(index: LogIndex(2), term: Term(8)))
        #expect(replay.applied == .zero)
        try replay.takeInAll(reading: reader)
        replay.finish()
        #expect(replay.core.keyCount == 2)
        #expect(replay.core.segmentUses[1]?.voids.count == 1)
    }

    @Test func isKnownFromTheirRetirementWhenTheyAreGone() throws {
        let replay = try recovered(secondSegment(), as: LogTape.member)
        #expect(replay.core.revision == Revision(2))
        #expect(replay.core.compacted == Revision(2))
        #expect(replay.notes.segmentsNeeded == [2])
        #expect(replay.committed == LogIndex(2))
        #expect(replay.log.last == EntryID(index: LogIndex(2), term: Term(7)))
        #expect(replay.log.membership.voters == [LogTape.member])
    }

    @Test func isNotTakenForAnEntryThatTookThePlaceOfTheirLast() throws {
        let replay = try recovered(secondSegmentWithAnotherEntry(), as: LogTape.member)
        #expect(replay.log.last == EntryID(index: LogIndex(2), term: Term(8)))
        #expect(replay.applied == LogIndex(2))
        #expect(replay.core.keyCount == 1)
    }

    @Test func isNoVoteOfAMemberThatGotTheLogOfAnother() throws {
        #expect(try recovered(secondSegment(), as: LogTape.member).hardState
            == HardState(term: Term(9), vote: MemberID(3)))
        #expect(try recovered(secondSegment(), as: MemberID(2)).hardState == HardState())
    }
}
