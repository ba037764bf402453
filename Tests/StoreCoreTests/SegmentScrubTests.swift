import LogTape
import StoreCore
import Testing

@Suite("Reading a segment through in search of damage")
struct SegmentScrubTests {
    private let end: Int
    private let bytes: [UInt8]

    init() throws {
        var tape = LogTape()
        for number in 0..<6 {
            try tape.put("key-\(number)", String(repeating: "v", count: number * 5))
            tape.sync()
        }
        try tape.delete("key-3")
        tape.sync()
        (end, bytes) = (tape.end, tape.bytes)
    }

    /// Reads in pieces of `pieceBytes`.
    private func damage(in bytes: [UInt8], pieceBytes: Int) -> LogDamage? {
        var scrub = SegmentScrub(of: LogTape.header)
        do throws(LogDamage) {
            while scrub.offset < end {
                let piece = scrub.offset..<min(end, scrub.offset + pieceBytes)
                try scrub.take(bytes.raw.extracting(piece))
            }
            try scrub.finish()
        } catch { return error }
        return nil
    }

    @Test(arguments: [1, 7, 40, 64, 1000, 1 << 20])
    func findsNothingWhereNothingIs(pieceBytes: Int) {
        #expect(damage(in: bytes, pieceBytes: pieceBytes) == nil)
    }

    @Test func findsEveryFlippedBitAndWhichRecordItIsIn() {
        for place in 0..<end {
            var changed = bytes
            changed[place] ^= 1 << UInt8(place % 8)
            let found = damage(in: changed, pieceBytes: 1 + place % 100)
            #expect(found != nil, "byte \(place)")
            #expect((found?.offset ?? 0) <= place && (found?.offset ?? 0) % 8 == 0)
        }
    }

    @Test func findsThatARecordIsCutShort() throws {
        var scrub = SegmentScrub(of: LogTape.header)
        try scrub.take(bytes.raw.extracting(0..<end - 8))
        #expect(throws: LogDamage.self) { try scrub.finish() }
    }
}
