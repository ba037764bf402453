import Replica
import StoreCore

/// Segments in memory.
struct MemoryFiles: MemberFiles {
    var segments: [UInt32: [UInt8]] = [:]

    var sequences: [UInt32] { segments.keys.sorted() }
    func name(of sequence: UInt32) -> String { "segment \(sequence)" }
    func withCheckpoint(_ body: (RawSpan) -> Void) {}

    func withSegment<Result>(
        _ sequence: UInt32, _ body: (RawSpan) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        guard let bytes = segments[sequence] else {
            throw .damaged(file: name(of: sequence), LogDamage(offset: 0, reason: .missing))
        }
        return try body(bytes.raw)
    }

    mutating func make(_ header: SegmentHeader) {
        segments[header.sequence] = header.encoded()
            + [UInt8](repeating: 0, count: header.fileBytes - SegmentHeader.byteCount)
    }

    mutating func write(_ bytes: some Collection<UInt8>, to sequence: UInt32, at offset: Int) {
        segments[sequence]?.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
}
