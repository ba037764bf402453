public import Store

/// Loads on a store that is open already, which may be a member of a cluster.
extension StoreBenchmark {
    /// Puts one value after the other at keys of their own.
    public func latency(
        of store: Store, count: Int, _ report: @Sendable (Figure) -> Void
    ) async throws(StoreError) {
        let value = value(1024)
        var latencies: [Double] = []
        for key in keys(count) {
            let start = ContinuousClock.now
            _ = try await store.put(key, value)
            latencies.append(since(start) * 1e6)
        }
        latencies.sort()
        report(Figure(name: "put, one client, median", value: latencies[count / 2], unit: "us"))
        report(
            Figure(name: "put, one client, p99", value: latencies[count * 99 / 100], unit: "us"))
    }

    /// Puts `count` values, never more than `inFlight` at a time. What it costs is this process'
    /// own.
    public func puts(
        into store: Store, count: Int, inFlight: Int, valueBytes: Int,
        _ report: @Sendable (Figure) -> Void
    ) throws(StoreError) {
        let keys = keys(count)
        let before = ProcessCost.now
        let start = ContinuousClock.now
        try fill(store, keys, inFlight: inFlight, valueBytes: valueBytes)
        let seconds = since(start)
        let after = ProcessCost.now
        let name = "put \(valueBytes) B, \(inFlight) in flight"
        let cpu = (after.cpu - before.cpu) / Double(count)
        let written = Double(after.diskBytesWritten - before.diskBytesWritten)
        report(Figure(name: name, value: Double(count) / seconds, unit: "/s"))
        report(Figure(name: name + ", CPU", value: microseconds(cpu), unit: "us"))
        report(Figure(name: name + ", written", value: written / Double(count), unit: "bytes"))
    }

    /// Puts one value after the other until `isEnough`, and tells the longest time from one
    /// acknowledged put to the next: an outage, if there was one.
    public func longestGap(
        of store: Store, until isEnough: @Sendable () -> Bool
    ) async -> Figure {
        let (key, value) = (keys(1)[0], value(256))
        var (longest, last) = (0.0, ContinuousClock.now)
        while !isEnough() {
            // Whatever the reason, it is tried again, as a client would.
            do throws(StoreError) { _ = try await store.put(key, value) } catch { continue }
            longest = max(longest, since(last))
            last = ContinuousClock.now
        }
        return Figure(name: "longest time between two puts", value: longest * 1e3, unit: "ms")
    }
}
