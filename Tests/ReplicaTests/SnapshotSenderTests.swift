import Raft
import Replica
import StoreCore
import Testing

/// A log of one segment in memory, with three entries.
private struct OneSegment: MemberFiles {
    static let header = SegmentHeader(salt: 9, sequence: 1, fileBytes: 8_192)
    var bytes: [UInt8]
    let end: LogPosition

    init() {
        var batch = LogBatch(at: .origin, salt: Self.header.salt, term: Term(1))
        for _ in 0..<3 {
            batch.begin(.noop)
            batch.commit()
        }
        bytes = Self.header.encoded() + batch.bytes
        bytes += [UInt8](repeating: 0, count: Self.header.fileBytes - bytes.count)
        end = batch.position
    }

    var sequences: [UInt32] { [1] }
    func name(of sequence: UInt32) -> String { "segment \(sequence)" }
    func withCheckpoint(_ body: (RawSpan) -> Void) {}
    func withSegment<Result>(
        _ sequence: UInt32, _ body: (RawSpan) throws(StoreError) -> Result
    ) throws(StoreError) -> Result { try body(bytes.raw) }

    /// The answer to a request for the beginning of the segment, up to `count`.
    func answer(upTo count: Int) throws(StoreError) -> SnapshotMessage {
        let part = SnapshotPart(Self.header, bytes: count)
        return try SnapshotSender.chunk(of: part, from: 0, bytesMax: 64, self, writtenEnd: end)
    }
}

@Suite("Who gives a snapshot")
struct SnapshotSenderTests {
    @Test func givesWhatItOffered() throws {
        let log = OneSegment()
        guard case .chunk(_, let offset, let bytes) = try log.answer(upTo: log.end.offset) else {
            Issue.record("no chunk")
            return
        }
        #expect(offset == 0 && bytes == Array(log.bytes[..<64]))
    }

    @Test func saysThatAPartIsGoneWhoseEndACrashTook() throws {
        let log = OneSegment()
        let part = SnapshotPart(OneSegment.header, bytes: log.end.offset + 48)
        #expect(try log.answer(upTo: part.bytes) == .gone(part))
    }

    @Test func findsDamageInWhatIsWritten() throws {
        var log = OneSegment()
        log.bytes[log.end.offset - 20] ^= 1
        #expect(throws: StoreError.self) { try log.answer(upTo: log.end.offset) }
    }
}
