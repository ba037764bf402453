import Raft
import StoreCore
import Testing

/// A store's core with one segment in memory: what the edge does, without disk or threads.
struct LogTape: ~Copyable {
    static let header = SegmentHeader(salt: 0x5EED, sequence: 1, fileBytes: 1 << 20)
    static let member = MemberID(1)
    static let statement = LogStatement(
        member: member,
        members: ClusterMembers(cluster: 1, membership: Membership(voters: [member])))

    var core = StoreState()
    private(set) var bytes: [UInt8]
    private var batch = LogBatch(at: .origin, salt: header.salt, term: Term(1))
    private var changes: [AppliedChange] = []

    /// A moment at which everything so far was synced.
    struct Sync {
        /// How far the segment had been written.
        var end: Int
        var contents: String
        var revision: Revision
    }
    private(set) var syncs: [Sync] = []
    /// Where the log ends.
    var end: Int { syncs[syncs.count - 1].end }

    init() {
        bytes = Self.header.encoded()
        bytes += [UInt8](repeating: 0, count: Self.header.fileBytes - bytes.count)
        core.open(Self.header, stating: Self.statement, into: &batch)
        sync()
    }

    mutating func put(_ key: String, _ value: String) throws(StoreError) {
        _ = try core.put(
            Array(key.utf8), Array(value.utf8), expected: nil, lease: .none, into: &batch,
            changes: &changes)
    }

    mutating func delete(_ key: String) throws(StoreError) {
        _ = try core.delete(Array(key.utf8), expected: nil, into: &batch, changes: &changes)
    }

    mutating func propose(_ transaction: Transaction) throws(StoreError) {
        let accepted = try core.accept(transaction) { _ in [] }
        _ = core.carryOut(accepted, into: &batch, changes: &changes)
    }

    mutating func compact(_ revision: Revision) throws(StoreError) {
        _ = try core.compact(revision, into: &batch)
        sync()
        core.noteCompacted(revision)
    }

    /// Ends the batch and writes it.
    mutating func sync() {
        batch.commit()
        write(batch.bytes, at: batch.bytesOffset)
        batch.dropWritten()
        syncs.append(
            Sync(
                end: batch.position.offset, contents: contents(of: core, in: bytes),
                revision: core.revision))
    }

    /// Writes the mark that says that the log's end was synced.
    mutating func rest() { write(batch.syncedMark(), at: batch.position.offset) }

    private mutating func write(_ new: [UInt8], at offset: Int) {
        bytes.replaceSubrange(offset..<offset + new.count, with: new)
    }
}

/// All that is in the store at `revision`, as text.
func contents(
    of core: borrowing StoreState, in bytes: [UInt8], at revision: Revision? = nil
) -> String {
    var harvest = StoreState.Harvest()
    _ = core.collect(
        .all, at: revision ?? core.revision, limit: .max, stepsMax: .max, into: &harvest)
    var text = ""
    for place in harvest.places {
        guard let change = Change(at: Int(place.offset), in: bytes.raw) else { return "nothing" }
        let key = bytes[change.keyOffset..<change.valueOffset]
        let value = bytes[change.valueOffset..<change.valueOffset + change.valueBytes]
        text += "\(String(decoding: key, as: UTF8.self))="
        text += "\(String(decoding: value, as: UTF8.self))@\(change.modRevision) "
    }
    return text
}

/// What a recovery of a segment finds.
struct Recovered {
    var contents: String
    var revision: Revision
    var end: Int
}

/// Recovers a store from one segment's bytes.
func recover(_ bytes: [UInt8]) throws(LogDamage) -> Recovered {
    let raw = bytes.raw
    let header = try SegmentHeader(in: raw)
    var scan = SegmentScan(header: header, after: .origin)
    var replay = LogReplay(member: LogTape.member)
    let reader: LogReplay.SegmentReader = { _, body throws(LogDamage) in try body(bytes.raw) }
    while let batch = try scan.nextBatch(in: raw) {
        try replay.take(batch, of: raw, header: header, isNew: true, reading: reader)
    }
    try replay.takeInAll(reading: reader)
    replay.finish()
    return Recovered(
        contents: contents(of: replay.core, in: bytes), revision: replay.core.revision,
        end: scan.position.offset)
}

/// A generator whose numbers follow from its seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
