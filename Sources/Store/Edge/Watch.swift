public import StoreCore

/// One change of one key.
public struct WatchEvent: Sendable {
    /// The new version; of a deleted key its delete, which has no value.
    public let entry: StoredEntry
    /// The version before, if the watch asked for it, there was one, and it is not compacted.
    public let previous: StoredEntry?

    public var revision: Revision { entry.modRevision }
    public var isDelete: Bool { entry.isDelete }
}

/// Changes in order of revision, all those of one revision together.
public struct WatchBatch: Sendable {
    public let events: [WatchEvent]
    /// The watch has now been told of everything up to this revision.
    public let through: Revision
}

/// Names a watch.
public struct WatchID: Hashable, Sendable {
    let number: UInt64
}

extension Store {
    /// Tells `deliver` of every change in `range` from revision `from` on: first what has happened,
    /// from the log, then what happens. Each event comes once, in order of revision, and
    /// before the call that caused it returns.
    ///
    /// - Parameters:
    ///   - from: The first revision to tell of; `revision.next` for what is new from now on.
    ///   - previousValues: Whether events have the version before.
    ///   - deliver: Called on one thread, which every watch and every answer waits for: it must not
    ///     block. A failure is its last call: `.compacted` if history was given up before the watch
    ///     got there, `.closed` when the store closes.
    /// - Throws: ``StoreError/compacted(requested:oldest:)`` if `from` is before the oldest
    ///   history; `.closed`.
    public func watch(
        _ range: KeyRange, from: Revision, previousValues: Bool = false,
        deliver: @escaping @Sendable (Result<WatchBatch, StoreError>) -> Void
    ) throws(StoreError) -> WatchID {
        let oldest = compactedRevision
        guard from >= oldest else { throw .compacted(requested: from, oldest: oldest) }
        return try fanOut.add(
            range, after: Revision(from.number - 1), previousValues: previousValues, deliver)
    }

    /// Ends a watch. A delivery that is on its way may still come.
    public func cancel(_ watch: WatchID) { fanOut.cancel(watch) }

    /// Has the watch told how far it is, by a batch that may have no events. It never runs ahead of
    /// events; a watch that is catching up is told when it has.
    public func requestProgress(_ watch: WatchID) { fanOut.requestProgress(watch) }

    /// Returns changes in `range` after `after` up to `through` (nil: up to the newest), oldest
    /// first, and how far they reach: all events of the last revision are there, and about
    /// `limit` in all. When the result's `through` is not the one asked for, go on from there.
    ///
    /// - Throws: ``StoreError/compacted(requested:oldest:)``,
    ///   ``StoreError/future(requested:current:)``.
    /// - Complexity: O(*n*) in the changes of all keys in between.
    public func events(
        in range: KeyRange, after: Revision, through: Revision? = nil, limit: Int = 1000,
        previousValues: Bool = false
    ) throws(StoreError) -> WatchBatch {
        try noting { () throws(StoreError) in
            try History(shared).events(
                in: range, after: after, through: through, limit: limit,
                previousValues: previousValues)
        }
    }
}
