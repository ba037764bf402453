package import Raft
package import StoreCore

/// A store's core with one segment in memory: what the edge does, without disk or threads.
package struct LogTape: ~Copyable {
    package static let header = SegmentHeader(salt: 0x5EED, sequence: 1, fileBytes: 1 << 20)
    package static let member = MemberID(1)
    package static let statement = LogStatement(
        member: member,
        members: ClusterMembers(cluster: 1, membership: Membership(voters: [member])))

    package var core = StoreState()
    package private(set) var bytes: [UInt8]
    private var batch = LogBatch(at: .origin, salt: header.salt, term: Term(1))
    private var changes: [AppliedChange] = []

    /// A moment at which everything so far was synced.
    package struct Sync {
        /// How far the segment had been written.
        package var end: Int
        package var contents: String
        package var revision: Revision
    }
    package private(set) var syncs: [Sync] = []
    /// Where the log ends.
    package var end: Int { syncs[syncs.count - 1].end }

    package init() {
        bytes = Self.header.encoded()
        bytes += [UInt8](repeating: 0, count: Self.header.fileBytes - bytes.count)
        core.open(Self.header, stating: Self.statement, into: &batch)
        sync()
    }

    package mutating func put(
        _ key: String, _ value: String, lease: LeaseID = .none
    ) throws(StoreError) {
        _ = try core.put(
            Array(key.utf8), Array(value.utf8), expected: nil, lease: lease, into: &batch,
            changes: &changes)
    }

    package mutating func grant(_ lease: LeaseID) throws(StoreError) {
        _ = try core.grant(lease, milliseconds: 60_000, now: 0, into: &batch)
    }

    package mutating func revoke(_ lease: LeaseID) throws(StoreError) {
        _ = try core.revoke(lease, into: &batch, changes: &changes)
    }

    package mutating func delete(_ key: String) throws(StoreError) {
        _ = try core.delete(Array(key.utf8), expected: nil, into: &batch, changes: &changes)
    }

    package mutating func propose(_ transaction: Transaction) throws(StoreError) {
        let accepted = try core.accept(transaction) { _ in [] }
        _ = core.carryOut(accepted, into: &batch, changes: &changes)
    }

    package mutating func compact(_ revision: Revision) throws(StoreError) {
        _ = try core.compact(revision, into: &batch)
        sync()
        core.noteCompacted(revision)
    }

    /// Copies what is alive in the records before `end`, and refers readers to the copies.
    package mutating func copySurvivors(before end: Int) throws(LogDamage) {
        let start = SegmentHeader.byteCount
        let survivors = try core.survivors(
            in: bytes.raw, of: Self.header, from: start, bytesMax: end - start)
        let decision = core.copy(survivors, into: &batch)
        sync()
        let written = bytes
        for move in decision.moves {
            guard let change = Change(at: Int(move.new.offset), in: written.raw) else { continue }
            let key = written.raw.extracting(
                change.keyOffset..<change.keyOffset + change.keyBytes)
            core.move(change, key: key, from: move.old, to: move.new)
        }
    }

    /// Where the next batch begins, after a sync.
    package var position: LogPosition { batch.position }

    /// Ends the batch and writes it.
    package mutating func sync() {
        batch.commit()
        write(batch.bytes, at: batch.bytesOffset)
        batch.dropWritten()
        syncs.append(
            Sync(
                end: batch.position.offset, contents: contents(of: core, in: bytes),
                revision: core.revision))
    }

    /// Writes the mark that says that the log's end was synced.
    package mutating func rest() { write(batch.syncedMark(), at: batch.position.offset) }

    private mutating func write(_ new: [UInt8], at offset: Int) {
        bytes.replaceSubrange(offset..<offset + new.count, with: new)
    }
}

/// All that is in the store at `revision`, as text.
package func contents(
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
package struct Recovered {
    package var contents: String
    package var revision: Revision
    package var end: Int
    package var sum: UInt64
}

/// Recovers a store from one segment's bytes.
///
/// - Parameters:
///   - isFirst: Whether no segment was before it, retired or not.
///   - checkpoint: A checkpoint to begin with.
package func recover(
    _ bytes: [UInt8], isFirst: Bool = true, checkpoint: [UInt8]? = nil
) throws(LogDamage) -> Recovered {
    let raw = bytes.raw
    let header = try SegmentHeader(in: raw)
    var scan = SegmentScan(header: header, after: isFirst ? .origin : nil)
    var (position, notes) = (LogPosition.origin, ReplayNotes())
    var core = StoreState()
    if let checkpoint {
        core = try StoreState(checkpoint: checkpoint.raw, position: &position, notes: &notes)
    }
    var replay = LogReplay(
        member: LogTape.member, core: core, applied: position.last.index, notes: notes)
    let reader: LogReplay.SegmentReader = { _, body throws(LogDamage) in try body(bytes.raw) }
    while let batch = try scan.nextBatch(in: raw) {
        let isNew = batch.lowerBound >= position.offset
        try replay.take(batch, of: raw, header: header, isNew: isNew, reading: reader)
    }
    try replay.takeInAll(reading: reader)
    replay.finish()
    return Recovered(
        contents: contents(of: replay.core, in: bytes), revision: replay.core.revision,
        end: scan.position.offset, sum: replay.core.sum)
}

/// A generator whose numbers follow from its seed.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    package init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    package mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
