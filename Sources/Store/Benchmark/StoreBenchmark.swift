internal import Store
public import StoreCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Measures a store as design says it is to be measured: figures by name, in the order measured.
public struct StoreBenchmark {
    public struct Figure: Sendable {
        public let name: String
        public let value: Double
        public let unit: String
    }

    private let directory: String
    private let keyCount: Int

    /// - Parameters:
    ///   - directory: Where stores are made; empty, or not there yet.
    ///   - keyCount: Keys of the large store.
    public init(directory: String, keyCount: Int = 1_000_000) {
        (self.directory, self.keyCount) = (directory, keyCount)
    }

    /// Runs everything; some 30 seconds.
    public func run(_ report: @Sendable (Figure) -> Void) async throws(StoreError) {
        try await fresh(report)
        try await puts(report)
        try await large(report)
    }

    /// Opens the store in the directory, and tells how long that took and what memory it takes.
    public func open(_ report: @Sendable (Figure) -> Void) throws(StoreError) {
        let before = ProcessCost.now
        let start = ContinuousClock.now
        let store = try Store.open(directory: directory)
        _ = try store.get([1])
        report(Figure(name: "open \(store.keyCount) keys", value: since(start) * 1e3, unit: "ms"))
        report(Figure(name: "log", value: Double(store.logBytes) / 1e6, unit: "MB"))
        reportMemory("opened", before, report)
        store.close()
    }

    // MARK: A small store

    private func fresh(_ report: @Sendable (Figure) -> Void) async throws(StoreError) {
        let start = ContinuousClock.now
        let store = try Store.open(directory: directory + "/fresh")
        _ = try store.get([1])
        report(Figure(name: "open fresh to first read", value: since(start) * 1e3, unit: "ms"))
        _ = try await store.put([1], [1])
        report(Figure(name: "log at birth", value: Double(store.logBytes), unit: "bytes"))
        var latencies: [Double] = []
        for number in 0..<2000 {
            let start = ContinuousClock.now
            _ = try await store.put(key(number), value(1000, number))
            latencies.append(since(start) * 1e6)
        }
        latencies.sort()
        report(Figure(name: "put, one client, median", value: latencies[1000], unit: "us"))
        report(Figure(name: "put, one client, p99", value: latencies[1980], unit: "us"))
        store.close()
    }

    private func puts(_ report: @Sendable (Figure) -> Void) async throws(StoreError) {
        let store = try Store.open(directory: directory + "/puts")
        for (inFlight, bytes, count) in [(1000, 256, 300_000), (64, 1024, 60_000)] {
            let before = ProcessCost.now
            let start = ContinuousClock.now
            try fill(store, count: count, inFlight: inFlight, valueBytes: bytes, keys: count)
            let seconds = since(start)
            let after = ProcessCost.now
            let name = "put \(bytes) B, \(inFlight) in flight"
            let cpu = (after.cpu - before.cpu) / Double(count)
            let written = Double(after.diskBytesWritten - before.diskBytesWritten)
            report(Figure(name: name, value: Double(count) / seconds, unit: "/s"))
            report(Figure(name: name + ", CPU", value: microseconds(cpu), unit: "us"))
            report(Figure(name: name + ", written", value: written / Double(count), unit: "bytes"))
        }
        store.close()
        try list(report)
    }

    private func list(_ report: @Sendable (Figure) -> Void) throws(StoreError) {
        let store = try Store.open(directory: directory + "/list")
        try fill(store, count: 10_000, inFlight: 1000, valueBytes: 1024, keys: 10_000)
        let rounds = 20
        let before = ProcessCost.now
        var bytes = 0
        for _ in 0..<rounds {
            try store.withRange(.all) { _, value, _ in bytes += value.byteCount }
        }
        let cpu = (ProcessCost.now.cpu - before.cpu) / Double(rounds)
        report(Figure(name: "visit 10,000 x 1 KB, CPU", value: microseconds(cpu), unit: "us"))
        store.close()
    }

    // MARK: A large store

