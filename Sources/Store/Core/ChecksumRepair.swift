internal import Checksum
internal import Raft

// A CRC is linear: what one flipped bit does to it depends on how far from the end it is and on
// nothing else. So the difference between the checksum that is stored and that of what is there tells
// which bit it was, if it was one alone.

/// A bit of a file that is not as it was written.
package struct FlippedBit: Equatable, Sendable {
    /// Of its byte, from the beginning of the file.
    package var offset: Int
    package var mask: UInt8

    package init(offset: Int, mask: UInt8) { (self.offset, self.mask) = (offset, mask) }
}

enum ChecksumRepair {
    /// Reflected form of the Castagnoli polynomial (RFC 3720, appendix B.4).
    private static let polynomial: UInt32 = 0x82F6_3B78

    /// Which bit of so many bytes changes their crc32c by `difference` when it is flipped; nil if
    /// none alone does.
    ///
    /// - Complexity: O(*n*) in bytes. Of fewer than 256 MiB, no two bits make the same difference.
    static func bit(ofBytes count: Int, changingBy difference: UInt32) -> (byte: Int, mask: UInt8)? {
        var effect = polynomial
        for byte in (0..<count).reversed() {
            for bit in (0..<8).reversed() {
                if effect == difference { return (byte, 1 << UInt8(bit)) }
                effect = (effect >> 1) ^ (effect & 1 == 0 ? 0 : polynomial)
            }
        }
        return nil
    }

    /// What a checksum has begun with that became `checksum` at the end of `bytes`.
    static func seed(of bytes: RawSpan, becoming checksum: UInt32) -> UInt32 {
        var state = ~checksum
        for offset in (0..<bytes.byteCount).reversed() {
            for _ in 0..<8 {
                let bit = state >> 31
                state = (state ^ (bit == 0 ? 0 : polynomial)) << 1 | bit
            }
            state ^= UInt32(bytes.byte(at: offset))
        }
        return ~state
    }
}

extension SegmentHeader {
    /// The header of a segment whose own is damaged: the salt is found from two records that follow
    /// one another, as the second one has the checksum of the first.
    ///
    /// - Parameter indexMin: The last index of the segment before. Records with a lower one are of
    ///   the file's life before this one.
    /// - Returns: Also where the first of the two begins; nil if there are no two.
    package static func rebuilt(
        from bytes: RawSpan, sequence: UInt32, indexMin: UInt64
    ) -> (header: SegmentHeader, firstRecord: Int)? {
        var offset = byteCount
        while offset + 2 * RecordHeader.byteCount <= bytes.byteCount {
            if let first = RecordHeader(uncheckedAt: offset, in: bytes),
                let second = RecordHeader(uncheckedAt: offset + first.stride, in: bytes),
                second.previous == first.checksum, first.index.number >= indexMin,
                second.index.number >= indexMin
            {
                let seed = ChecksumRepair.seed(
                    of: bytes.slice(offset + 4, first.stride - 4), becoming: first.checksum)
                if RecordHeader(at: offset + first.stride, in: bytes, salt: UInt64(seed)) != nil {
                    let header = SegmentHeader(
                        salt: UInt64(seed), sequence: sequence, fileBytes: bytes.byteCount)
                    return (header, offset)
                }
            }
            offset += 8
        }
        return nil
    }
}

extension RecordHeader {
    /// Reads what is at `offset`, whatever its checksum says; nil if no record can begin there that
    /// lies wholly in `bytes`.
    init?(uncheckedAt offset: Int, in bytes: RawSpan) {
        guard offset >= 0, offset + Self.byteCount <= bytes.byteCount else { return nil }
        kind = bytes.integer(at: offset + 12, as: UInt8.self)
        version = bytes.integer(at: offset + 13, as: UInt8.self)
        guard RecordKind(rawValue: kind) != nil, version == RecordKind.version else { return nil }
        batchStart = Int(bytes.integer(at: offset + 32, as: UInt32.self))
        guard batchStart >= SegmentHeader.byteCount, batchStart <= offset, batchStart % 8 == 0 else {
            return nil
        }
        payloadBytes = Int(bytes.integer(at: offset + 4, as: UInt32.self))
        let room = bytes.byteCount - offset - Self.byteCount
        guard payloadBytes <= room, roundedUp(payloadBytes, to: 8) <= room else { return nil }
        checksum = bytes.integer(at: offset, as: UInt32.self)
        previous = bytes.integer(at: offset + 8, as: UInt32.self)
        flags = bytes.integer(at: offset + 14, as: UInt16.self)
        index = LogIndex(bytes.integer(at: offset + 16, as: UInt64.self))
        term = Term(bytes.integer(at: offset + 24, as: UInt64.self))
        uncommittedCount = bytes.integer(at: offset + 36, as: UInt32.self)
    }
}
