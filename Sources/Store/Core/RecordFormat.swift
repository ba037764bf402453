internal import Checksum
internal import Raft

// The log's format. A segment is a file: a header of 64 bytes, then records, each at a multiple of
// 8 bytes, little-endian throughout.
//
//   segment header                                    record header (40 bytes)
//    0  8 bytes  "MARTLET" and format version 1        0  u32  crc32c over bytes 4... of header and
//    8  u64      salt of this incarnation                      padded payload, begun with the salt
//   16  u32      sequence number of the segment        4  u32  length of the payload in bytes
//   20  u32      0                                     8  u32  crc of the record before (the chain)
//   24  u64      size of the file in bytes            12  u8   kind
//   32  ...      0                                    13  u8   version of the kind
//   60  u32      crc32c over bytes 0..<60             14  u16  flags: bit 0 is the commit mark
//                                                     16  u64  log index
//                                                     24  u64  term
//                                                     32  u32  offset at which its batch begins
//                                                     36  u32  how many entries up to this one were
//                                                              not known to be committed
//                                                     40  payload, padded with zeros to 8 bytes
//
// An entry is a record that all members share: it has an index and a term of its own. A local record
// belongs to this member's files alone; it bears the index of the entry before it. The log is never
// overwritten: an entry whose index is not above the last one's makes void all from that index on.
//
// What was written between two syncs is a batch. Its last record bears the commit mark, and nothing
// of a batch counts unless all of it is there. The chain begins with 0 in the first segment and
// goes on from the last record of one segment to the first of the next.
//
// After a sync with nothing more to write, the writer lays a synced mark where the next batch will
// begin. It need not reach the disk; but if it did, or if any record of a later batch did, then
// what lies before it had been synced, and a fault there is damage and not a torn tail. Files are
// used again, and the salt, which is in every checksum, keeps old bytes from passing for new ones.

/// What a record says. A kind or version that this program does not know is refused, never skipped.
package enum RecordKind: UInt8, Sendable {
    /// All before it was synced. Overwritten by the next batch.
    case syncedMark = 1
    /// First in each segment: what has to be known although older segments may be gone.
    case opening = 2
    /// Changes of one revision: i64 revision, u32 count, u32 0, then the changes.
    case transaction = 3
    /// Changes copied out of a segment that is to be retired, each with a revision of its own:
    /// i64 0, u32 count, u32 0, then the changes.
    case survivors = 4
    /// i64: history before this revision is given up.
    case compaction = 5
    /// i64 lease, i64 time to live, i64 time remaining, both in milliseconds.
    case lease = 6
    /// i64 lease: it is gone. Its keys went in transactions before it.
    case leaseEnd = 7
    /// u32 segment, u32 0: nothing in it is needed any more.
    case retirement = 8
    /// Last in a segment: the log goes on in the next one.
    case seal = 9
    /// A lease copied out of a segment that is to be retired; as `lease`.
    case leaseCopy = 10
    /// The end of a lease, copied; as `leaseEnd`.
    case leaseEndCopy = 11
    /// u64 member, u64 term, u64 candidate (0: none): how that member, whose log this is or once
    /// was, voted in a term.
    case vote = 12
    /// The cluster's members from here on (``Membership``).
    case membership = 13
    /// Nothing: the first entry of a leader's term.
    case noop = 14

    /// Whether it is an entry, which all members share.
    package var isEntry: Bool {
        switch self {
        case .transaction, .compaction, .lease, .leaseEnd, .membership, .noop: true
        case .syncedMark, .opening, .survivors, .retirement, .seal, .leaseCopy, .leaseEndCopy,
            .vote: false
        }
    }

    /// The one version of every kind so far.
    package static let version: UInt8 = 1
}

/// The header of a record, as numbers.
struct RecordHeader: Equatable {
    static let byteCount = 40
    static let commitMark: UInt16 = 1

    var checksum: UInt32
    var payloadBytes: Int
    var previous: UInt32
    var kind: UInt8
    var version: UInt8
    var flags: UInt16
    var index: LogIndex
    var term: Term
    var batchStart: Int
    var uncommittedCount: UInt32

    /// Whether it ends its batch.
    var isBatchEnd: Bool { flags & Self.commitMark != 0 }
    /// Bytes from this record's start to that of the next.
    var stride: Int { Self.byteCount + roundedUp(payloadBytes, to: 8) }

