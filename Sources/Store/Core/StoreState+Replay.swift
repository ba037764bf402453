// Building the state again from the log. Every change stands for itself, so the order of changes
// does not matter to the key space; what belongs to the log itself (compaction, leases, segments)
// is taken in the order of the log.

/// What a replay learns about the log besides the state.
package struct ReplayNotes {
    /// Segments that have to be there: of the newest opening, less what was retired since.
    package var segmentsNeeded: Set<UInt32> = []
    package init() {}
}

extension StoreState {
    /// Takes in a batch that ``SegmentScan`` has checked.
    ///
    /// - Throws: ``LogDamage`` if a record contradicts itself.
    package mutating func replay(
        _ batch: Range<Int>, of bytes: RawSpan, header: SegmentHeader, notes: inout ReplayNotes
    ) throws(LogDamage) {
        var offset = batch.lowerBound
        while offset < batch.upperBound {
            let record = try LogRecord(at: offset, of: bytes)
            try replay(record, of: bytes, header: header, notes: &notes)
            offset = record.end
        }
    }

    private mutating func replay(
        _ record: LogRecord, of bytes: RawSpan, header: SegmentHeader, notes: inout ReplayNotes
    ) throws(LogDamage) {
        let payload = bytes.extracting(record.payload)
        switch record.kind {
        case .transaction, .survivors:
            try replayChanges(record, of: bytes, segment: header.sequence)
        case .opening:
            try replayOpening(record, payload, header: header, notes: &notes)
        case .compaction:
            try record.require(payload.byteCount == 8)
            compacted = max(compacted, Revision(payload.integer(at: 0, as: Int64.self)))
        case .lease:
            try record.require(payload.byteCount == 24)
            leases.restore(
                LeaseID(payload.integer(at: 0, as: Int64.self)),
                LeaseBook.Lease(
                    milliseconds: payload.integer(at: 8, as: Int64.self),
                    savedMilliseconds: payload.integer(at: 16, as: Int64.self),
                    deadline: nil, segment: header.sequence))
        case .leaseEnd:
            try record.require(payload.byteCount == 8)
            leases.end(LeaseID(payload.integer(at: 0, as: Int64.self)))
        case .retirement:
            try record.require(payload.byteCount == 8)
            let retired = payload.integer(at: 0, as: UInt32.self)
            notes.segmentsNeeded.remove(retired)
            segments[retired] = nil
        case .seal:
            segments.update(header.sequence) { $0.isSealed = true }
        case .syncedMark:
            break
        }
    }

    private mutating func replayOpening(
        _ record: LogRecord, _ payload: RawSpan, header: SegmentHeader, notes: inout ReplayNotes
    ) throws(LogDamage) {
        try record.require(payload.byteCount >= 24 && payload.byteCount % 8 == 0)
        let count = payload.integer(at: 16, as: UInt64.self)
        try record.require(count == UInt64(payload.byteCount / 8 - 3))
        revision = max(revision, Revision(payload.integer(at: 0, as: Int64.self)))
        compacted = max(compacted, Revision(payload.integer(at: 8, as: Int64.self)))
        notes.segmentsNeeded = []
        for place in 0..<Int(count) {
            notes.segmentsNeeded.insert(payload.integer(at: 24 + 8 * place, as: UInt32.self))
        }
        if segments[header.sequence] == nil {
            segments[header.sequence] = SegmentUse(fileBytes: header.fileBytes)
        }
        // It may have been counted in by a checkpoint that was made while it was written.
        segments.update(header.sequence) { $0.fileBytes = header.fileBytes }
    }

    private mutating func replayChanges(
        _ record: LogRecord, of bytes: RawSpan, segment: UInt32
    ) throws(LogDamage) {
        try record.require(record.payload.count >= 16)
        let start = record.payload.lowerBound
        let transaction = Revision(bytes.integer(at: start, as: Int64.self))
        let count = bytes.integer(at: start + 8, as: UInt32.self)
        var offset = start + 16
        for _ in 0..<count {
            guard let change = Change(at: offset, in: bytes),
                offset + change.stride <= record.end,
                record.kind == .survivors || change.modRevision == transaction
            else { throw LogDamage(offset: offset, reason: .contents) }
            restore(change, of: bytes, segment: segment, isCopy: record.kind == .survivors)
            offset += change.stride
        }
        guard record.kind == .transaction else { return }
        revision = max(revision, transaction)
        segments.update(segment) { $0.note(transaction: transaction, at: record.offset) }
    }

    private mutating func restore(
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
    }
}

/// A record within a batch that ``SegmentScan`` has checked.
package struct LogRecord {
    let offset: Int
    let kind: RecordKind
    let payload: Range<Int>
    var end: Int { payload.lowerBound + roundedUp(payload.count, to: 8) }

    init(at offset: Int, of bytes: RawSpan) throws(LogDamage) {
        guard let kind = RecordKind(rawValue: bytes.integer(at: offset + 12, as: UInt8.self)) else {
            throw LogDamage(offset: offset, reason: .record)
        }
        let start = offset + RecordHeader.byteCount
        (self.offset, self.kind) = (offset, kind)
        payload = start..<start + Int(bytes.integer(at: offset + 4, as: UInt32.self))
    }

    func require(_ condition: Bool) throws(LogDamage) {
        guard condition else { throw LogDamage(offset: offset, reason: .contents) }
    }
}
