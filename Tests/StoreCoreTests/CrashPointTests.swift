import Checksum
import LogTape
import StoreCore
import Testing

@Suite("After a crash")
struct CrashPointTests {
    /// A log of some hundred changes in batches of up to six.
    static func recorded(seed: UInt64) throws -> LogTape {
        var generator = SeededGenerator(seed: seed)
        var tape = LogTape()
        for number in 0..<60 {
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let key = "key-\(Int.random(in: 0..<20, using: &generator))"
                let length = Int.random(in: 0..<90, using: &generator)
                switch Int.random(in: 0..<8, using: &generator) {
                case 0: try tape.delete(key)
                case 1:
                    try tape.propose(
                        Transaction(then: [
                            .delete(.prefix(Array("key-1".utf8))),
                            .put(key: Array("both".utf8), value: Array("\(number)".utf8)),
                        ]))
                default: try tape.put(key, "\(number)" + String(repeating: "v", count: length))
                }
            }
            tape.sync()
        }
        return tape
    }

    /// The newest state that was synced when the segment had been written up to `end`.
    static func expected(_ tape: borrowing LogTape, end: Int) -> LogTape.Sync {
        tape.syncs.last { $0.end <= end } ?? tape.syncs[0]
    }

    @Test func theLogIsCutAtTheLastCompleteBatchWhereverItBreaksOff() throws {
        let tape = try Self.recorded(seed: 1)
        let end = tape.end
        let begin = tape.syncs[0].end
        // Every sector, and every byte of the last batches.
        let cuts = Array(stride(from: 512, to: end, by: 512)) + Array((end - 400)..<end)
        for cut in cuts where cut >= begin {
            let bytes = Array(tape.bytes[..<cut])
            let zeros = tape.bytes[cut...].prefix { $0 == 0 }.count
            // A batch of which only zeros are missing is whole when zeros follow.
            for (rest, end) in [(0, cut), (4096, cut + zeros)] {
                let found = try recover(bytes + [UInt8](repeating: 0, count: rest))
                let expected = Self.expected(tape, end: end)
                #expect(found.contents == expected.contents, "cut at \(cut)")
                #expect(found.revision == expected.revision)
                #expect(found.end == expected.end)
            }
        }
    }

    @Test(arguments: 1...20)
    func anySubsetOfSectorsOfTheLastWriteMayBeMissing(seed: UInt64) throws {
        let tape = try Self.recorded(seed: 7)
        var generator = SeededGenerator(seed: seed)
        let last = Int.random(in: 20..<tape.syncs.count, using: &generator)
        let (before, after) = (tape.syncs[last - 1], tape.syncs[last])
        var bytes = Array(tape.bytes[..<after.end]) + [UInt8](repeating: 0, count: 4096)
        var isWhole = true
        for sector in (before.end / 512)...(after.end / 512)
        where Bool.random(using: &generator) {
            for offset in (sector * 512)..<(sector * 512 + 512)
            where offset >= before.end && offset < after.end {
                isWhole = isWhole && bytes[offset] == 0
                bytes[offset] = 0
            }
        }
        let found = try recover(bytes)
        let expected = isWhole ? after : before
        #expect(found.contents == expected.contents)
        #expect(found.revision == expected.revision)
    }

    @Test func bytesOfAnEarlierIncarnationAreNoRecords() throws {
        let old = try Self.recorded(seed: 3)
        let tape = try Self.recorded(seed: 4)
        let cut = tape.syncs[30].end
        // The same file with another salt: its records are whole, but not of this incarnation.
        let header = SegmentHeader(salt: 0xBAD, sequence: 1, fileBytes: LogTape.header.fileBytes)
        var bytes = Array(tape.bytes[..<cut]) + Array(old.bytes[cut...])
        #expect(throws: LogDamage.self) { try recover(bytes) }
        bytes.replaceSubrange(0..<SegmentHeader.byteCount, with: header.encoded())
        #expect(try recover(bytes).contents.isEmpty)
    }

    /// Its own place is as if it had never been written, and nothing follows; what it lies upon was
    /// synced.
    @Test(arguments: 20..<60)
    func aLastWriteThatWentAstrayOntoTheOneBeforeIsFound(number: Int) throws {
        let tape = try Self.recorded(seed: 6)
        let before = tape.syncs[number - 2].end
        let (start, end) = (tape.syncs[number - 1].end, tape.syncs[number].end)
        let write = Array(tape.bytes[start..<end])
        var bytes = Array(tape.bytes[..<start]) + [UInt8](repeating: 0, count: end - start + 4096)
        bytes.replaceSubrange(before..<before + write.count, with: write)
        #expect(throws: LogDamage.self) { try recover(bytes) }
    }

    @Test(arguments: 0..<150)
    func aFlippedBitInWhatWasSyncedIsFoundAndLocated(sample: Int) throws {
        var tape = try Self.recorded(seed: 5)
        tape.rest()
        let end = tape.end
        var generator = SeededGenerator(seed: UInt64(sample) + 1)
        let offset = Int.random(in: SegmentHeader.byteCount..<end, using: &generator)
        var bytes = tape.bytes
        bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        let damage = #expect(throws: LogDamage.self, "flipped in byte \(offset)") {
            _ = try recover(bytes)
        }
        let found = try #require(damage)
        #expect(found.offset <= offset && offset - found.offset < 700, "found at \(found.offset)")
    }

    @Test func aFlippedBitInTheHeaderIsFound() throws {
        let tape = LogTape()
        for offset in 0..<SegmentHeader.byteCount {
            var bytes = tape.bytes
            bytes[offset] ^= 4
            #expect(throws: LogDamage.self) { try recover(bytes) }
        }
    }

    @Test func aRecordOfAnUnknownKindIsRefused() throws {
        var tape = LogTape()
        try tape.put("a", "1")
        tape.sync()
        var bytes = tape.bytes
        let offset = tape.syncs[0].end
        bytes[offset + 12] = 200
        // Its checksum is made good, so that only the kind is wrong.
        let stride = tape.syncs[1].end - offset
        let seed = UInt32(truncatingIfNeeded: LogTape.header.salt)
        let checksum = crc32c(bytes.raw.extracting(offset + 4..<offset + stride), from: seed)
        for place in 0..<4 {
            bytes[offset + place] = UInt8(truncatingIfNeeded: checksum >> (8 * place))
        }
        let damage = #expect(throws: LogDamage.self) { _ = try recover(bytes) }
        #expect(damage?.reason == .unknownRecord(kind: 200, version: 1))
    }
}
