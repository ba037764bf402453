internal import Checksum
package import Raft

// A checkpoint is the key space as it was while the log went on: each leaf at its own moment, none
// before `position`. Replaying the log from there on makes it whole, as every change stands for
// itself; but a copy there of a put that the key space had forgotten is passed over, as the delete
// that hid it may lie before. It counts once all that it may have seen is durable, and bears its
// name from then on. A checkpoint saves time at a start and nothing else; the log alone suffices.
//
//    0  8 bytes  "MARTCKP" and format version 3
//    8  u32      crc32c over all that follows
//   12  u32      0
//   16  u64      bytes of the file
//   24           position: u32 segment, u32 offset, u32 previous, u32 0, u64 index, u64 term
//   56  i64 revision, i64 compacted
//   72  u64      the newest entry that it may have seen, which is committed
//   80           segments, leases, keys of leases, each with an i64 count before it
//   ...          keys until the end: u32 bytes, u32 versions, the key, the versions, newest first

/// A checkpoint in the making.
package struct CheckpointWriter: Sendable {
    package static let headerBytes = 80
    static let magic: UInt64 = 0x03_50_4B_43_54_52_41_4D

    /// Bytes to be written next, after those taken before.
    package var bytes: [UInt8] = []
    private var checksum: UInt32 = 0
    private var bytesTaken = 0
    package let position: LogPosition
    private let revision: Revision
    private let compacted: Revision
    /// The key at which to go on; nil when all keys are there.
    package private(set) var next: [UInt8]? = []

    /// Takes down all but the keys.
    ///
    /// - Parameter position: Where a replay finds all that the state may lack.
    package init(_ core: borrowing StoreState, at position: LogPosition) {
        self.position = position
        (revision, compacted) = (core.revision, core.compacted)
        let uses = core.segments.uses.filter { !core.retiring.contains($0.key) }
        bytes.append(integer: Int64(uses.count))
        for (sequence, use) in uses { bytes.append(use, sequence) }
        bytes.append(integer: Int64(core.leases.leases.count))
        for (id, lease) in core.leases.leases {
            bytes.append(integer: id.number)
            bytes.append(integer: lease.milliseconds)
            bytes.append(integer: lease.savedMilliseconds)
            bytes.append(integer: Int64(lease.segment))
        }
        bytes.append(integer: Int64(core.leases.leaseOfKey.count))
        for (key, id) in core.leases.leaseOfKey {
            bytes.append(integer: id.number)
            bytes.append(integer: Int64(key.count))
            bytes += key
        }
    }

    /// Takes down the keys of one more leaf.
    package mutating func addLeaf(of core: borrowing StoreState) {
        guard let start = next else { return }
        next = core.keys.writeLeaf(at: start, to: &bytes)
    }

    /// Takes the bytes to be written now, and where: the header comes last, in its place.
    package mutating func take() -> (bytes: [UInt8], offset: Int) {
        defer { bytes.removeAll(keepingCapacity: true) }
        checksum = crc32c(bytes.raw, from: checksum)
        let offset = Self.headerBytes + bytesTaken
        bytesTaken += bytes.count
        return (bytes, offset)
    }

    /// The header, once all else has been taken.
    ///
    /// - Parameter committed: An entry that is committed, and on this disk, with all that the state
    ///   had when keys were last taken down.
    package func header(committed: LogIndex) -> [UInt8] {
        var header: [UInt8] = []
        header.append(integer: Self.magic)
        header.append(integer: 0 as UInt64)
        header.append(integer: UInt64(Self.headerBytes + bytesTaken))
        header.append(integer: position.segment)
        header.append(integer: UInt32(position.offset))
        header.append(integer: position.previous)
        header.append(integer: 0 as UInt32)
        header.append(integer: position.last.index.number)
        header.append(integer: position.last.term.number)
        header.append(integer: revision.number)
        header.append(integer: compacted.number)
        header.append(integer: committed.number)
        let sum = crc32c(header.raw.extracting(16..<header.count), from: checksum)
        header.store(sum, at: 8)
        return header
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ use: SegmentUse, _ sequence: UInt32) {
        append(integer: Int64(sequence))
        append(integer: Int64(use.fileBytes))
        append(integer: use.revisions?.lowerBound.number ?? 0)
        append(integer: use.revisions?.upperBound.number ?? 0)
        append(integer: use.oldestPut?.number ?? 0)
        append(integer: Int64(use.tombstoneBytes))
        append(integer: Int64(use.isSealed ? 1 : 0))
        append(integer: Int64(use.landmarks.count))
        for landmark in use.landmarks {
            append(integer: landmark.revision.number)
            append(integer: Int64(landmark.offset))
        }
    }
}

