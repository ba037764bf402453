package import Raft
package import StoreCore

// A follower that needs entries which nobody keeps any more fetches the leader's segments, byte for
// byte, and then goes on with them in place of its own.
//
// The follower pulls: it asks what there is to fetch, and for one chunk after the other. The leader
// keeps nothing in mind; segments only grow, so that what was fetched before an interruption, of
// either of them, is good after it. A segment is known by its number and its salt. What has arrived
// is checked by replaying it as a start does, which reads every record.
//
// The switch happens at once or not at all: when all that is needed is on disk, a file is put in
// place that says so (``SnapshotInstallation``). From then on the new segments are the log,
// whatever interrupts their renaming. How this member voted is written to their end before.

/// A segment that belongs to a snapshot.
package struct SnapshotPart: Hashable, Sendable {
    package var sequence: UInt32
    package var salt: UInt64
    /// Size of the file.
    package var fileBytes: Int
    /// How much of it is part of the snapshot.
    package var bytes: Int

    package init(_ header: SegmentHeader, bytes: Int) {
        (sequence, salt, fileBytes) = (header.sequence, header.salt, header.fileBytes)
        self.bytes = bytes
    }

    package init(sequence: UInt32, salt: UInt64, fileBytes: Int, bytes: Int) {
        (self.sequence, self.salt) = (sequence, salt)
        (self.fileBytes, self.bytes) = (fileBytes, bytes)
    }
}

/// What members say to each other about a snapshot.
package enum SnapshotMessage: Hashable, Sendable {
    /// What is there to fetch?
    case ask
    /// These segments, oldest first.
    case parts([SnapshotPart])
    /// Some bytes of a part from `offset` on.
    case askChunk(SnapshotPart, offset: Int)
    case chunk(SnapshotPart, offset: Int, [UInt8])
    /// The part is not there any more: ask again what is.
    case gone(SnapshotPart)
}

/// The leader's side: answers from what its files hold.
package enum SnapshotSender {
    /// The parts of a log that has been written up to `end`; none while it cannot be told, or the
    /// follower would have no room to go on.
    package static func parts(
        _ files: some MemberFiles, writtenEnd end: LogPosition
    ) throws(StoreError) -> [SnapshotPart] {
        var parts: [SnapshotPart] = []
        let last = try header(of: end.segment, files)
        guard end.offset > SegmentHeader.byteCount, last.fileBytes - end.offset >= roomMin else {
            return []
        }
        for sequence in files.sequences where sequence <= end.segment {
            let header = try header(of: sequence, files)
            let bytes = sequence == end.segment ? end.offset : header.fileBytes
            parts.append(SnapshotPart(header, bytes: bytes))
        }
        return parts
    }

    /// Room for how the follower voted.
    private static let roomMin = 1024

    /// The answer to a request for a chunk of a log that has been written up to `end`. Before the
    /// first of a part, all of it is checked. A part that reaches further was offered before a crash
    /// that took what was not synced: it is gone, and nothing is damaged.
    ///
    /// - Throws: ``StoreError/damaged(file:_:)`` if it is not what was written: whoever has such a
    ///   log can give it to nobody, nor keep it.
    package static func chunk(
        of part: SnapshotPart, from offset: Int, bytesMax: Int, _ files: some MemberFiles,
        writtenEnd end: LogPosition
    ) throws(StoreError) -> SnapshotMessage {
        guard files.sequences.contains(part.sequence),
            part.sequence < end.segment || part.sequence == end.segment && part.bytes <= end.offset,
            try header(of: part.sequence, files).salt == part.salt
        else { return .gone(part) }
        return try files.withSegment(part.sequence) { bytes throws(StoreError) in
            let end = min(part.bytes, bytes.byteCount)
            if offset == 0 { try check(part, bytes, files) }
            guard offset >= 0, offset < end else { return .gone(part) }
            let chunk = bytes.extracting(offset..<min(end, offset + bytesMax))
            return .chunk(part, offset: offset, [UInt8](chunk))
        }
    }

    private static func check(
        _ part: SnapshotPart, _ bytes: RawSpan, _ files: some MemberFiles
    ) throws(StoreError) {
        do throws(LogDamage) {
            var scan = SegmentScan(header: try SegmentHeader(in: bytes), after: nil)
            while try scan.nextBatch(in: bytes) != nil {}
            guard scan.isSealed || scan.position.offset >= part.bytes else {
                throw LogDamage(offset: scan.position.offset, reason: .record)
            }
        } catch {
            throw .damaged(file: files.name(of: part.sequence), error)
        }
    }

    private static func header(
        of sequence: UInt32, _ files: some MemberFiles
    ) throws(StoreError) -> SegmentHeader {
        try files.withSegment(sequence) { bytes throws(StoreError) in
            do throws(LogDamage) { return try SegmentHeader(in: bytes) } catch {
                throw StoreError.damaged(file: files.name(of: sequence), error)
            }
        }
    }
}