    private func large(_ report: @Sendable (Figure) -> Void) async throws(StoreError) {
        let path = directory + "/large"
        let before = ProcessCost.now
        var store = try Store.open(directory: path)
        try fill(store, count: keyCount, inFlight: 5000, valueBytes: 256, keys: keyCount)
        reportMemory("filled", before, report)
        report(Figure(name: "log", value: Double(store.logBytes) / 1e6, unit: "MB"))
        store.close()
        let start = ContinuousClock.now
        store = try Store.open(directory: path)
        _ = try store.get(key(1))
        report(Figure(name: "open \(keyCount) keys", value: since(start) * 1e3, unit: "ms"))
        reportMemory("reopened", before, report)
        try await compact(store, report)
        store.close()
    }

    private func reportMemory(
        _ when: String, _ before: ProcessCost, _ report: @Sendable (Figure) -> Void
    ) {
        let now = ProcessCost.now
        let anonymous = Double(now.anonymousBytes - before.anonymousBytes) / 1e6
        let resident = Double(now.residentBytes) / 1e6
        report(Figure(name: "memory, \(when)", value: anonymous, unit: "MB heap"))
        report(Figure(name: "memory, \(when)", value: resident, unit: "MB resident"))
    }

    /// The longest put while as many revisions as there are keys are compacted.
    private func compact(
        _ store: Store, _ report: @Sendable (Figure) -> Void
    ) async throws(StoreError) {
        try fill(store, count: keyCount, inFlight: 5000, valueBytes: 256, keys: keyCount)
        try await store.compact(at: store.revision)
        var longest = 0.0
        let start = ContinuousClock.now
        var number = 0
        while since(start) < 3 {
            let start = ContinuousClock.now
            _ = try await store.put(key(number), value(256, number))
            longest = max(longest, since(start) * 1e3)
            number += 1
        }
        report(Figure(name: "longest put after compaction", value: longest, unit: "ms"))
        report(
            Figure(name: "log after compaction", value: Double(store.logBytes) / 1e6, unit: "MB"))
    }

    // MARK: Tools

    /// Puts `count` values, never more than `inFlight` at a time.
    private func fill(
        _ store: Store, count: Int, inFlight: Int, valueBytes: Int, keys: Int
    ) throws(StoreError) {
        let flight = Flight(max: inFlight)
        for number in 0..<count {
            flight.takeOff()
            store.put(key(number % keys), value(valueBytes, number), expecting: nil) { result in
                if case .failure(let error) = result { flight.note(error) }
                flight.land()
            }
        }
        try flight.finish()
    }

    /// 64 bytes, as keys of objects look.
    private func key(_ number: Int) -> [UInt8] {
        let digits = String(number)
        let zeros = String(repeating: "0", count: 9 - digits.count)
        return Array("/registry/default/pods/some-namespace-of-a-team/workload-".utf8).prefix(55)
            + Array((zeros + digits).utf8)
    }

    private func value(_ bytes: Int, _ number: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: bytes)
    }

    private func since(_ start: ContinuousClock.Instant) -> Double {
        microseconds(ContinuousClock.now - start) / 1e6
    }

    private func microseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1e6 + Double(duration.components.attoseconds) / 1e12
    }
}

/// Counts proposals in flight and holds the next one back while there are too many.
@safe private final class Flight: @unchecked Sendable {
    // Made in init, destroyed in deinit; semaphores may be used by any thread.
    private let free: UnsafeMutablePointer<sem_t>
    private let error = Mutex<StoreError?>(nil)
    private let max: Int

    init(max: Int) {
        self.max = max
        unsafe free = .allocate(capacity: 1)
        unsafe sem_init(free, 0, UInt32(max))
    }

    deinit {
        unsafe sem_destroy(free)
        unsafe free.deallocate()
    }

    func takeOff() { while unsafe sem_wait(free) != 0 {} }
    func land() { unsafe sem_post(free) }
    func note(_ failure: StoreError) { error.withLock { $0 = $0 ?? failure } }

    /// Waits until all have landed.
    func finish() throws(StoreError) {
        for _ in 0..<max { takeOff() }
        if let failure = error.withLock({ $0 }) { throw failure }
    }
}
