package import Raft

// Building the state again from the log, or taking in what another member decided. Every change stands for itself, so the order of changes
// does not matter to the key space; what belongs to the log itself (compaction, leases, segments)
// is taken in the order of the log.

/// What a replay learns about the log besides the state.
package struct ReplayNotes {
    /// Segments that have to be there: of the newest opening, less what was retired since.
    package var segmentsNeeded: Set<UInt32> = []
    /// Of the checkpoint: it may have seen entries up to here, which are committed.
    package var committed = LogIndex.zero
    /// Of the checkpoint: of all changes up to here, it lacks only those that compaction took away.
    package var revision = Revision.none
    package init() {}
}

extension StoreState {
    // MARK: Entries

    /// Takes in an entry that is committed, in whatever order.
    ///
    /// - Throws: ``LogDamage`` if the record contradicts itself.
    mutating func replay(
        entry record: LogRecord, of bytes: RawSpan, segment: UInt32
    ) throws(LogDamage) {
        let payload = bytes.extracting(record.payload)
        switch record.kind {
        case .transaction: try replayChanges(record, of: bytes, segment: segment)
        case .compaction:
            try record.require(payload.byteCount == 8)
            compacted = max(compacted, Revision(payload.integer(at: 0, as: Int64.self)))
        case .lease: try replayLease(record, payload, segment: segment)
        case .leaseEnd: try replayLeaseEnd(record, payload, segment: segment)
        case .membership, .noop: break
        default: throw LogDamage(offset: record.offset, reason: .contents)
        }
    }

    /// Takes in an entry that another member has decided, in the order of the log, and adds what it
    /// changes to `changes`. Returns the revision before which it gives up history, if it does: the
    /// caller calls `noteCompacted`.
    ///
    /// - Throws: ``LogDamage`` if the record contradicts itself.
    package mutating func apply(
        _ record: LogRecord, of bytes: RawSpan, segment: UInt32, changes: inout [AppliedChange]
    ) throws(LogDamage) -> Revision? {
        let payload = bytes.extracting(record.payload)
        switch record.kind {
        case .compaction:
            try record.require(payload.byteCount == 8)
            let asked = Revision(payload.integer(at: 0, as: Int64.self))
            compacting = max(compacting, asked)
            return asked
        case .transaction:
            try Self.forEachChange(of: record, in: bytes) { change throws(LogDamage) in
                let key = bytes.slice(change.keyOffset, change.keyBytes)
                let place = Place(segment: segment, offset: UInt32(change.offset))
                changes.append(
                    AppliedChange(
                        revision: change.modRevision, place: place,
                        previous: keys.newest(key)?.place))
            }
            try replayChanges(record, of: bytes, segment: segment)
            noteSum()
        default: try replay(entry: record, of: bytes, segment: segment)
        }
        return nil
    }

    // MARK: Local records

    /// Takes in a record of this member's own files.
    ///
    /// - Throws: ``LogDamage`` if the record contradicts itself.
    mutating func replay(
        local record: LogRecord, of bytes: RawSpan, header: SegmentHeader, notes: inout ReplayNotes
    ) throws(LogDamage) {
        let payload = bytes.extracting(record.payload)
        switch record.kind {
        case .survivors:
            try replayChanges(
                record, of: bytes, segment: header.sequence, checkpointed: notes.revision)
        case .opening: try replayOpening(record, payload, header: header, notes: &notes)
        case .leaseCopy: try replayLease(record, payload, segment: header.sequence)
        case .leaseEndCopy: try replayLeaseEnd(record, payload, segment: header.sequence)
        case .retirement:
            try record.require(payload.byteCount >= 8)
            let retired = payload.integer(at: 0, as: UInt32.self)
            try replay(statement: payload.extracting(8..<payload.byteCount), of: record)
            notes.segmentsNeeded.remove(retired)
            segments[retired] = nil
        case .seal: segments.update(header.sequence) { $0.isSealed = true }
        case .syncedMark, .vote: break
        default: throw LogDamage(offset: record.offset, reason: .contents)
        }
    }

    private mutating func replay(
        statement bytes: RawSpan, of record: LogRecord
    ) throws(LogDamage) {
        guard let statement = LogStatement(bytes) else {
            throw LogDamage(offset: record.offset, reason: .contents)
        }
        revision = max(revision, statement.revision)
        compacted = max(compacted, statement.compacted)
    }

    private mutating func replayOpening(
        _ record: LogRecord, _ payload: RawSpan, header: SegmentHeader, notes: inout ReplayNotes
    ) throws(LogDamage) {
        try record.require(payload.byteCount >= 8)
        let count = payload.integer(at: 0, as: UInt64.self)
        try record.require(count < UInt64(payload.byteCount / 8))
        let statement = 8 + 8 * Int(count)
        notes.segmentsNeeded = []
        for offset in stride(from: 8, to: statement, by: 8) {
            notes.segmentsNeeded.insert(payload.integer(at: offset, as: UInt32.self))
        }
        try replay(statement: payload.extracting(statement..<payload.byteCount), of: record)
        // A checkpoint may have told of segments that were retired by records in others, which are
        // gone as well.
        segments.keep { notes.segmentsNeeded.contains($0) }
        if segments[header.sequence] == nil {
            segments[header.sequence] = SegmentUse(fileBytes: header.fileBytes)
        }
        // It may have been counted in by a checkpoint that was made while it was written.
        segments.update(header.sequence) { $0.fileBytes = header.fileBytes }
    }

    private mutating func replayLease(
        _ record: LogRecord, _ payload: RawSpan, segment: UInt32
    ) throws(LogDamage) {
        try record.require(payload.byteCount == 24)
        segments.noteLease(record.kind, in: segment)
        leases.restore(
            LeaseID(payload.integer(at: 0, as: Int64.self)),
            LeaseBook.Lease(
                milliseconds: payload.integer(at: 8, as: Int64.self),
                savedMilliseconds: payload.integer(at: 16, as: Int64.self),
                deadline: nil, segment: segment))
    }