/// The follower's side, without its files.
package struct SnapshotReceiver: Sendable {
    package enum Action: Hashable, Sendable {
        case send(SnapshotMessage)
        /// Make a file for the part, then call `made`.
        case make(SnapshotPart)
        /// Write to the part's file, then call `wrote`.
        case write(SnapshotPart, offset: Int, [UInt8])
        /// Sync the part's file and note that it is whole, then call `kept`.
        case keep(SnapshotPart)
        case discard(SnapshotPart)
        /// All are there: check them, and switch over.
        case install([SnapshotPart])
    }

    /// Whose segments they are, and in which term it led. In a later term they may lack what this
    /// member has acknowledged.
    package let source: MemberID
    package let term: Term
    private var parts: [SnapshotPart] = []
    /// Those that are whole and on disk.
    private var whole: Set<SnapshotPart>
    /// What is being fetched; nil before `make` is done.
    private var current: (part: SnapshotPart, offset: Int, isMade: Bool, isWriting: Bool)?
    private var ticksSilent = 0
    private var isDone = false

    /// - Parameter whole: Parts that an earlier attempt has left.
    package init(from source: MemberID, term: Term, whole: Set<SnapshotPart>) {
        (self.source, self.term, self.whole) = (source, term, whole)
    }

    package func start() -> [Action] { [.send(.ask)] }

    /// Asks again if nothing has come for so many ticks.
    package mutating func tick(ticksMax: Int) -> [Action] {
        ticksSilent += 1
        guard ticksSilent >= ticksMax, !isDone else { return [] }
        ticksSilent = 0
        return ask()
    }

    private func ask() -> [Action] {
        guard !parts.isEmpty else { return [.send(.ask)] }
        guard let current, current.isMade, !current.isWriting else { return [] }
        return [.send(.askChunk(current.part, offset: current.offset))]
    }

    package mutating func receive(_ message: SnapshotMessage) -> [Action] {
        guard !isDone else { return [] }
        switch message {
        case .parts(let parts) where self.parts.isEmpty && !parts.isEmpty:
            ticksSilent = 0
            self.parts = parts
            let stale = whole.subtracting(parts)
            whole.subtract(stale)
            let order = stale.sorted { $0.sequence < $1.sequence }
            return order.map { .discard($0) } + next()
        case .chunk(let part, let offset, let bytes):
            guard let now = current, now.part == part, now.offset == offset, now.isMade,
                !now.isWriting, !bytes.isEmpty, offset + bytes.count <= part.bytes
            else { return [] }
            ticksSilent = 0
            current?.isWriting = true
            return [.write(part, offset: offset, bytes)]
        case .gone(let part):
            guard let now = current, now.part == part, now.isMade, !now.isWriting else { return [] }
            (parts, current) = ([], nil)
            return [.discard(part), .send(.ask)]
        case .parts, .ask, .askChunk: return []
        }
    }

    package mutating func made(_ part: SnapshotPart) -> [Action] {
        guard current?.part == part else { return [] }
        current?.isMade = true
        return ask()
    }

    package mutating func wrote(_ part: SnapshotPart, offset: Int, count: Int) -> [Action] {
        guard let now = current, now.part == part, now.offset == offset else { return [] }
        current?.isWriting = false
        current?.offset += count
        return now.offset + count == part.bytes ? [.keep(part)] : ask()
    }

    package mutating func kept(_ part: SnapshotPart) -> [Action] {
        guard current?.part == part else { return [] }
        whole.insert(part)
        return next()
    }

    private mutating func next() -> [Action] {
        if let part = parts.first(where: { !whole.contains($0) }) {
            current = (part, 0, false, false)
            return [.make(part)]
        }
        (current, isDone) = (nil, true)
        return [.install(parts)]
    }
}

