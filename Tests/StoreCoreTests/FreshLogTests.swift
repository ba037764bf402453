import LogTape
import Raft
import StoreCore
import Testing

@Suite("A fresh log")
struct FreshLogTests {
    /// The segment that holds all of what is alive in the tape.
    private func copy(_ tape: borrowing LogTape, revision: Revision) throws -> [UInt8] {
        var log = FreshLog(
            in: LogTape.header, of: LogTape.member, members: LogTape.statement.members,
            revision: revision)
        var harvest = StoreState.Harvest()
        _ = tape.core.collect(
            .all, at: tape.core.revision, limit: .max, stepsMax: .max, into: &harvest)
        for place in harvest.places {
            let found = Change(at: Int(place.offset), in: tape.bytes.raw)
            let change = try #require(found)
            #expect(log.fits(changeOf: change.stride))
            log.append(
                change: tape.bytes.raw.extracting(change.offset..<change.offset + change.stride))
        }
        var bytes = LogTape.header.encoded()
        bytes += [UInt8](repeating: 0, count: LogTape.header.fileBytes - bytes.count)
        let taken = log.take()
        let write = try #require(taken)
        bytes.replaceSubrange(write.offset..<write.offset + write.bytes.count, with: write.bytes)
        return bytes
    }

    @Test func holdsWhatIsAliveAndStandsWhereItIsTold() throws {
        var tape = LogTape()
        for number in 0..<100 { try tape.put("k\(number % 30)", "\(number)") }
        try tape.delete("k7")
        tape.sync()
        let found = try recover(copy(tape, revision: Revision(5000)))
        #expect(found.contents == contents(of: tape.core, in: tape.bytes))
        #expect(found.revision == Revision(5000))
    }

    @Test func doesNotTakeMoreThanItsSegmentHolds() throws {
        let header = SegmentHeader(salt: 3, sequence: 1, fileBytes: 8192)
        let log = FreshLog(
            in: header, of: LogTape.member, members: LogTape.statement.members, revision: .start)
        #expect(log.fits(changeOf: 1024))
        #expect(!log.fits(changeOf: 8192))
        #expect(log.segmentBytes(for: 100_000) > 100_000)
    }

    @Test func goesOnInTheNextSegment() throws {
        let next = SegmentHeader(salt: 4, sequence: 2, fileBytes: 8192)
        var log = FreshLog(
            in: LogTape.header, of: LogTape.member, members: LogTape.statement.members,
            revision: Revision(9))
        let first = log.roll(to: next)
        let taken = log.take()
        let second = try #require(taken)
        #expect((first.segment, second.segment) == (1, 2))
        var replay = LogReplay(member: LogTape.member)
        var end: SegmentScan?
        for (header, write) in [(LogTape.header, first), (next, second)] {
            let bytes = header.encoded() + write.bytes
            var scan = SegmentScan(header: header, after: end?.position ?? .origin)
            while let batch = try scan.nextBatch(in: bytes.raw) {
                try replay.take(batch, of: bytes.raw, header: header, isNew: true) {
                    _, body throws(LogDamage) in try body(bytes.raw)
                }
            }
            end = scan
        }
        replay.finish()
        #expect(replay.log.last == FreshLog.base)
        #expect(replay.committed == FreshLog.base.index)
        #expect(replay.core.compacted == Revision(9))
        #expect(replay.notes.segmentsNeeded == [1, 2])
    }
}
