import SchedulerEngine
public import StrategyHost

/// Plays a script of a case to an engine and writes down what it answers.
///
///     node NAME [cpu=4 memory=8Gi storage=1Gi pods=110 gpu=2 zone=Z label=K:V
///         taint=K:V:EFFECT cordoned]
///     pod NAMESPACE/NAME [cpu=500m memory=1Gi ports=80,udp/53,10.0.0.1/tcp/80 priority=5
///         never-preempts selector=K:V requires=TERM|TERM prefers=WEIGHT*TERM
///         tolerates=K:V:EFFECT node=NAME gated terminating finished owner=UID group=K:V
///         label=K:V scheduler=NAME]
///     remove pod NAMESPACE/NAME, remove node NAME, failed NAMESPACE/NAME
///     wait SECONDS, run, counts, explain NAMESPACE/NAME
///
/// A TERM is conditions joined by `&`: `key:In:a,b`, `key:Exists`, `@name:In:n1`.
public struct Script: ~Copyable {
    struct Malformed: Error {
        let line: String
    }

    private var engine: SchedulerEngine
    private let host: PluginHost?
    private var now = Duration.seconds(1000)
    private var answers: [String] = []
    private var placements: [String: Placement] = [:]

    private init(_ host: PluginHost?) {
        self.host = host
        engine = SchedulerEngine(.init(seed: 1), strategy: host ?? BuiltInStrategy())
    }

    /// - Parameter host: who is asked for scores; nil: the engine's own strategy.
    public static func play(_ lines: [String], host: PluginHost? = nil) throws -> [String] {
        var script = Script(host)
        for line in lines { try script.play(line) }
        return script.answers
    }

    private mutating func play(_ line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        switch words[0] {
        case "node": engine.upsert(try Words(words).node())
        case "pod": engine.upsert(try Words(words).pod(), now: now)
        case "remove" where words[1] == "node": engine.remove(node: words[2])
        case "remove": engine.remove(pod: podName(words[2]))
        case "failed":
            guard let placement = placements[words[1]] else { throw Malformed(line: line) }
            engine.finishBinding(of: placement, succeeded: false, now: now)
        case "wait": now += .seconds(try required(Int(words[1])))
        case "run": run()
        case "counts":
            let counts = engine.counts
            answers.append("active \(counts.active), backing off \(counts.backingOff), "
                + "unschedulable \(counts.unschedulable), gated \(counts.gated)")
        case "explain": explain(podName(words[1]))
        default: throw Malformed(line: line)
        }
    }

    private mutating func run() {
        while true {
            switch engine.next(now: now) {
            case .bind(let placement):
                placements["\(placement.pod)"] = placement
                answers.append("bind \(placement.pod) \(placement.node)")
            case .reject(let rejection):
                answers.append("reject \(rejection.pod): \(rejection.message)")
            case .idle(nil): return answers.append("idle")
            case .idle(let until?): return answers.append("idle for \(until - now)")
            }
        }
    }
}

extension Script {
    /// Writes down, for each feasible node, the parts of its score as weight x normalized (raw).
    private mutating func explain(_ pod: PodName) {
        let host = host
        var lines: [String] = []
        engine.question(about: pod) { question, names in
            for (node, name) in names.enumerated() {
                guard let name, let parts = host?.explain(node, question) else { continue }
                let sum = parts.reduce(0) { $0 + $1.weight * $1.normalized }
                let terms = parts.map { "\($0.name) \($0.weight)x\($0.normalized) (\($0.raw))" }
                lines.append("\(name) \(sum): \(terms.joined(separator: ", "))")
            }
        }
        answers += lines
    }
}

struct Missing: Error {}

func required<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Missing() }
    return value
}

func podName(_ text: some StringProtocol) -> PodName {
    let parts = text.split(separator: "/")
    return PodName(String(parts[0]), String(parts[1]))
}

/// One line of a script, read as a description.
struct Words {
    private let name: String
    private let flags: Set<String>
    private let values: [(key: String, value: String)]

    init(_ words: [String]) {
        name = words[1]
        flags = Set(words.dropFirst(2).filter { !$0.contains("=") })
        values = words.dropFirst(2).filter { $0.contains("=") }.map { word in
            let split = word.firstIndex(of: "=") ?? word.endIndex
            return (String(word[..<split]), String(word[word.index(after: split)...]))
        }
    }

    private func all(_ key: String) -> [String] {
        values.filter { $0.key == key }.map(\.value)
    }

    private func amount(_ key: String, _ unit: Int64 = 1) throws -> Int64? {
        try all(key).last.map { try Self.amount($0, unit) }
    }

