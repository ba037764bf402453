import StoreCore
import Testing

@Suite("A backup's format")
struct BackupFormatTests {
    private static let first = SegmentHeader(salt: 11, sequence: 3, fileBytes: 128)
    private static let last = SegmentHeader(salt: 12, sequence: 5, fileBytes: 4096)
    private let header = BackupHeader(
        cluster: 7, member: 8, revision: Revision(100), compacted: Revision(90), committed: 95,
        takenAt: 1_000,
        parts: [.init(first, bytes: 128), .init(last, bytes: 72)])

    /// A file with that header, whose segments mean nothing.
    private func file() -> [UInt8] {
        var bytes = header.encoded()
        bytes += [UInt8](repeating: 5, count: 200)
        var checksum = ByteChecksum()
        checksum.add(bytes.raw)
        return bytes + BackupHeader.end(checksum)
    }

    private func damage(_ bytes: [UInt8]) -> BackupDamage? {
        do throws(BackupDamage) {
            try BackupHeader(in: bytes.raw).checkEnd(of: bytes.raw)
            return nil
        } catch {
            return error
        }
    }

    @Test func isReadAsItWasWritten() throws {
        let bytes = file()
        #expect(bytes.count == header.fileBytes)
        let read = try BackupHeader(in: bytes.raw)
        #expect(read == header)
        #expect(read.partOffsets == [header.byteCount, header.byteCount + 128])
        #expect(damage(bytes) == nil)
    }

    @Test func tellsWhereItBreaksOff() {
        let bytes = file()
        for count in 0..<bytes.count {
            let found = damage(Array(bytes.prefix(count)))
            #expect(found?.offset == count)
            if count >= 80 { #expect(found?.reason == .cutOff(wholeBytes: bytes.count)) }
        }
        #expect(damage(bytes + [0])?.reason == .tooLong(wholeBytes: bytes.count))
    }

    @Test func findsEveryFlippedBit() {
        let bytes = file()
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << (bit % 8)
            #expect(damage(flipped) != nil, "bit \(bit)")
        }
    }

    @Test func isToldFromOtherFilesAndLaterFormats() {
        #expect(damage(Array(repeating: 0, count: 400))?.reason == .noBackup)
        var later = file()
        later[7] = 2
        #expect(damage(later)?.reason == .unknownFormat)
    }
}
