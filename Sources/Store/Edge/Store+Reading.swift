public import StoreCore
internal import Synchronization

/// The numbers of an entry that is being visited.
public struct EntryVersion: Sendable {
    public let createRevision: Revision
    public let modRevision: Revision
    /// How many times the key was put since it was created.
    public let version: Int64
    public let lease: LeaseID
}

/// What a visit of a range has to say besides the entries.
public struct RangeSummary: Sendable, Equatable {
    /// Entries visited.
    public let visited: Int
    /// All keys in the range, those beyond the limit too.
    public let count: Int
    /// The revision at which it was read.
    public let revision: Revision

    /// Whether the limit left something out.
    public var hasMore: Bool { count > visited }
}

extension Store {
    /// Returns `key` as it was at `revision` (nil: as it is); nil if it was not there.
    ///
    /// - Throws: ``StoreError/compacted(requested:oldest:)``,
    ///   ``StoreError/future(requested:current:)``.
    public func get(
        _ key: [UInt8], at revision: Revision? = nil
    ) throws(StoreError) -> StoredEntry? {
        let (place, segments) = try shared.state.withLock { state throws(StoreError) in
            let revision = revision ?? state.durable
            try state.core.checkReadable(revision, current: state.durable)
            return (state.core.place(of: key, at: revision), state.segments)
        }
        guard let place else { return nil }
        let entry = try noting { () throws(StoreError) in try StoredEntry(place, in: segments) }
        noteRead(entry.valueBytes, segments)
        return entry
    }

    /// Returns the entries that `query` asks for.
    ///
    /// - Throws: As ``get(_:at:)``.
    public func range(_ query: RangeQuery) throws(StoreError) -> RangeResult {
        let found = try find(query.range, at: query.revision, limit: query.collectedMax)
        let entries = query.sorted(
            try noting { () throws(StoreError) in
                try found.segments.entries(found.harvest.places)
            })
        return RangeResult(
            entries: entries, count: found.harvest.count, revision: found.revision)
    }

    /// Lends each entry of `range`, in order, without a copy of its bytes nor an allocation for it.
    /// Holds nobody up: the index is looked at first, in short steps, and the bytes are the log's.
    ///
    /// - Parameter limit: How many entries at most; nil for all.
    /// - Parameter visit: Gets key, value and the numbers of each; what it throws ends the visit.
    /// - Throws: As ``get(_:at:)``; ``StoreError/damaged(file:_:)`` if an entry is not what the
    ///   index says; what `visit` throws.
    /// - Complexity: 8 bytes of memory for each entry.
    @discardableResult
    public func withRange(
        _ range: KeyRange, at revision: Revision? = nil, limit: Int? = nil,
        _ visit: (RawSpan, RawSpan, EntryVersion) throws(StoreError) -> Void
    ) throws(StoreError) -> RangeSummary {
        let found = try find(range, at: revision, limit: limit ?? .max)
        let bytesRead = try noting { () throws(StoreError) in
            try found.segments.visit(found.harvest.places, visit)
        }
        noteRead(bytesRead, found.segments)
        return RangeSummary(
            visited: found.harvest.places.count, count: found.harvest.count,
            revision: found.revision)
    }

    /// Has damage that a read finds dealt with.
    @inline(__always)
    func noting<Result>(_ read: () throws(StoreError) -> Result) throws(StoreError) -> Result {
        do throws(StoreError) { return try read() } catch {
            shared.note(error)
            throw error
        }
    }

    private struct Found {
        var harvest = StoreState.Harvest()
        var revision: Revision
        var segments: SegmentSet
    }