    private static func amount(_ text: String, _ unit: Int64) throws -> Int64 {
        for (suffix, factor): (String, Int64) in [("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30)]
        where text.hasSuffix(suffix) {
            return try required(Int64(text.dropLast(2))) * factor
        }
        if text.hasSuffix("m") { return try required(Int64(text.dropLast())) }
        return try required(Int64(text)) * unit
    }

    private func amounts(_ pods: Int64) throws -> ResourceAmounts {
        var amounts = ResourceAmounts(
            milliCPU: try amount("cpu", 1000) ?? 0, memoryBytes: try amount("memory") ?? 0,
            ephemeralStorageBytes: try amount("storage") ?? 0, pods: pods)
        if let gpus = try amount("gpu") { amounts["example.com/gpu"] = gpus }
        return amounts
    }

    private func labels(_ key: String) -> [(key: String, value: String)] {
        all(key).map { text in
            let parts = text.split(separator: ":", maxSplits: 1)
            return (String(parts[0]), String(parts[1]))
        }
    }

    private static func parts(_ text: String) -> [String] {
        text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    }

    func node() throws -> NodeDescription {
        let zone = all("zone").map { (key: NodeDescription.zoneLabel, value: $0) }
        let host = [(key: NodeDescription.hostnameLabel, value: name)]
        let taints = try all("taint").map { text in
            let parts = Self.parts(text)
            return Taint(parts[0], parts[1], try required(Taint.Effect(rawValue: parts[2])))
        }
        return NodeDescription(
            name: name, labels: Labels(host + zone + labels("label")), taints: taints,
            isUnschedulable: flags.contains("cordoned"),
            allocatable: try amounts(try amount("pods") ?? 110))
    }

    func pod() throws -> PodDescription {
        let container = ContainerRequests(try amounts(0))
        let demand = NodeDemand(
            nodeSelector: Labels(labels("selector")), required: try terms("requires"),
            preferred: try preferences(), tolerations: try tolerations())
        return PodDescription(
            name: podName(name), uid: all("uid").last ?? "uid-\(name)",
            labels: Labels(labels("label")), nodeName: all("node").last,
            schedulerName: all("scheduler").last ?? "default-scheduler",
            priority: Int32(try amount("priority") ?? 0),
            mayPreempt: !flags.contains("never-preempts"),
            createdAtSeconds: try amount("created") ?? 0,
            isGated: flags.contains("gated"), isTerminating: flags.contains("terminating"),
            isFinished: flags.contains("finished"), demand: demand,
            requests: PodRequests(containers: [container]), hostPorts: try ports(),
            owner: all("owner").last,
            group: labels("group").isEmpty ? nil : LabelSelector(matching: Labels(labels("group"))))
    }

    private func terms(_ key: String) throws -> [NodeSelectorTerm]? {
        try all(key).last.map { try $0.split(separator: "|").map(Self.term) }
    }

    private func preferences() throws -> [PreferredTerm] {
        try all("prefers").map { text in
            let parts = text.split(separator: "*")
            return PreferredTerm(weight: try required(Int32(parts[0])), try Self.term(parts[1]))
        }
    }

    private static func term(_ text: Substring) throws -> NodeSelectorTerm {
        var term = NodeSelectorTerm()
        for condition in text.split(separator: "&") {
            let parts = condition.split(separator: ":").map(String.init)
            let test = try required(LabelRequirement.Operator(rawValue: parts[1]))
            let values = parts.count > 2 ? parts[2].split(separator: ",").map(String.init) : []
            if parts[0].hasPrefix("@") {
                let field = "metadata.\(parts[0].dropFirst())"
                term.fields.append(FieldRequirement(field, test, values))
            } else {
                term.expressions.append(LabelRequirement(parts[0], test, values))
            }
        }
        return term
    }

    private func tolerations() throws -> [Toleration] {
        all("tolerates").map { text in
            if text == "*" { return Toleration(operator: .exists) }
            let parts = Self.parts(text)
            let effect = parts.count > 2 ? Taint.Effect(rawValue: parts[2]) : nil
            return parts[1] == "*"
                ? Toleration(key: parts[0], operator: .exists, effect: effect)
                : Toleration(key: parts[0], value: parts[1], effect: effect)
        }
    }

    private func ports() throws -> [HostPort] {
        try all("ports").flatMap { $0.split(separator: ",") }.map { text in
            let parts = text.split(separator: "/").map(String.init)
            let port = try required(Int32(parts.last ?? ""))
            switch parts.count {
            case 1: return HostPort(port: port)
            case 2: return HostPort(networkProtocol: parts[0].uppercased(), port: port)
            default:
                let (address, networkProtocol) = (parts[0], parts[1].uppercased())
                return HostPort(address: address, networkProtocol: networkProtocol, port: port)
            }
        }
    }
}
