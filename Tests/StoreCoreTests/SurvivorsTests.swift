import LogTape
import Raft
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

    /// The checkpoint stands in the log between the delete and the copy.
    @Test(arguments: [true, false])
    func aPutDoesNotComeBackThatWasForgottenBeforeTheCheckpointWasDone(
        isCopiedDuringIt: Bool
    ) throws {
        var tape = LogTape()
        try tape.put("key", "deleted")
        tape.sync()
        let putEnd = tape.end
        try tape.delete("key")
        try tape.put("other", "alive")
        tape.sync()
        let position = tape.position
        var begun = isCopiedDuringIt ? CheckpointWriter(tape.core, at: position) : nil

        try tape.copySurvivors(before: putEnd)
        try tape.compact(tape.core.revision)
        var next: [UInt8]? = []
        while let start = next { next = tape.core.prune(from: start) }
        var writer = begun.take() ?? CheckpointWriter(tape.core, at: position)
        while writer.next != nil { writer.addLeaf(of: tape.core) }
        let body = writer.take().bytes
        let checkpoint = writer.header(committed: position.last.index) + body

        #expect(contents(of: tape.core, in: tape.bytes) == "other=alive@4 ")
        let whole = try recover(tape.bytes)
        #expect(whole.contents == "other=alive@4 ", "found again from the log")
        let found = try recover(tape.bytes, checkpoint: checkpoint)
        #expect(found.contents == "other=alive@4 ", "found again from the checkpoint")
        #expect(found.sum == tape.core.sum)
    }
}
