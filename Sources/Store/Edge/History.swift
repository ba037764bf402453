internal import StoreCore
internal import Synchronization

/// Reads past changes out of the log.
struct History {
    private let shared: Shared

    init(_ shared: Shared) { self.shared = shared }

    func note(_ error: StoreError) { shared.note(error) }

    func events(
        in range: KeyRange, after: Revision, through asked: Revision?, limit: Int,
        previousValues: Bool
    ) throws(StoreError) -> WatchBatch {
        let look = try shared.state.withLock { state throws(StoreError) in
            let through = asked ?? state.durable
            try state.core.checkReadable(after.next, current: Swift.max(state.durable, after).next)
            try state.core.checkReadable(through, current: state.durable)
            let uses = state.core.historySegments(after: after, through: through)
            return (uses, state.segments, state.writtenEnd, through)
        }
        let (sources, segments, end, through) = look
        var reading = Reading(range: range, after: after, through: through, limit: limit)
        for source in sources where !reading.isFull {
            guard let segment = segments[source.segment] else { continue }
            let stop = source.segment == end.segment ? end.offset : segment.header.fileBytes
            try reading.read(segment, from: source.offset, to: stop, voids: source.voids)
        }
        return WatchBatch(
            events: try reading.found.map { (change) throws(StoreError) in
                try event(change, previousValues ? segments : nil)
            },
            through: reading.isFull ? reading.reached : through)
    }

    private func event(
        _ change: StoredEntry, _ segments: SegmentSet?
    ) throws(StoreError) -> WatchEvent {
        guard let segments else { return WatchEvent(entry: change, previous: nil) }
        guard change.isDelete || change.version > 1 else {
            return WatchEvent(entry: change, previous: nil)
        }
        let before = Revision(change.modRevision.number - 1)
        let (place, now) = try shared.state.withLock { state throws(StoreError) in
            // What was there before the oldest revision is not kept.
            try state.core.checkReadable(before, current: before)
            return (change.withKey { state.core.place(of: $0, at: before) }, state.segments)
        }
        guard let place else { return WatchEvent(entry: change, previous: nil) }
        let entry = try StoredEntry(place, in: now.merging(segments))
        return WatchEvent(entry: change, previous: entry)
    }

    private struct Reading {
        let range: KeyRange
        let after: Revision
        let through: Revision
        let limit: Int
        var found: [StoredEntry] = []
        /// The revision of the last event, once the limit is reached.
        var reached = Revision.none
        var isFull = false

        mutating func read(
            _ segment: Segment, from offset: Int, to end: Int, voids: Set<UInt32>
        ) throws(StoreError) {
            do throws(LogDamage) {
                try segment.withBytes { bytes throws(LogDamage) in
                    var offset = offset
                    while !isFull, let record = try TransactionRecord.next(
                        from: &offset, to: end, in: bytes, of: segment.header)
                    {
                        guard !voids.contains(record.offset) else { continue }
                        guard record.revision <= through else { return }
                        guard record.revision > after else { continue }
                        take(record, of: bytes, in: segment)
                    }
                }
            } catch {
                throw .damaged(file: segment.path, error)
            }
        }

        private mutating func take(
            _ record: TransactionRecord, of bytes: RawSpan, in segment: Segment
        ) {
            record.forEachChange(in: bytes) { change in
                let key = bytes.extracting(change.keyOffset..<change.valueOffset)
                if range.contains(key) { found.append(StoredEntry(change, in: segment)) }
            }
            guard found.count >= limit else { return }
            (reached, isFull) = (record.revision, true)
        }
    }
}