    /// Reads the header at `offset` and checks it against its checksum; nil if it is not a record
    /// of this salt that lies wholly in `bytes`.
    init?(at offset: Int, in bytes: RawSpan, salt: UInt64) {
        guard offset >= 0, offset + Self.byteCount <= bytes.byteCount else { return nil }
        payloadBytes = Int(bytes.integer(at: offset + 4, as: UInt32.self))
        kind = bytes.integer(at: offset + 12, as: UInt8.self)
        uncommittedCount = bytes.integer(at: offset + 36, as: UInt32.self)
        let room = bytes.byteCount - offset - Self.byteCount
        guard kind != 0, payloadBytes <= room,
            roundedUp(payloadBytes, to: 8) <= room
        else { return nil }
        checksum = bytes.integer(at: offset, as: UInt32.self)
        previous = bytes.integer(at: offset + 8, as: UInt32.self)
        version = bytes.integer(at: offset + 13, as: UInt8.self)
        flags = bytes.integer(at: offset + 14, as: UInt16.self)
        index = LogIndex(bytes.integer(at: offset + 16, as: UInt64.self))
        term = Term(bytes.integer(at: offset + 24, as: UInt64.self))
        batchStart = Int(bytes.integer(at: offset + 32, as: UInt32.self))
        let covered = bytes.slice(offset + 4, stride - 4)
        guard crc32c(covered, from: Self.seed(salt)) == checksum else { return nil }
    }

    /// What a record's checksum begins with.
    static func seed(_ salt: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: salt) ^ UInt32(truncatingIfNeeded: salt >> 32)
    }
}

/// The first 64 bytes of a segment file.
public struct SegmentHeader: Equatable, Sendable {
    public static let byteCount = 64
    /// "MARTLET" and the format's version.
    static let magic: UInt64 = 0x02_54_45_4C_54_52_41_4D

    public let salt: UInt64
    public let sequence: UInt32
    public let fileBytes: Int

    public init(salt: UInt64, sequence: UInt32, fileBytes: Int) {
        (self.salt, self.sequence, self.fileBytes) = (salt, sequence, fileBytes)
    }

    /// Reads a header.
    ///
    /// - Throws: ``LogDamage`` with offset 0 if it is none, or of another version.
    public init(in bytes: RawSpan) throws(LogDamage) {
        guard bytes.byteCount >= Self.byteCount else {
            throw LogDamage(offset: 0, reason: .header)
        }
        let magic = bytes.integer(at: 0, as: UInt64.self)
        guard crc32c(bytes.slice(0, 60)) == bytes.integer(at: 60, as: UInt32.self) else {
            throw LogDamage(offset: 0, reason: .header)
        }
        guard magic == Self.magic else { throw LogDamage(offset: 0, reason: .unknownFormat) }
        salt = bytes.integer(at: 8, as: UInt64.self)
        sequence = bytes.integer(at: 16, as: UInt32.self)
        let fileBytes = bytes.integer(at: 24, as: UInt64.self)
        guard fileBytes <= UInt64(UInt32.max) else { throw LogDamage(offset: 24, reason: .header) }
        self.fileBytes = Int(fileBytes)
    }

    /// The header's bytes.
    public func encoded() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.byteCount)
        bytes.store(Self.magic, at: 0)
        bytes.store(salt, at: 8)
        bytes.store(sequence, at: 16)
        bytes.store(UInt64(fileBytes), at: 24)
        let checksum = crc32c(bytes.raw.extracting(0..<60))
        bytes.store(checksum, at: 60)
        return bytes
    }
}

/// Bytes that are not what was written, and where.
public struct LogDamage: Error, Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        /// The segment's header does not agree with its checksum.
        case header
        /// The file is of a format that this program does not know.
        case unknownFormat
        /// A record does not agree with its checksum, though something valid follows it.
        case record
        /// The segment ends without a seal, though a later one is in use.
        case unsealed
        /// A record of a kind or version that this program does not know.
        case unknownRecord(kind: UInt8, version: UInt8)
        /// A valid record whose contents contradict themselves or the rest of the log.
        case contents
        /// A segment that should be there is not.
        case missing
        /// An entry is wanted that the log does not have.
        case gap
        /// The disk does not give the bytes.
        case unreadable
    }

    /// In bytes from the beginning of the file.
    public let offset: Int
    public let reason: Reason

    public init(offset: Int, reason: Reason) { (self.offset, self.reason) = (offset, reason) }

    /// Whether the bytes are whole, and of a version that this program does not know: nothing is to
    /// be repaired.
    public var isOfAnotherVersion: Bool {
        switch reason {
        case .unknownRecord, .unknownFormat: true
        default: false
        }
    }
}
