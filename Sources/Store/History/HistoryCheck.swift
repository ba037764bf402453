internal import StoreCore

/// Checks a history against the store's promises (strict serializability, complete watches).
///
/// Every change returns its revision, so the order of changes is given and need not be searched:
/// revisions must agree with real time, and replaying the transactions in their order must give
/// each one's result. A change whose answer was lost has no revision; it may stand wherever one is
/// missing, once, if it could have done what others saw there. For that to be decided, somebody has
/// to have seen it: let one watch of all keys run along.
///
/// A refused call counts as not done; what might still happen has to be `.unknown`. Leases do not
/// run out in a history.
///
/// An API that says less than the store does leaves revisions out (``Reply/done``,
/// ``Reply/failed``, ``Reply/seen(_:)``). Such a call has to fit somewhere between what had been
/// seen when it began and what began after it was answered; the earliest place is the best one.
///
/// In a history of some keys only (``HistoryScope``), a revision of which nothing was seen counts
/// as other people's: let a watch of those keys run along.
///
/// - Complexity: O(*n* log *n*) in operations and events, and O(keys) more for each new key.
package struct HistoryCheck {
    let history: History
    private(set) var violations: [Violation] = []
    /// By operation: the newest revision that a completed one had shown when it began.
    var floors: [Sighting] = []
    var ceilings = Ceilings()
    var compactions = Compactions()
    /// What each revision changed, from the first after the start on.
    var events: [[WatchEvent]] = []
    /// Where each key changed, ascending.
    var revisionsOfKey: [[UInt8]: [Revision]] = [:]
    /// The newest revision that anybody has seen.
    var newest: Revision
    /// Revisions that no answer accounts for, ascending.
    var gaps: [Gap] = []

    /// A revision, and the operation that showed it.
    struct Sighting {
        var revision: Revision
        var operation: Int?
    }

    /// Returns what is wrong: nothing, or some of the violations, most telling first.
    package static func violations(in history: History) -> [Violation] {
        var check = HistoryCheck(history: history)
        check.run()
        return check.violations
    }

    private init(history: History) {
        self.history = history
        newest = history.scope.start
    }

    func events(at revision: Revision) -> [WatchEvent] {
        events[Int(revision.number - history.scope.start.number) - 1]
    }

    private mutating func run() {
        noteTimes()
        checkRealTime()
        checkRefusals()
        let isReplayed = replay()
        // Without a replay, what a watch tells cannot be judged.
        guard isReplayed else { return }
        checkWatches()
        if violations.isEmpty { checkUntold() }
    }

    static let violationsMax = 20

    mutating func report(
        _ rule: Violation.Rule, _ operations: [Int?], expected: String, found: String
    ) {
        guard violations.count < Self.violationsMax else { return }
        let numbers = operations.compactMap { $0 }
        violations.append(
            Violation(rule: rule, operations: numbers, expected: expected, found: found))
    }

    // MARK: Real time

    /// Finds out what had been seen when each operation began.
    private mutating func noteTimes() {
        var sightings: [(at: Moment, Sighting)] = []
        for number in history.operations.indices {
            if let revision = history.operations[number].revisionSeen,
                let completed = history.operations[number].completed
            {
                sightings.append((completed, Sighting(revision: revision, operation: number)))
            }
            if case .watched(let record) = history.operations[number].reply {
                for delivery in record.deliveries {
                    guard let revision = delivery.content.newestRevision else { continue }
                    sightings.append((delivery.at, Sighting(revision: revision, operation: number)))
                }
            }
        }
        sightings.sort { $0.at < $1.at }
        newest = max(history.scope.start, sightings.map(\.1.revision).max() ?? .none)
        let start = Sighting(revision: history.scope.start)
        floors = [Sighting](repeating: start, count: history.operations.count)
        var (floor, next) = (start, 0)
        let inOrder = history.operations.indices.sorted {
            history.operations[$0].invoked < history.operations[$1].invoked
        }
        for number in inOrder {
            // What completes at the very moment is concurrent.
            while next < sightings.count,
                sightings[next].at < history.operations[number].invoked
            {
                if sightings[next].1.revision > floor.revision { floor = sightings[next].1 }
                next += 1
            }
            floors[number] = floor
        }
        ceilings = Ceilings(history.operations)
    }

    mutating func checkRealTime() {
        for (number, operation) in history.operations.enumerated() {
            guard operation.isLinearizable, let revision = operation.revision else { continue }
            let floor = floors[number]
            if operation.isChange, revision <= floor.revision {
                report(
                    .realTime, [floor.operation, number],
                    expected: "a revision above \(floor.revision), which was seen before",
                    found: "\(revision)")
            } else if revision < floor.revision {
                report(
                    .realTime, [floor.operation, number],
                    expected: "revision \(floor.revision) at least, which was seen before",
                    found: "\(revision)")
            }
        }
    }

    // MARK: Compaction

    /// When how much of history was given up, at the earliest and at the latest.
    struct Compactions {
        /// In order of time, the newest revision given up by calls begun until then.
        var begun: [(at: Moment, revision: Revision)] = []
        /// In order of time, the newest revision given up by calls completed until then.
        var done: [(at: Moment, revision: Revision)] = []

        static func newest(
            _ list: [(at: Moment, revision: Revision)], before moment: Moment
        ) -> Revision {
            var (low, high) = (0, list.count)
            while low < high {
                let middle = (low + high) / 2
                if list[middle].at < moment { low = middle + 1 } else { high = middle }
            }
            return low == 0 ? .none : list[low - 1].revision
        }

        static func growing(
            _ list: [(at: Moment, revision: Revision)]
        ) -> [(at: Moment, revision: Revision)] {
            var newest = Revision.none
            return list.sorted { $0.at < $1.at }.map { item in
                newest = max(newest, item.revision)
                return (item.at, newest)
            }
        }
    }

    private mutating func checkRefusals() {
        for operation in history.operations {
            guard case .compact(let revision) = operation.call else { continue }
            if case .refused = operation.reply { continue }
            compactions.begun.append((operation.invoked, revision))
            if operation.reply == .compacted, let completed = operation.completed {
                compactions.done.append((completed, revision))
            }
        }
        compactions.begun = Compactions.growing(compactions.begun)
        compactions.done = Compactions.growing(compactions.done)
        for (number, operation) in history.operations.enumerated() {
            guard case .range(let query, let isSerializable) = operation.call else { continue }
            checkRefusal(number, operation, query, isSerializable)
        }
    }

    private mutating func checkRefusal(
        _ number: Int, _ operation: ClientOperation, _ query: RangeQuery, _ isSerializable: Bool
    ) {
        switch operation.reply {
        case .refused(.compacted(let oldest)):
            let begun = newestCompaction(begunBy: operation.completed)
            if oldest > begun || (query.revision ?? history.scope.start) >= oldest {
                report(
                    .compaction, [number], expected: "history from \(begun) on to be there",
                    found: "compacted up to \(oldest)")
            }
        case .refused(.future) where !isSerializable:
            guard let asked = query.revision, asked <= floors[number].revision else { return }
            report(
                .realTime, [floors[number].operation, number],
                expected: "revision \(asked), which was seen before, to be there", found: "future")
        case .found where !isSerializable:
            let oldest = Compactions.newest(compactions.done, before: operation.invoked)
            guard let asked = query.revision, asked < oldest else { return }
            report(
                .compaction, [number], expected: "history before \(oldest) to be refused",
                found: "an answer at \(asked)")
        default: return
        }
    }

    /// The newest revision up to which history may have been given up at `moment`.
    func newestCompaction(begunBy moment: Moment?) -> Revision {
        let moment = moment ?? Moment(.max - 1)
        return Compactions.newest(
            compactions.begun, before: Moment(moment.microseconds + 1))
    }
}

extension ClientOperation {
    /// Whether its answer says that it changed something.
    var isChange: Bool {
        if case .transacted(let reply) = reply { reply.isChange } else { false }
    }
}

extension ClientOperation {
    /// The newest revision that the answer shows to be there.
    var revisionSeen: Revision? {
        if case .seen(let entry?) = reply { entry.modRevision } else { revision }
    }
}

extension [Revision] {
    /// How many of them, which ascend, are not beyond `revision`.
    func countUpTo(_ revision: Revision) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] <= revision { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension WatchRecord.Content {
    var newestRevision: Revision? {
        switch self {
        case .created(let revision), .progress(let revision): revision
        case .events(let events): events.map(\.revision).max()
        case .ended: nil
        }
    }
}
