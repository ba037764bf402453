package import StoreCore

/// What a store holds at one revision, as plainly as it can be said. It shares no code with the
/// store, so that both have to be wrong in the same way for an error to pass.
package struct ReplayModel: Sendable {
    /// In order of key.
    package private(set) var entries: [Entry] = []
    /// Whether entries know when they were created and how often they were put.
    private let tellsVersions: Bool

    package init(tellsVersions: Bool = true) { self.tellsVersions = tellsVersions }

    /// Carries out a transaction that would make `revision`.
    package mutating func carryOut(
        _ transaction: Transaction, at revision: Revision
    ) -> (reply: TransactionReply, events: [WatchEvent]) {
        let succeeded = transaction.compares.allSatisfy(holds)
        var events: [WatchEvent] = []
        var outcomes: [Outcome] = []
        for operation in succeeded ? transaction.success : transaction.failure {
            outcomes.append(carryOut(operation, at: revision, events: &events))
        }
        let reached = events.isEmpty ? Revision(revision.number - 1) : revision
        let reply = TransactionReply(revision: reached, succeeded: succeeded, outcomes: outcomes)
        return (reply, events)
    }

    private mutating func carryOut(
        _ operation: Operation, at revision: Revision, events: inout [WatchEvent]
    ) -> Outcome {
        switch operation {
        case .put(let key, let value, let lease, let wantsPrevious):
            let place = place(of: key)
            let old = place < entries.count && entries[place].key == key ? entries[place] : nil
            let entry = Entry(
                key: key, value: value,
                createRevision: tellsVersions ? old?.createRevision ?? revision : .none,
                modRevision: revision, version: tellsVersions ? (old?.version ?? 0) + 1 : 0,
                lease: lease)
            if old == nil { entries.insert(entry, at: place) } else { entries[place] = entry }
            events.append(WatchEvent(.put(entry), previous: old))
            return .put(previous: wantsPrevious ? old : nil)
        case .delete(let range, let wantsPrevious):
            let places = places(in: range)
            let old = Array(entries[places])
            entries.removeSubrange(places)
            for entry in old {
                events.append(WatchEvent(.delete(key: entry.key, at: revision), previous: entry))
            }
            return .deleted(count: old.count, previous: wantsPrevious ? old : [])
        case .range(let query):
            return .found(found(query))
        }
    }

    /// Takes back what the last transaction did.
    mutating func undo(_ events: [WatchEvent]) {
        for event in events.reversed() {
            let place = place(of: event.key)
            switch (event.kind, event.previous) {
            case (.put, let old?): entries[place] = old
            case (.put, nil): entries.remove(at: place)
            case (.delete, let old?): entries.insert(old, at: place)
            case (.delete, nil): preconditionFailure("a deletion of nothing")
            }
        }
    }

    package func found(_ query: RangeQuery) -> Found {
        let all = entries[places(in: query.range)]
        guard !query.countOnly else { return Found([], count: all.count) }
        var sorted = Array(all)
        if query.order != .key {
            sorted.sort { Self.precedes($0, $1, query) }
        } else if query.descending {
            sorted.reverse()
        }
        return Found(Array(sorted.prefix(query.limit ?? Int.max)), count: all.count)
    }

    private static func precedes(_ left: Entry, _ right: Entry, _ query: RangeQuery) -> Bool {
        let (first, second) = query.descending ? (right, left) : (left, right)
        return switch query.order {
        case .key: first.key.lexicographicallyPrecedes(second.key)
        case .version: first.version < second.version
        case .createRevision: first.createRevision < second.createRevision
        case .modRevision: first.modRevision < second.modRevision
        case .value: first.value.lexicographicallyPrecedes(second.value)
        }
    }

    // MARK: Keys in order

    /// Where `key` is, or would be.
    private func place(of key: [UInt8]) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key.lexicographicallyPrecedes(key) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    private func places(in range: KeyRange) -> Range<Int> {
        let start = place(of: range.start)
        let end = range.end.map { place(of: $0) } ?? entries.count
        return start..<max(start, end)
    }

    // MARK: Compares

    private func holds(_ compare: Compare) -> Bool {
        let found = entries[places(in: compare.range)]
        if found.isEmpty { return Self.holds(compare, nil) }
        return found.allSatisfy { Self.holds(compare, $0) }
    }

    /// Whether a compare of one key holds where that is `entry`.
    static func holds(_ compare: Compare, _ entry: Entry?) -> Bool {
        switch compare.subject {
        case .createRevision(let given):
            relate(entry?.createRevision.number ?? 0, given.number, compare.relation)
        case .modRevision(let given):
            relate(entry?.modRevision.number ?? 0, given.number, compare.relation)
        case .version(let given): relate(entry?.version ?? 0, given, compare.relation)
        case .lease(let given): relate(entry?.lease.number ?? 0, given.number, compare.relation)
        case .value(let given):
            if let value = entry?.value {
                switch compare.relation {
                case .equal: value == given
                case .notEqual: value != given
                case .greater: given.lexicographicallyPrecedes(value)
                case .less: value.lexicographicallyPrecedes(given)
                }
            } else {
                false
            }
        }
    }

    private static func relate(
        _ found: Int64, _ given: Int64, _ relation: Compare.Relation
    ) -> Bool {
        switch relation {
        case .equal: found == given
        case .notEqual: found != given
        case .greater: found > given
        case .less: found < given
        }
    }
}