/// Reads bytes of a checkpoint, whose checksum has been checked, and yet trusts no length in it.
struct CheckpointReader: ~Escapable {
    private let bytes: RawSpan
    private(set) var offset: Int

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, from offset: Int) {
        self.bytes = bytes
        self.offset = offset
    }

    var isAtEnd: Bool { offset == bytes.byteCount }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self
    ) throws(LogDamage) -> Value {
        try require(MemoryLayout<Value>.size)
        defer { offset += MemoryLayout<Value>.size }
        return bytes.integer(at: offset, as: Value.self)
    }

    /// A count of things of at least 8 bytes each.
    mutating func count() throws(LogDamage) -> Int {
        let count = try integer(Int64.self)
        guard count >= 0, count <= (bytes.byteCount - offset) / 8 else {
            throw LogDamage(offset: offset, reason: .contents)
        }
        return Int(count)
    }

    @_lifetime(copy self)
    mutating func take(_ count: Int) throws(LogDamage) -> RawSpan {
        try require(count)
        defer { offset += count }
        return bytes.extracting(offset..<offset + count)
    }

    private func require(_ count: Int) throws(LogDamage) {
        guard count >= 0, count <= bytes.byteCount - offset else {
            throw LogDamage(offset: offset, reason: .contents)
        }
    }
}

extension StoreState {
    /// Builds the state that a checkpoint holds; the log has to be replayed from `position` on.
    ///
    /// - Throws: ``LogDamage`` if the bytes are no whole checkpoint.
    package init(
        checkpoint bytes: RawSpan, position: inout LogPosition, notes: inout ReplayNotes
    ) throws(LogDamage) {
        self.init()
        guard bytes.byteCount >= CheckpointWriter.headerBytes,
            bytes.integer(at: 0, as: UInt64.self) == CheckpointWriter.magic,
            bytes.integer(at: 16, as: UInt64.self) == UInt64(bytes.byteCount)
        else { throw LogDamage(offset: 0, reason: .unknownFormat) }
        let body = bytes.extracting(CheckpointWriter.headerBytes..<bytes.byteCount)
        let sum = crc32c(bytes.extracting(16..<CheckpointWriter.headerBytes), from: crc32c(body))
        guard sum == bytes.integer(at: 8, as: UInt32.self) else {
            throw LogDamage(offset: 8, reason: .record)
        }
        var reader = CheckpointReader(bytes, from: 24)
        position.segment = try reader.integer()
        position.offset = Int(try reader.integer(UInt32.self))
        position.previous = try reader.integer()
        _ = try reader.integer(UInt32.self)
        position.last = EntryID(
            index: LogIndex(try reader.integer()), term: Term(try reader.integer()))
        checkpointSegment = position.segment
        revision = Revision(try reader.integer())
        compacted = Revision(try reader.integer())
        notes.committed = LogIndex(try reader.integer())
        notes.revision = revision
        try readSegments(&reader, &notes)
        try readLeases(&reader)
        while !reader.isAtEnd { try readKey(&reader) }
    }

    private mutating func readSegments(
        _ reader: inout CheckpointReader, _ notes: inout ReplayNotes
    ) throws(LogDamage) {
        for _ in 0..<(try reader.count()) {
            let sequence = UInt32(truncatingIfNeeded: try reader.integer(Int64.self))
            var use = SegmentUse(fileBytes: Int(try reader.integer(Int64.self)))
            let first = Revision(try reader.integer())
            let last = Revision(try reader.integer())
            if first > .none, last >= first { use.revisions = first...last }
            let oldest = Revision(try reader.integer())
            use.oldestPut = oldest == .none ? nil : oldest
            use.tombstoneBytes = Int(try reader.integer(Int64.self))
            use.isSealed = try reader.integer(Int64.self) == 1
            for _ in 0..<(try reader.count()) {
                let revision = Revision(try reader.integer())
                let offset = UInt32(truncatingIfNeeded: try reader.integer(Int64.self))
                use.landmarks.append(SegmentUse.Landmark(revision: revision, offset: offset))
            }
            segments[sequence] = use
            notes.segmentsNeeded.insert(sequence)
        }
    }

    private mutating func readLeases(_ reader: inout CheckpointReader) throws(LogDamage) {
        for _ in 0..<(try reader.count()) {
            leases.restore(
                LeaseID(try reader.integer()),
                LeaseBook.Lease(
                    milliseconds: try reader.integer(), savedMilliseconds: try reader.integer(),
                    deadline: nil,
                    segment: UInt32(truncatingIfNeeded: try reader.integer(Int64.self))))
        }
        for _ in 0..<(try reader.count()) {
            let id = LeaseID(try reader.integer())
            let bytes = Int(try reader.integer(Int64.self))
            leases.attach(try reader.take(bytes), to: id)
        }
    }

    private mutating func readKey(_ reader: inout CheckpointReader) throws(LogDamage) {
        let keyBytes = Int(try reader.integer(UInt32.self))
        let versions = Int(try reader.integer(UInt32.self))
        let key = try reader.take(keyBytes)
        var all: [KeySpace.StoredVersion] = []
        for _ in 0..<versions {
            let version = try KeySpace.StoredVersion(&reader)
            all.append(version)
            segments.count(version.extent.bytes, in: version.place.segment)
        }
        guard keys.append(key, all) else {
            throw LogDamage(offset: reader.offset, reason: .contents)
        }
    }
}
