import Store
import Synchronization

/// Starts a store on what a crash has left, and looks whether it holds what it has to.
struct Restart {
    let folder: Folder
    let model: TraceModel
    let expected: TraceExpectation
    private let errors = FatalErrors()

    init(folder: Folder, model: TraceModel, expected: TraceExpectation) {
        (self.folder, self.model, self.expected) = (folder, model, expected)
    }

    private final class FatalErrors: Sendable {
        private let errors = Mutex<[StoreError]>([])
        var list: [StoreError] { errors.withLock { $0 } }
        func note(_ error: StoreError) { errors.withLock { $0.append(error) } }
    }

    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    /// Written after a restart, to see that it goes on.
    static let probe = "probe"

    /// Starts, looks, writes, ends; starts and looks once more.
    func run(_ remains: FolderImage.Remains) async throws {
        do { try await startTwice(remains) } catch {
            // Whatever waits for a store that stops is told only that it is closed.
            throw errors.list.isEmpty
                ? error : Problem(description: "\(error), as it stopped: \(errors.list)")
        }
        try require(errors.list.isEmpty, "it stopped: \(errors.list.first.map { "\($0)" } ?? "")")
    }

    private func startTwice(_ remains: FolderImage.Remains) async throws {
        try folder.fill(with: remains)
        let revision = try await begin(on: PosixDisk())
        try withStore(PosixDisk()) { store in
            try require(store.revision.number == revision + 1, "it forgets what came after")
            try checkEntries(store, at: revision, andProbe: true)
        }
    }

    /// Starts, looks, and writes. Returns the revision that was found.
    @discardableResult
    func begin(on disk: any Disk, noting recording: RecordingDisk? = nil) async throws -> Int64 {
        let store = try open(disk)
        defer { store.close() }
        let revision = try check(store)
        recording?.note(.proposed(0))
        let next = try await store.put(Array(Self.probe.utf8), [1], expecting: Revision.none)
        recording?.note(.acknowledged(0))
        try require(next.number == revision + 1, "the next write is at \(next)")
        return revision
    }

    func open(_ disk: any Disk) throws -> Store {
        var options = CrashTrace.options(disk)
        // Soon: what a checkpoint has wrong shows at the start after it.
        options.checkpointBytesMin = 16 * 1024
        options.onFatalError = { [errors] in errors.note($0) }
        return try Store.open(directory: folder.path, options: options)
    }

    func withStore(_ disk: any Disk, _ body: (Store) throws -> Void) throws {
        let store = try open(disk)
        defer { store.close() }
        try body(store)
    }

    func require(_ isTrue: Bool, _ text: @autoclosure () -> String) throws {
        if !isTrue { throw Problem(description: text()) }
    }

    // MARK: Looking

    /// Returns the store's revision.
    func check(_ store: Store) throws -> Int64 {
        let (revision, compacted) = (store.revision.number, store.compactedRevision.number)
        try require(
            expected.revisions.contains(revision),
            "revision \(revision), not \(expected.revisions)")
        try require(
            expected.compactions.contains(compacted),
            "compacted at \(compacted), not \(expected.compactions)")
        try checkEntries(store, at: revision)
        try checkHistory(store, from: compacted, to: revision)
        try checkLeases(store, at: revision)
        return revision
    }

    func checkEntries(_ store: Store, at revision: Int64, andProbe: Bool = false) throws {
        var there = model.entries[Int(revision)]
        if andProbe {
            there[Self.probe] = TraceModel.Entry(
                value: [1], created: revision + 1, modified: revision + 1, version: 1, lease: 0)
        }
        try compare(store.range(RangeQuery(.all)).entries, there, "")
    }

    private func compare(
        _ found: [StoredEntry], _ there: [String: TraceModel.Entry], _ when: String
    ) throws {
        for entry in found {
            let key = String(decoding: entry.key, as: UTF8.self)
            let now = TraceModel.Entry(
                value: entry.value, created: entry.createRevision.number,
                modified: entry.modRevision.number, version: entry.version,
                lease: entry.lease.number)
            try require(
                now == there[key],
                "\(now.told(key)) is not \(there[key]?.told(key) ?? "gone")\(when)")
        }
        try require(found.count == there.count, "\(found.count) keys, not \(there.count)\(when)")
    }

    /// All that happened is told, and a past revision can be read.
    private func checkHistory(_ store: Store, from compacted: Int64, to revision: Int64) throws {
        var reached = Swift.max(compacted, 1)
        while reached < revision {
            let batch = try store.events(in: .all, after: Revision(reached), limit: 100)
            var told: [Int64: [TraceModel.Event]] = [:]
            for event in batch.events {
                told[event.revision.number, default: []].append(
                    TraceModel.Event(
                        key: String(decoding: event.entry.key, as: UTF8.self),
                        value: event.isDelete ? nil : event.entry.value))
            }
            for past in (reached + 1)...batch.through.number {
                let events = (told[past] ?? []).sorted { $0.key < $1.key }
                try require(events == model.events[Int(past)], "other events at \(past)")
            }
            reached = batch.through.number
        }
        let past = Swift.max(compacted, (compacted + revision) / 2, 1)
        try compare(
            store.range(RangeQuery(.all, at: Revision(past))).entries, model.entries[Int(past)],
            " at \(past)")
    }

    private func checkLeases(_ store: Store, at revision: Int64) throws {
        let found = Set(store.leases.map(\.number))
        try require(
            found.isSuperset(of: expected.leasesSure)
                && found.isSubset(of: expected.leasesPossible),
            "leases \(found.sorted()), not \(expected.leasesSure.sorted())")
        for lease in expected.leasesSure {
            let keys = Set(store.lease(LeaseID(lease))?.keys ?? [])
            let there = model.entries[Int(revision)].filter { $0.value.lease == lease }.keys
            try require(keys == Set(there.map { Array($0.utf8) }), "other keys of lease \(lease)")
        }
    }
}
