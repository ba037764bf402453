internal import Checksum
package import Raft

/// The bytes of the file that says who a member is:
///
///      0  8 bytes  "MARTMBR" and format version 1
///      8  u32      crc32c over all that follows
///     12  u32      0
///     16  u64      the member
///     24           the cluster's members as it began (``ClusterMembers``)
package struct IdentityFile: Equatable, Sendable {
    package var member: MemberID
    package var founders: ClusterMembers

    private static let magic: UInt64 = 0x01_52_42_4D_54_52_41_4D
    private static let headerBytes = 24

    package init(member: MemberID, founders: ClusterMembers) {
        (self.member, self.founders) = (member, founders)
    }

    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(integer: Self.magic)
        bytes.append(integer: 0 as UInt64)
        bytes.append(integer: member.number)
        bytes += founders.encoded()
        bytes.store(crc32c(bytes.raw.extracting(16..<bytes.count)), at: 8)
        return bytes
    }

    /// Reads the file; nil if it is not what was written.
    package init?(_ bytes: RawSpan) {
        guard bytes.byteCount >= Self.headerBytes,
            bytes.integer(at: 0, as: UInt64.self) == Self.magic,
            crc32c(bytes.extracting(16..<bytes.byteCount)) == bytes.integer(at: 8, as: UInt32.self),
            let founders = ClusterMembers(bytes.extracting(Self.headerBytes..<bytes.byteCount))
        else { return nil }
        self.init(member: MemberID(bytes.integer(at: 16, as: UInt64.self)), founders: founders)
    }
}
