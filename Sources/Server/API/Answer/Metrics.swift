import Synchronization

/// What is counted, under Kubernetes' names, as Prometheus reads it.
public final class Metrics: Sendable {
    private struct Key: Hashable {
        let verb: String
        let group: String
        let version: String
        let resource: String
        let subresource: String
        let code: Int
    }

    private struct State {
        var requests: [Key: UInt64] = [:]
    }

    /// Series that are kept; what comes after is counted as `other`.
    private static let seriesMax = 10_000
    private let state = Mutex(State())
    private let process: @Sendable () -> ProcessUse
    private let gauges: @Sendable () -> [Gauge]

    /// What the process has used.
    public struct ProcessUse: Sendable {
        public var cpuSeconds: Double
        public var residentBytes: Int

        public init(cpuSeconds: Double, residentBytes: Int) {
            self.cpuSeconds = cpuSeconds
            self.residentBytes = residentBytes
        }
    }

    /// A figure that somebody else knows.
    public struct Gauge: Sendable {
        public var name: String
        public var help: String
        public var value: Int64

        public init(_ name: String, _ help: String, _ value: Int64) {
            (self.name, self.help, self.value) = (name, help, value)
        }
    }

    /// - Parameter gauges: Asked at each look at the metrics.
    public init(
        process: @escaping @Sendable () -> ProcessUse,
        gauges: @escaping @Sendable () -> [Gauge] = { [] }
    ) {
        (self.process, self.gauges) = (process, gauges)
    }

    /// Counts an answer.
    func count(_ target: RequestTarget, code: Int) {
        state.withLock { state in
            var key = Key(
                verb: target.verb.uppercased(), group: target.group, version: target.version,
                resource: target.resource, subresource: target.subresource ?? "", code: code)
            if state.requests[key] == nil, state.requests.count >= Self.seriesMax {
                key = Key(verb: "other", group: "", version: "", resource: "", subresource: "", code: code)
            }
            state.requests[key, default: 0] += 1
        }
    }

    /// The text exposition format, version 0.0.4.
    func text() -> String {
        let requests = state.withLock { $0.requests }
        var out = """
            # HELP apiserver_request_total Requests answered, by verb, group, version, resource and code.
            # TYPE apiserver_request_total counter

            """
        for (key, count) in requests.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            out += "apiserver_request_total{code=\"\(key.code)\",group=\"\(quoted(key.group))\","
                + "resource=\"\(quoted(key.resource))\",subresource=\"\(quoted(key.subresource))\","
                + "verb=\"\(quoted(key.verb))\",version=\"\(quoted(key.version))\"} \(count)\n"
        }
        let use = process()
        out += """
            # HELP process_cpu_seconds_total User and system time of the process.
            # TYPE process_cpu_seconds_total counter
            process_cpu_seconds_total \(use.cpuSeconds)
            # HELP process_resident_memory_bytes Resident memory of the process.
            # TYPE process_resident_memory_bytes gauge
            process_resident_memory_bytes \(use.residentBytes)

            """
        for gauge in gauges() {
            out += "# HELP \(gauge.name) \(gauge.help)\n# TYPE \(gauge.name) gauge\n"
                + "\(gauge.name) \(gauge.value)\n"
        }
        return out
    }

    private func quoted(_ text: String) -> String {
        String(text.map { "\"\\\n".contains($0) ? "_" : $0 })
    }
}
