import Checksum
import StoreCore
import Testing

@Suite("The checksum")
struct ChecksumTests {
    /// RFC 3720, appendix B.4.
    static let known: [([UInt8], UInt32)] = [
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        (Array(0..<32), 0x46DD_794E),
        (Array("123456789".utf8), 0xE306_9283),
    ]

    @Test(arguments: known)
    func isCastagnolis(_ bytes: [UInt8], _ expected: UInt32) {
        #expect(crc32c(bytes.raw) == expected)
        #expect(crc32cByTable(bytes.raw) == expected)
    }

    @Test func isTheSameByInstructionAndByTableAndInParts() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        for count in 1..<100 {
            let part = bytes.raw.extracting(count..<count * 10 + 3)
            #expect(crc32c(part, from: 9) == crc32cByTable(part, from: 9))
        }
        let first = crc32c(bytes.raw.extracting(0..<400))
        #expect(crc32c(bytes.raw.extracting(400..<1000), from: first) == crc32c(bytes.raw))
    }
}