    private mutating func replayLeaseEnd(
        _ record: LogRecord, _ payload: RawSpan, segment: UInt32
    ) throws(LogDamage) {
        try record.require(payload.byteCount == 8)
        segments.noteLease(record.kind, in: segment)
        leases.end(LeaseID(payload.integer(at: 0, as: Int64.self)))
    }

    // MARK: Changes

    /// - Parameter checkpointed: The last revision that a checkpoint had before the record.
    private mutating func replayChanges(
        _ record: LogRecord, of bytes: RawSpan, segment: UInt32,
        checkpointed: Revision = .none
    ) throws(LogDamage) {
        let isCopy = record.kind == .survivors
        let transaction = Revision(bytes.integer(at: record.payload.lowerBound, as: Int64.self))
        try Self.forEachChange(of: record, in: bytes) { change throws(LogDamage) in
            guard isCopy || change.modRevision == transaction else {
                throw LogDamage(offset: change.offset, reason: .contents)
            }
            guard !isCopy || !isForgotten(change, of: bytes, checkpointed) else {
                // It would come back if the log were replayed without the checkpoint.
                segments.update(segment) { $0.note(put: change.modRevision) }
                return
            }
            restore(change, of: bytes, segment: segment, isCopy: isCopy)
        }
        guard !isCopy else { return }
        revision = max(revision, transaction)
        segments.update(segment) { $0.note(transaction: transaction, at: record.offset) }
    }

    /// Whether a copied put was forgotten before the checkpoint was done. The delete that let it
    /// be forgotten may come before the checkpoint's place in the log: nothing else would tell.
    private func isForgotten(
        _ change: Change, of bytes: RawSpan, _ checkpointed: Revision
    ) -> Bool {
        guard !change.isDelete, change.modRevision <= checkpointed else { return false }
        let key = bytes.slice(change.keyOffset, change.keyBytes)
        return keys.newestRevision(key, upTo: change.modRevision) != change.modRevision
    }

    private static func forEachChange(
        of record: LogRecord, in bytes: RawSpan, _ body: (Change) throws(LogDamage) -> Void
    ) throws(LogDamage) {
        try record.require(record.payload.count >= 16)
        let start = record.payload.lowerBound
        var offset = start + 16
        for _ in 0..<bytes.integer(at: start + 8, as: UInt32.self) {
            guard let change = Change(at: offset, in: bytes), offset + change.stride <= record.end
            else { throw LogDamage(offset: offset, reason: .contents) }
            try body(change)
            offset += change.stride
        }
    }

    mutating func restore(
        _ change: Change, of bytes: RawSpan, segment: UInt32, isCopy: Bool
    ) {
        let key = bytes.slice(change.keyOffset, change.keyBytes)
        let version = NewChange(
            isDelete: change.isDelete, createRevision: change.createRevision,
            modRevision: change.modRevision, version: change.version, lease: change.lease)
        let place = Place(segment: segment, offset: UInt32(change.offset))
        if let replaced = keys.restore(key, version, place: place, bytes: change.stride) {
            segments.free(replaced)
        }
        segments.update(segment) { use in
            use.liveBytes += change.stride
            if !change.isDelete { use.note(put: change.modRevision) }
            if change.isDelete && isCopy { use.tombstoneBytes += change.stride }
        }
        guard change.lease != .none || leases.hasAttachments,
            keys.newestRevision(key) == change.modRevision
        else { return }
        leases.attach(key, to: change.lease)
    }

    /// Ends a replay: forgets what compaction took away, and ties keys to their leases.
    package mutating func finishReplay() {
        var next: [UInt8]? = []
        while let start = next { next = prune(from: start) }
        leases.tieUp()
        segments.dropUnopened()
        segments.allowCopies()
        noteSum()
    }
}

/// A record within a batch that ``SegmentScan`` has checked.
package struct LogRecord {
    package let offset: Int
    package let kind: RecordKind
    package let payload: Range<Int>
    /// Of an entry its index and term, else those of the entry before.
    package let index: LogIndex
    package let term: Term
    /// The newest entry that was known to be committed when the record was written.
    package let committed: LogIndex
    var end: Int { payload.lowerBound + roundedUp(payload.count, to: 8) }

    package init(at offset: Int, of bytes: RawSpan) throws(LogDamage) {
        guard let kind = RecordKind(rawValue: bytes.integer(at: offset + 12, as: UInt8.self)) else {
            throw LogDamage(offset: offset, reason: .record)
        }
        let start = offset + RecordHeader.byteCount
        (self.offset, self.kind) = (offset, kind)
        payload = start..<start + Int(bytes.integer(at: offset + 4, as: UInt32.self))
        let index = bytes.integer(at: offset + 16, as: UInt64.self)
        let uncommitted = bytes.integer(at: offset + 36, as: UInt32.self)
        self.index = LogIndex(index)
        term = Term(bytes.integer(at: offset + 24, as: UInt64.self))
        committed = LogIndex(index - min(index, UInt64(uncommitted)))
    }

    /// A record on its way out of a file, checked against its checksum.
    package init(
        checkedAt offset: Int, of bytes: RawSpan, in header: SegmentHeader
    ) throws(LogDamage) {
        guard RecordHeader(at: offset, in: bytes, salt: header.salt) != nil else {
            throw LogDamage(offset: offset, reason: .record)
        }
        try self.init(at: offset, of: bytes)
    }

    func require(_ condition: Bool) throws(LogDamage) {
        guard condition else { throw LogDamage(offset: offset, reason: .contents) }
    }
}
