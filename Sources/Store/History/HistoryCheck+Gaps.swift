internal import StoreCore

/// A revision that no answer accounts for, and the calls that could have made it.
struct Gap {
    var revision: Revision
    var candidates: [Int]
}

/// Which call made which of the revisions that no answer accounts for. Each call makes one at
/// most; a choice is revised where a later revision needs its call.
struct Matching {
    private var gaps: [Gap] = []
    private var gapOf: [Int: Int] = [:]

    /// Adds a revision. Returns false if some revision is left without a call.
    mutating func add(_ gap: Gap) -> Bool {
        gaps.append(gap)
        var tried: Set<Int> = []
        return assign(gaps.count - 1, &tried)
    }

    private mutating func assign(_ gap: Int, _ tried: inout Set<Int>) -> Bool {
        for call in gaps[gap].candidates where tried.insert(call).inserted {
            if let holder = gapOf[call], !assign(holder, &tried) { continue }
            gapOf[call] = gap
            return true
        }
        return false
    }
}

/// Calls that may have made a revision though no answer says which.
struct Suspects {
    private struct Put: Hashable {
        var key: [UInt8]
        var value: [UInt8]
    }

    private var all: [Int] = []
    /// Those that would put a value to a key.
    private var byPut: [Put: [Int]] = [:]
    /// Those that would delete one key.
    private var byDeletion: [[UInt8]: [Int]] = [:]
    /// Those that would delete a range of keys.
    private var wide: [Int] = []

    mutating func add(_ number: Int, _ transaction: Transaction) {
        all.append(number)
        for operation in transaction.success + transaction.failure {
            switch operation {
            case .put(let key, let value, _, _):
                byPut[Put(key: key, value: value), default: []].append(number)
            case .delete(let range, _):
                if let key = range.onlyKey {
                    byDeletion[key, default: []].append(number)
                } else {
                    wide.append(number)
                }
            case .range: continue
            }
        }
    }

    /// Those that might have done what was seen, in order of their numbers.
    func matching(_ evidence: Evidence) -> [Int] {
        for (key, kind) in evidence.events {
            guard case .put(let entry) = kind else { continue }
            return byPut[Put(key: key, value: entry.value)] ?? []
        }
        guard let key = evidence.events.keys.first else { return all }
        let narrow = byDeletion[key] ?? []
        return wide.isEmpty ? narrow : Array(Set(narrow + wide)).sorted()
    }
}

/// What watches and reads showed of a revision.
struct Evidence {
    var events: [[UInt8]: WatchEvent.Kind] = [:]
    /// Whether a watch of all keys was told of it, so that nothing else happened there.
    var isComplete = false
    var witness: Int?

    /// Whether somebody who saw this may have seen `events`.
    func admits(_ events: [WatchEvent]) -> Bool {
        let made = Dictionary(events.map { ($0.key, $0.kind) }, uniquingKeysWith: { $1 })
        if isComplete { return made == self.events }
        return self.events.allSatisfy { made[$0.key] == $0.value }
    }
}

extension HistoryCheck {
    /// Finds the call that made `revision`, of those whose answers do not say.
    mutating func explain(_ revision: Revision, _ replay: inout Replay) -> Bool {
        let evidence = replay.evidence[revision] ?? Evidence()
        if history.scope.keys != nil, evidence.events.isEmpty {
            note([], at: revision)
            return true
        }
        var gap = Gap(revision: revision, candidates: [])
        var made: (transaction: Transaction, events: [WatchEvent])?
        for number in replay.suspects.matching(evidence) where mayBe(revision, of: number) {
            guard case .transact(let transaction) = history.operations[number].call else {
                continue
            }
            let events = replay.model.carryOut(transaction, at: revision).events
            replay.model.undo(events)
            guard !events.isEmpty, evidence.admits(events) else { continue }
            if let made, made.events != events {
                let others = gap.candidates + [number]
                report(
                    .decided, others, expected: "somebody to have seen revision \(revision)",
                    found: "calls that would have done different things there")
                return false
            }
            made = (transaction, events)
            gap.candidates.append(number)
        }
        guard let made, replay.matching.add(gap) else {
            report(
                .explained, [evidence.witness],
                expected: "a call, answered or not, that made revision \(revision)",
                found: gap.candidates.isEmpty ? "none" : "none that has not made another one")
            return false
        }
        gaps.append(gap)
        note(replay.model.carryOut(made.transaction, at: revision).events, at: revision)
        return true
    }

    /// Whether real time allows a call to have made `revision`.
    func mayBe(_ revision: Revision, of number: Int) -> Bool {
        guard floors[number].revision < revision else { return false }
        let operation = history.operations[number]
        guard operation.reply == .done, let completed = operation.completed else { return true }
        return revision <= ceilings.ceiling(after: completed)
    }
}

/// How far the store can have been when.
struct Ceilings {
    /// In order of invocation; the revision is the lowest of this one's and of all later ones'.
    private var list: [(invoked: Moment, revision: Revision)] = []

    init() {}

    init(_ operations: [ClientOperation]) {
        for number in operations.indices where operations[number].isLinearizable {
            guard let revision = operations[number].revision else { continue }
            let bound = operations[number].isChange ? Revision(revision.number - 1) : revision
            list.append((operations[number].invoked, bound))
        }
        list.sort { $0.invoked < $1.invoked }
        for place in list.indices.dropLast().reversed() {
            list[place].revision = min(list[place].revision, list[place + 1].revision)
        }
    }

    /// The newest revision that what was completed at `moment` can have made.
    func ceiling(after moment: Moment) -> Revision {
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if list[middle].invoked <= moment { low = middle + 1 } else { high = middle }
        }
        return low < list.count ? list[low].revision : Revision(.max)
    }
}
