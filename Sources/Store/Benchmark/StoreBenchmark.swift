internal import Store
public import StoreCore
internal import Synchronization

/// Measures a store as design says it is to be measured: figures by name, in the order measured.
public struct StoreBenchmark {
    public struct Figure: Sendable {
        public let name: String
        public let value: Double
        public let unit: String
    }

    /// What can be measured by itself, in a process of its own. Each has a store of its own in the
    /// directory, but `compaction`, which goes on with the one that `large` leaves.
    public enum Part: String, CaseIterable, Sendable {
        case latency, puts, list, watches, large, compaction
    }

    let directory: String
    let keyCount: Int

    /// - Parameters:
    ///   - directory: Where stores are made; empty, or not there yet.
    ///   - keyCount: Keys of the large store.
    public init(directory: String, keyCount: Int = 1_000_000) {
        (self.directory, self.keyCount) = (directory, keyCount)
    }

    /// Runs one part, or everything, which takes some 30 seconds.
    public func run(
        _ part: Part? = nil, _ report: @Sendable (Figure) -> Void
    ) async throws(StoreError) {
        for part in part.map({ [$0] }) ?? Part.allCases {
            switch part {
            case .latency: try await latency(report)
            case .puts: try puts(report)
            case .list: try list(report)
            case .watches: try await watches(report)
            case .large: try large(report)
            case .compaction: try await compaction(report)
            }
        }
    }

    /// Opens the store in the directory, and tells how long that took and what memory it takes.
    public func open(_ report: @Sendable (Figure) -> Void) throws(StoreError) {
        let before = ProcessCost.now
        let start = ContinuousClock.now
        let store = try Store.open(directory: directory)
        _ = try store.get([1])
        report(Figure(name: "open to first read", value: since(start) * 1e3, unit: "ms"))
        report(Figure(name: "keys", value: Double(store.keyCount), unit: ""))
        report(Figure(name: "log", value: Double(store.logBytes) / 1e6, unit: "MB"))
        reportMemory("opened", before, report)
        store.close()
    }

    // MARK: Puts

    private func latency(_ report: @Sendable (Figure) -> Void) async throws(StoreError) {
        let store = try Store.open(directory: directory + "/latency")
        try await latency(of: store, count: 2000, report)
        store.close()
    }

    private func puts(_ report: @Sendable (Figure) -> Void) throws(StoreError) {
        let store = try Store.open(directory: directory + "/puts")
        for (inFlight, bytes, count) in [(1000, 256, 300_000), (64, 1024, 60_000)] {
            try puts(into: store, count: count, inFlight: inFlight, valueBytes: bytes, report)
        }
        store.close()
    }

    // MARK: Reads

    private func list(_ report: @Sendable (Figure) -> Void) throws(StoreError) {
        let store = try Store.open(directory: directory + "/list")
        try fill(store, keys(10_000), inFlight: 1000, valueBytes: 1024)
        let before = ProcessCost.now
        var (bytes, count, heapMax) = (0, 0, before.anonymousBytes)
        try store.withRange(.all) { _, value, _ in
            (bytes, count) = (bytes + value.byteCount, count + 1)
            guard count % 500 == 0 else { return }
            heapMax = max(heapMax, ProcessCost.now.anonymousBytes)
        }
        precondition(bytes == 10_000 * 1024, "all that was put is there")
        let extra = Double(heapMax - before.anonymousBytes) / 1e6
        report(Figure(name: "visit 10,000 x 1 KB, extra memory", value: extra, unit: "MB heap"))
        let rounds = 20
        let visitsBefore = ProcessCost.now
        for _ in 0..<rounds {
            try store.withRange(.all) { _, value, _ in bytes += value.byteCount }
        }
        let cpu = (ProcessCost.now.cpu - visitsBefore.cpu) / Double(rounds)
        report(Figure(name: "visit 10,000 x 1 KB, CPU", value: microseconds(cpu), unit: "us"))
        store.close()
    }

    /// Changes of one key that many watch.
    private func watches(_ report: @Sendable (Figure) -> Void) async throws(StoreError) {
        let (watchers, changes) = (1000, 200)
        let store = try Store.open(directory: directory + "/watches")
        let (key, value) = (Array("watched".utf8), value(256))
        let seen = Atomic<Int>(0)
        let all = Flight(max: 1)
        all.takeOff()
        for _ in 0..<watchers {
            _ = try store.watch(.key(key), from: store.revision.next) { batch in
                guard case .success(let batch) = batch else { return }
                let count = batch.events.count
                let total = seen.wrappingAdd(count, ordering: .relaxed).newValue
                if total == watchers * changes { all.land() }
            }
        }
        let before = ProcessCost.now
        let start = ContinuousClock.now
        for _ in 0..<changes { _ = try await store.put(key, value) }
        all.takeOff()
        let events = Double(watchers * changes)
        report(
            Figure(
                name: "events to 1,000 watchers", value: events / since(start), unit: "/s"))
        let cpu = (ProcessCost.now.cpu - before.cpu) / events
        report(
            Figure(name: "events to 1,000 watchers, CPU", value: microseconds(cpu), unit: "us"))
        store.close()
    }
}
