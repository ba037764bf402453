import LogTape
import StoreCore
import Testing

@Suite("When a segment is retired")
struct SurvivorsTests {
    /// A key that was put at revision 2, deleted at 3 and put again at 5.
    private func tape(compactedAt compacted: Int64) throws -> LogTape {
        var tape = LogTape()
        try tape.put("key", "old")
        try tape.delete("key")
        try tape.put("other", "value")
        try tape.put("key", "new")
        tape.sync()
        try tape.compact(Revision(compacted))
        var next: [UInt8]? = []
        while let start = next { next = tape.core.prune(from: start) }
        return tape
    }

    private func deletesKept(of tape: borrowing LogTape) throws -> Int {
        let start = SegmentHeader.byteCount
        let survivors = try tape.core.survivors(
            in: tape.bytes.raw, of: LogTape.header, from: start, bytesMax: tape.end - start)
        return survivors.changes.count { $0.isTombstone }
    }

    @Test func aDeleteGoesIfNothingOlderIsAnywhere() throws {
        let tape = try tape(compactedAt: 4)
        #expect(try deletesKept(of: tape) == 0)
    }

    @Test func aDeleteStaysThatACheckpointMayNotKnow() throws {
        var tape = try tape(compactedAt: 4)
        tape.core.noteCheckpoint(at: 1)
        #expect(try deletesKept(of: tape) == 1)
        tape.core.noteCheckpoint(at: 2)
        #expect(try deletesKept(of: tape) == 0)
    }

    @Test func aDeleteGoesIfALaterPutHidesItFromAllThatCanBeRead() throws {
        var tape = try tape(compactedAt: 5)
        tape.core.noteCheckpoint(at: 1)
        #expect(try deletesKept(of: tape) == 0)
    }
}