    /// Looks up a range in steps, so that writers wait for one step at most.
    private func find(
        _ range: KeyRange, at asked: Revision?, limit: Int
    ) throws(StoreError) -> Found {
        while true {
            var found: Found?
            var goesOn = true
            do throws(StoreError) {
                while goesOn {
                    goesOn = try shared.state.withLock { state throws(StoreError) in
                        let revision = found?.revision ?? asked ?? state.durable
                        try state.core.checkReadable(revision, current: state.durable)
                        var now = found ?? Found(revision: revision, segments: state.segments)
                        now.segments = state.segments.merging(now.segments)
                        found = nil
                        defer { found = now }
                        return state.core.collect(
                            range, at: revision, limit: limit, stepsMax: Self.stepsMax,
                            into: &now.harvest)
                    }
                }
            } catch .compacted where asked == nil {
                continue  // A compaction overtook a read of the newest: begin again, newer.
            }
            if let found { return found }
        }
    }

    /// Keys looked at before others get at the index: some 30 microseconds.
    private static let stepsMax = 1024
    /// Bytes that reading may map before the pages are given back to the system's cache.
    private static let mappedBytesMax = 64 * 1024 * 1024

    private func noteRead(_ bytes: Int, _ segments: SegmentSet) {
        let sum = readBytes.wrappingAdd(max(bytes, 4096), ordering: .relaxed).newValue
        guard sum > Self.mappedBytesMax else { return }
        readBytes.store(0, ordering: .relaxed)
        for segment in segments.segments { segment.trim() }
    }
}

extension Segment {
    /// Returns how many bytes the entry has.
    fileprivate func visit(
        _ place: Place, in bytes: RawSpan,
        _ visit: (RawSpan, RawSpan, EntryVersion) throws(StoreError) -> Void
    ) throws(StoreError) -> Int {
        guard let change = Change(checkedAt: Int(place.offset), in: bytes) else {
            throw .damaged(
                file: path, LogDamage(offset: Int(place.offset), reason: .contents))
        }
        let valueEnd = change.valueOffset + change.valueBytes
        try visit(
            bytes.extracting(change.keyOffset..<change.valueOffset),
            bytes.extracting(change.valueOffset..<valueEnd),
            EntryVersion(
                createRevision: change.createRevision, modRevision: change.modRevision,
                version: change.version, lease: change.lease))
        return change.stride
    }
}

extension SegmentSet {
    /// Visits entries in the order of their places. Returns how many bytes they have.
    fileprivate func visit(
        _ places: [Place],
        _ visit: (RawSpan, RawSpan, EntryVersion) throws(StoreError) -> Void
    ) throws(StoreError) -> Int {
        var (next, bytesRead) = (0, 0)
        while next < places.count {
            guard let segment = self[places[next].segment] else {
                throw .damaged(
                    file: "segment \(places[next].segment)", LogDamage(offset: 0, reason: .missing))
            }
            // As long as entries lie in one segment, it is looked up once.
            try segment.withBytes { bytes throws(StoreError) in
                while next < places.count, places[next].segment == segment.sequence {
                    bytesRead += try segment.visit(places[next], in: bytes, visit)
                    next += 1
                }
            }
        }
        return bytesRead
    }

    /// The segments of both, so that places collected at two moments are all readable.
    func merging(_ earlier: SegmentSet) -> SegmentSet {
        guard self !== earlier else { return self }
        var all = segments
        for segment in earlier.segments where self[segment.sequence] == nil { all.append(segment) }
        guard all.count > segments.count else { return self }
        return SegmentSet(all.sorted { $0.sequence < $1.sequence })
    }
}

extension RangeQuery {
    /// Puts entries into the order asked for, and cuts what is beyond the limit.
    func sorted(_ entries: [StoredEntry]) -> [StoredEntry] {
        var sorted = entries
        switch order {
        case .key: break
        case .version: sorted.sort { $0.version < $1.version }
        case .createRevision: sorted.sort { $0.createRevision < $1.createRevision }
        case .modRevision: sorted.sort { $0.modRevision < $1.modRevision }
        case .value: sorted.sort { $0.value.lexicographicallyPrecedes($1.value) }
        }
        if descending { sorted.reverse() }
        guard let limit, sorted.count > limit else { return sorted }
        return Array(sorted.prefix(limit))
    }
}