/// The file that says that a snapshot takes the place of the log: its segments, which bear the
/// names of parts or, already, of segments.
///
///      0  8 bytes  "MARTSNP" and format version 1
///      8  u64      count, then for each part: u32 segment, u32 0, u64 salt, u64 size, u64 bytes
package struct SnapshotInstallation: Equatable, Sendable {
    package var parts: [SnapshotPart]

    package init(parts: [SnapshotPart]) { self.parts = parts }

    private static let magic: UInt64 = 0x01_50_4E_53_54_52_41_4D

    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(wire: Self.magic)
        bytes.append(wire: UInt64(parts.count))
        for part in parts { bytes.append(part) }
        return bytes
    }

    /// Reads the file; nil if it is not what was written.
    package init?(_ bytes: [UInt8]) {
        var reader = WireReader(bytes)
        guard reader.number() == Self.magic, let count = reader.number(),
            count * SnapshotPart.wireBytes == UInt64(reader.left)
        else { return nil }
        parts = []
        for _ in 0..<count {
            guard let part = reader.part() else { return nil }
            parts.append(part)
        }
    }

    /// Whether a segment of the log stays, or makes room for those of the snapshot.
    package func keeps(_ sequence: UInt32) -> Bool {
        parts.contains { $0.sequence == sequence }
    }
}

// MARK: Bytes

extension SnapshotMessage {
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .ask: bytes.append(wire: 1)
        case .parts(let parts):
            bytes.append(wire: 2)
            for part in parts { bytes.append(part) }
        case .askChunk(let part, let offset):
            bytes.append(wire: 3)
            bytes.append(part)
            bytes.append(wire: UInt64(offset))
        case .chunk(let part, let offset, let chunk):
            bytes.append(wire: 4)
            bytes.append(part)
            bytes.append(wire: UInt64(offset))
            bytes += chunk
        case .gone(let part):
            bytes.append(wire: 5)
            bytes.append(part)
        }
        return bytes
    }

    package init?(_ bytes: [UInt8]) {
        var reader = WireReader(bytes)
        switch reader.number() {
        case 1: self = .ask
        case 2:
            var parts: [SnapshotPart] = []
            while reader.left > 0 {
                guard let part = reader.part() else { return nil }
                parts.append(part)
            }
            self = .parts(parts)
        case 3:
            guard let part = reader.part(), let offset = reader.count() else { return nil }
            self = .askChunk(part, offset: offset)
        case 4:
            guard let part = reader.part(), let offset = reader.count() else { return nil }
            self = .chunk(part, offset: offset, reader.rest())
        case 5:
            guard let part = reader.part() else { return nil }
            self = .gone(part)
        default: return nil
        }
    }
}

extension SnapshotPart {
    fileprivate static let wireBytes: UInt64 = 32
}

extension [UInt8] {
    fileprivate mutating func append(wire value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    fileprivate mutating func append(_ part: SnapshotPart) {
        append(wire: UInt64(part.sequence))
        append(wire: part.salt)
        append(wire: UInt64(part.fileBytes))
        append(wire: UInt64(part.bytes))
    }
}

private struct WireReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var left: Int { bytes.count - offset }

    mutating func number() -> UInt64? {
        guard left >= 8 else { return nil }
        defer { offset += 8 }
        return (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }

    mutating func count() -> Int? { number().flatMap { Int(exactly: $0) } }

    mutating func part() -> SnapshotPart? {
        guard let sequence = number().flatMap({ UInt32(exactly: $0) }), let salt = number(),
            let fileBytes = count(), let bytes = count(),
            fileBytes <= UInt32.max, fileBytes >= SegmentHeader.byteCount,
            (SegmentHeader.byteCount...fileBytes).contains(bytes)
        else { return nil }
        return SnapshotPart(sequence: sequence, salt: salt, fileBytes: fileBytes, bytes: bytes)
    }

    mutating func rest() -> [UInt8] {
        defer { offset = bytes.count }
        return Array(bytes[offset...])
    }
}
