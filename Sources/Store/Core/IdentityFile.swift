internal import Checksum
package import Raft

/// Who a member is, and the bytes of the file that says so:
///
///      0  8 bytes  "MARTMBR" and format version 2, or 3
///      8  u32      crc32c over all that follows
///     12  u32      how things stand with the log (``LogState``)
///     16  u64      the member
///     24  u64      the number that it is about to take (0: none)
///     32  u64      count of the numbers that it had before
///     40  u64      in version 3: the disk's life, as one of the first members
///     48  u64      in version 3: count of others' lives
///         ...      the numbers that it had before, newest first
///         ...      others' lives: member and life, two u64 each
///         ...      the cluster's members as it began (``ClusterMembers``)
///
/// It is of version 2 if it knows of no life.
///
/// In version 1, the checksum is over what follows byte 16, and the cluster's members follow the
/// member.
package struct IdentityFile: Equatable, Sendable {
    package enum LogState: UInt32, Sendable {
        /// There was none when this was written.
        case awaited = 0
        /// There is one: it is not there only if it has been lost.
        case begun = 1
        /// What there is is that of the number before this one, and damaged: it is to be set aside.
        case givenUp = 2
    }

    package var member: MemberID
    package var founders: ClusterMembers
    /// Numbers that this member had before, newest first. It gave each up when its log turned out
    /// to be damaged, and never speaks as one of them again. Forgotten once all of a log has been
    /// found sound.
    package var replaced: [MemberID] = []
    /// The number that it is to take, once the others know of it.
    package var successor: MemberID?
    package var log = LogState.awaited
    /// Tells one of the first members from itself with another disk; 0: it needs none.
    package var life: UInt64 = 0
    /// With which lives of the others it began.
    package var lives: [MemberID: UInt64] = [:]

    private static let thirdMagic: UInt64 = 0x03_52_42_4D_54_52_41_4D
    private static let magic: UInt64 = 0x02_52_42_4D_54_52_41_4D
    private static let firstMagic: UInt64 = 0x01_52_42_4D_54_52_41_4D
    private static let headerBytes = 40
    private static let thirdHeaderBytes = 56
    private static let firstHeaderBytes = 24
    private static let replacedMax = 16
    /// A disk that damages the log more often, without having been read through once with nothing
    /// found, is not worth the others' effort.
    package static let exchangesMax = 10

    package init(member: MemberID, founders: ClusterMembers) {
        (self.member, self.founders) = (member, founders)
    }

    /// Whether the member may still be let in anew, should its log be damaged.
    package var mayBeExchanged: Bool { replaced.count < Self.exchangesMax }

    /// The same member under another number, without a log.
    ///
    /// - Parameters:
    ///   - number: If it has not settled on one.
    ///   - contacts: Where the others are, as far as it is known.
    package func givingUp(
        for number: MemberID, contacts: [MemberID: ClusterMembers.Address]
    ) -> IdentityFile {
        var next = IdentityFile(
            member: successor ?? number,
            founders: ClusterMembers(
                cluster: founders.cluster, membership: .none, addresses: contacts))
        next.replaced = Array(([member] + replaced).prefix(Self.replacedMax))
        next.log = .givenUp
        return next
    }

    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        let hasLives = life != 0 || !lives.isEmpty
        bytes.append(integer: hasLives ? Self.thirdMagic : Self.magic)
        bytes.append(integer: 0 as UInt32)
        bytes.append(integer: log.rawValue)
        bytes.append(integer: member.number)
        bytes.append(integer: successor?.number ?? 0)
        bytes.append(integer: UInt64(replaced.count))
        if hasLives {
            bytes.append(integer: life)
            bytes.append(integer: UInt64(lives.count))
        }
        for number in replaced { bytes.append(integer: number.number) }
        for (member, life) in lives.sorted(by: { $0.key < $1.key }) {
            bytes.append(integer: member.number)
            bytes.append(integer: life)
        }
        bytes += founders.encoded()
        bytes.store(crc32c(bytes.raw.extracting(12..<bytes.count)), at: 8)
        return bytes
    }

    /// Reads the file; nil if it is not what was written.
    package init?(_ bytes: RawSpan) {
        guard bytes.byteCount >= Self.firstHeaderBytes else { return nil }
        switch bytes.integer(at: 0, as: UInt64.self) {
        case Self.magic: self.init(bytes, headerBytes: Self.headerBytes)
        case Self.thirdMagic: self.init(bytes, headerBytes: Self.thirdHeaderBytes)
        case Self.firstMagic: self.init(first: bytes)
        default: return nil
        }
    }

    private init?(first bytes: RawSpan) {
        guard
            crc32c(bytes.extracting(16..<bytes.byteCount)) == bytes.integer(at: 8, as: UInt32.self),
            let founders = ClusterMembers(
                bytes.extracting(Self.firstHeaderBytes..<bytes.byteCount))
        else { return nil }
        self.init(member: MemberID(bytes.integer(at: 16, as: UInt64.self)), founders: founders)
    }

    private init?(_ bytes: RawSpan, headerBytes: Int) {
        guard bytes.byteCount >= headerBytes,
            crc32c(bytes.extracting(12..<bytes.byteCount)) == bytes.integer(at: 8, as: UInt32.self),
            let log = LogState(rawValue: bytes.integer(at: 12, as: UInt32.self))
        else { return nil }
        let hasLives = headerBytes == Self.thirdHeaderBytes
        let count = bytes.integer(at: 32, as: UInt64.self)
        let livesCount = hasLives ? bytes.integer(at: 48, as: UInt64.self) : 0
        let countMax = UInt64((bytes.byteCount - headerBytes) / 8)
        guard count <= countMax, livesCount <= countMax / 2 else { return nil }
        let livesStart = headerBytes + 8 * Int(count)
        let end = livesStart + 16 * Int(livesCount)
        guard end <= bytes.byteCount else { return nil }
        guard let founders = ClusterMembers(bytes.extracting(end..<bytes.byteCount)) else {
            return nil
        }
        self.init(member: MemberID(bytes.integer(at: 16, as: UInt64.self)), founders: founders)
        let next = bytes.integer(at: 24, as: UInt64.self)
        successor = next == 0 ? nil : MemberID(next)
        for place in 0..<Int(count) {
            replaced.append(
                MemberID(bytes.integer(at: headerBytes + 8 * place, as: UInt64.self)))
        }
        if hasLives { life = bytes.integer(at: 40, as: UInt64.self) }
        for place in stride(from: livesStart, to: end, by: 16) {
            let member = MemberID(bytes.integer(at: place, as: UInt64.self))
            lives[member] = bytes.integer(at: place + 8, as: UInt64.self)
        }
        self.log = log
    }
}
