internal import Store
internal import StoreCore

// A store of as many keys as design names, and the tools that all parts share.

extension StoreBenchmark {
    private var largeDirectory: String { directory + "/large" }

    /// Fills a store, and leaves it with two versions of each key, some 1 KB in the log together.
    func large(_ report: @Sendable (Figure) -> Void) throws(StoreError) {
        let keys = keys(keyCount)
        let before = ProcessCost.now
        let store = try Store.open(directory: largeDirectory)
        try fill(store, keys, inFlight: 5000, valueBytes: 256)
        reportMemory("filled", before, report)
        try fill(store, keys, inFlight: 5000, valueBytes: 512)
        report(Figure(name: "log", value: Double(store.logBytes) / 1e6, unit: "MB"))
        store.close()
    }

    /// The longest put while as many revisions as there are keys are compacted.
    func compaction(_ report: @Sendable (Figure) -> Void) async throws(StoreError) {
        let store = try Store.open(directory: largeDirectory)
        let (keys, value) = (keys(20_000), value(256))
        try await store.compact(at: store.revision)
        var longest = 0.0
        let start = ContinuousClock.now
        var number = 0
        while since(start) < 3 {
            let start = ContinuousClock.now
            _ = try await store.put(keys[number % keys.count], value)
            longest = max(longest, since(start) * 1e3)
            number += 1
        }
        report(Figure(name: "longest put after compaction", value: longest, unit: "ms"))
        report(
            Figure(name: "log after compaction", value: Double(store.logBytes) / 1e6, unit: "MB"))
        store.close()
    }

    // MARK: Tools

    func reportMemory(
        _ when: String, _ before: ProcessCost, _ report: @Sendable (Figure) -> Void
    ) {
        let now = ProcessCost.now
        let anonymous = Double(now.anonymousBytes - before.anonymousBytes) / 1e6
        let resident = Double(now.residentBytes) / 1e6
        report(Figure(name: "memory, \(when)", value: anonymous, unit: "MB heap"))
        report(Figure(name: "resident, \(when)", value: resident, unit: "MB resident"))
    }

    /// Puts a value at each key, never more than `inFlight` at a time.
    func fill(
        _ store: Store, _ keys: [[UInt8]], inFlight: Int, valueBytes: Int
    ) throws(StoreError) {
        let flight = Flight(max: inFlight)
        let value = value(valueBytes)
        for key in keys {
            flight.takeOff()
            store.put(key, value, expecting: nil) { result in
                if case .failure(let error) = result { flight.note(error) }
                flight.land()
            }
        }
        try flight.finish()
    }

    /// Made beforehand, so that making them does not count. 64 bytes each, as keys of objects look.
    func keys(_ count: Int) -> [[UInt8]] {
        let prefix = Array("/registry/default/pods/some-namespace-of-a-team/workloa".utf8)
        return (0..<count).map { number in
            let digits = Array(String(number).utf8)
            let zeros = repeatElement(UInt8(ascii: "0"), count: 9 - digits.count)
            return prefix + zeros + digits
        }
    }

    func value(_ bytes: Int) -> [UInt8] { [UInt8](repeating: UInt8(ascii: "v"), count: bytes) }

    func since(_ start: ContinuousClock.Instant) -> Double {
        microseconds(ContinuousClock.now - start) / 1e6
    }

    func microseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1e6 + Double(duration.components.attoseconds) / 1e12
    }
}
