import StoreCore
import StoreHistory
import Synchronization

/// What clients are to be like.
struct Load: Sendable {
    var clients = 32
    var watchers = 4
    var collections = 8
    var keysPerCollection = 16
    var seed: UInt64 = 1
    /// How long a call may take.
    var patience = Duration.seconds(4)
}

/// A history from its first call to its verdict, on keys of its own.
///
/// One watcher sees everything to the end, so that every change is seen by somebody.
final class Session: Sendable {
    let recorder: Recorder
    private let store: any RecordedStore
    private let keys: Keys
    private let load: Load
    private let overdue: Overdue
    private let gate = Gate()
    private let witness: Told
    private let clients: Task<Void, Never>
    private let watchers: Task<Void, Never>

    private static let settlingSeconds = 30

    /// Starts clients.
    ///
    /// - Throws: ``UsageError`` if the store does not answer.
    static func begin(_ store: any RecordedStore, _ load: Load, prefix: String) async throws
        -> Session
    {
        let keys = Keys(
            prefix: prefix, collections: load.collections,
            keysPerCollection: load.keysPerCollection)
        let deadline = ContinuousClock.now + .seconds(settlingSeconds)
        guard let start = await store.prepare(keys, until: deadline) else {
            throw UsageError(reason: "no keys \(prefix) could be prepared")
        }
        // Where nobody else writes and nobody has written, every revision is to be accounted for.
        let isWhole = store.traits.isOurs && start == .start
        let scope = HistoryScope(
            start: start, keys: isWhole ? nil : keys.scope, tellsVersions: store.traits.isWhole)
        return Session(store, load, keys, Recorder(scope: scope), sees: isWhole ? .all : keys.scope)
    }

    private init(
        _ store: any RecordedStore, _ load: Load, _ keys: Keys, _ recorder: Recorder,
        sees everything: KeyRange
    ) {
        (self.store, self.load, self.keys, self.recorder) = (store, load, keys, recorder)
        let overdue = Overdue(patience: load.patience)
        self.overdue = overdue
        var chance = Chance(load.seed)
        let list = (1...load.clients).map { number in
            RandomClient(number, store, recorder, keys, overdue, seed: chance.next())
        }
        let steady = Watcher(
            load.clients + 1, store, recorder, everything, isRestless: false, seed: chance.next())
        witness = steady.told
        var watching = [steady]
        for number in 0..<load.watchers {
            let range = number % 3 == 0 ? everything : keys.range(number % load.collections)
            watching.append(
                Watcher(
                    load.clients + 2 + number, store, recorder, range,
                    isRestless: number % 2 == 0, seed: chance.next()))
        }
        let all = watching
        watchers = Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await overdue.run() }
                for var watcher in all { group.addTask { await watcher.run() } }
            }
        }
        let gate = gate
        clients = Task {
            await withTaskGroup(of: Void.self) { group in
                for var client in list { group.addTask { await client.run { gate.isShut } } }
            }
        }
    }

    /// Waits until every client got a change acknowledged that was not before.
    ///
    /// - Returns: Seconds that took; nil if some client did not within `secondsMax`.
    func progress(within secondsMax: Double) async -> Double? {
        let begun = Recorder.now
        while !recorder.clientsWaiting(since: begun).isEmpty {
            let seconds = Double(Recorder.now.since(begun)) / 1e6
            guard seconds < secondsMax, await pause(.milliseconds(5)) else { return nil }
        }
        return Double(Recorder.now.since(begun)) / 1e6
    }

    /// Waits until so many operations have ended.
    func reach(_ operations: Int, within duration: Duration) async -> Bool {
        let deadline = ContinuousClock.now + duration
        while recorder.operationCount < operations {
            guard ContinuousClock.now < deadline, await pause(.milliseconds(5)) else {
                return false
            }
        }
        return true
    }

    /// Stops clients, lets everybody see everything, and checks.
    func finish() async -> Verdict {
        gate.shut()
        await clients.value
        var verdict = Verdict(figures: recorder.takeFigures())
        await settle(&verdict)
        watchers.cancel()
        await watchers.value
        let history = recorder.history
        let begun = ContinuousClock.now
        verdict.violations = HistoryCheck.violations(in: history)
        let (seconds, attoseconds) = (ContinuousClock.now - begun).components
        verdict.checkSeconds = Double(seconds) + Double(attoseconds) / 1e18
        verdict.history = history
        return verdict
    }

    private func settle(_ verdict: inout Verdict) async {
        let deadline = ContinuousClock.now + .seconds(Self.settlingSeconds)
        var last = RandomClient(
            load.clients + 2 + load.watchers, store, recorder, keys, overdue, seed: load.seed)
        let key = Array((keys.collection(0) + "/last").utf8)
        guard let revision = await last.putSurely(key, until: deadline) else {
            return verdict.unfinished.append("no change is acknowledged any more")
        }
        while witness.revision < revision {
            guard ContinuousClock.now < deadline, await pause(.milliseconds(5)) else {
                verdict.unfinished.append(
                    "no watch tells of revision \(revision), only to \(witness.revision)")
                return
            }
        }
        var lists: [[Entry]] = []
        for member in 0..<store.memberCount {
            guard let entries = await last.listAll(at: member, until: deadline) else {
                return verdict.unfinished.append("member \(member + 1) does not list")
            }
            lists.append(entries)
        }
        for (place, entries) in lists.enumerated() where entries != lists[0] {
            verdict.unfinished.append("member \(place + 1) lists other things than the first one")
        }
    }
}

/// Tells many that it is over.
final class Gate: Sendable {
    private let state = Atomic<Bool>(false)
    var isShut: Bool { state.load(ordering: .acquiring) }
    func shut() { state.store(true, ordering: .releasing) }
}

/// What became of a history.
struct Verdict: Sendable {
    var figures: Figures
    var violations: [Violation] = []
    /// What should have come about once nothing was in the way any more, and has not.
    var unfinished: [String] = []
    var checkSeconds = 0.0
    var history = History()

    var isGood: Bool { violations.isEmpty && unfinished.isEmpty }
}
