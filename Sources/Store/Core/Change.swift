internal import Checksum

/// One key's change as it stands in the log, at a multiple of 8 bytes:
///
///      0  u8   1 put, 2 delete
///      1  u8   0, three times
///      4  u32  length of the key
///      8  u32  length of the value
///     12  u32  crc32c over all but itself
///     16  i64  create revision (0 for a delete)
///     24  i64  mod revision
///     32  i64  version (0 for a delete)
///     40  i64  lease
///     48  key, value, padded together with zeros to 8 bytes
///
/// It says everything about that version of the key, so it may be read, served, copied and
/// replayed by itself, in any order. This type holds where it lies and what its numbers are.
public struct Change: Sendable {
    public static let headerBytes = 48

    public let offset: Int
    public let isDelete: Bool
    public let keyBytes: Int
    public let valueBytes: Int
    public let createRevision: Revision
    public let modRevision: Revision
    public let version: Int64
    public let lease: LeaseID

    public var keyOffset: Int { offset + Self.headerBytes }
    public var valueOffset: Int { keyOffset + keyBytes }
    /// Bytes from this change's start to that of the next.
    public var stride: Int { Self.stride(keyBytes: keyBytes, valueBytes: valueBytes) }

    static func stride(keyBytes: Int, valueBytes: Int) -> Int {
        headerBytes + roundedUp(keyBytes + valueBytes, to: 8)
    }

    /// Reads the change at `offset`; nil if the bytes there are none.
    public init?(at offset: Int, in bytes: RawSpan) {
        guard offset >= 0, offset + Self.headerBytes <= bytes.byteCount else { return nil }
        let kind = bytes.integer(at: offset, as: UInt32.self)
        guard kind == 1 || kind == 2 else { return nil }
        self.offset = offset
        isDelete = kind == 2
        keyBytes = Int(bytes.integer(at: offset + 4, as: UInt32.self))
        valueBytes = Int(bytes.integer(at: offset + 8, as: UInt32.self))
        createRevision = Revision(bytes.integer(at: offset + 16, as: Int64.self))
        modRevision = Revision(bytes.integer(at: offset + 24, as: Int64.self))
        version = bytes.integer(at: offset + 32, as: Int64.self)
        lease = LeaseID(bytes.integer(at: offset + 40, as: Int64.self))
        guard offset + stride <= bytes.byteCount else { return nil }
    }

    /// Reads the change at `offset` to be served: nil if it is not what was written.
    public init?(checkedAt offset: Int, in bytes: RawSpan) {
        self.init(at: offset, in: bytes)
        let stored = bytes.integer(at: offset + Self.checksumOffset, as: UInt32.self)
        guard Self.checksum(bytes.slice(offset, stride)) == stored else { return nil }
    }

    static let checksumOffset = 12

    /// The checksum of a change's bytes.
    static func checksum(_ bytes: RawSpan) -> UInt32 {
        let rest = checksumOffset + MemoryLayout<UInt32>.size
        return crc32c(
            bytes.slice(rest, bytes.byteCount - rest),
            from: crc32c(bytes.slice(0, checksumOffset)))
    }
}

/// A change that is to be written: the numbers of ``Change`` before there is a place for it.
struct NewChange {
    var isDelete: Bool
    var createRevision: Revision
    var modRevision: Revision
    var version: Int64
    var lease: LeaseID
}

extension [UInt8] {
    mutating func append(_ change: NewChange, key: RawSpan, value: RawSpan) {
        let start = count
        let payload = key.byteCount + value.byteCount
        append(contentsOf: repeatElement(0, count: Change.headerBytes))
        store(UInt32(change.isDelete ? 2 : 1), at: start)
        store(UInt32(key.byteCount), at: start + 4)
        store(UInt32(value.byteCount), at: start + 8)
        store(change.createRevision.number, at: start + 16)
        store(change.modRevision.number, at: start + 24)
        store(change.version, at: start + 32)
        store(change.lease.number, at: start + 40)
        append(bytes: key)
        append(bytes: value)
        append(contentsOf: repeatElement(0, count: roundedUp(payload, to: 8) - payload))
        let checksum = Change.checksum(raw.extracting(start..<count))
        store(checksum, at: start + Change.checksumOffset)
    }
}
