// Prints what the engine alone can do on one core:
// `scheduler-bench [PLUGIN-DIRECTORY [STRATEGY[=JSON]...]]`; `built-in` is a strategy, too.

internal import Glibc
import SchedulerEngine
import StrategyHost

let directory = CommandLine.arguments.dropFirst().first ?? ".build/release"
let chosen = CommandLine.arguments.count > 2
    ? Array(CommandLine.arguments[2...]) : ["built-in", "spread", "bin-packing", "affinity"]
let start = ContinuousClock.now
let host = PluginHost(clock: { ContinuousClock.now - start }, wallSeconds: { Int64(time(nil)) })
let loader = PluginLoader(directory: directory)

print("pods/s, all nodes scored, one core   same class   in one group   all distinct")
for strategy in chosen {
    host.activate(try load(strategy))
    for nodes in [500, 1000, 5000] {
        let rates = Shape.allCases.map { shape in
            var cluster = Cluster(nodes: nodes, host: host)
            return rate(of: cluster.schedule(10_000, shape))
        }
        let columns = rates.map { padded($0, 12) }.joined(separator: "  ")
        print("\(padded(strategy, -12)) \(padded("\(nodes)", 6)) nodes \(columns)")
    }
}
print("strategy out of service at decision: \(host.failure?.reason ?? "never")")

let pauses = try exchangePauses(count: 1000)
print("exchange of strategies: median \(pauses[500]), 99 % \(pauses[990]), longest \(pauses[999])")

for strategy in chosen where strategy != PluginHost.builtInID {
    host.activate(try load(strategy))
    for seed in 1...6 as ClosedRange<UInt64> {
        var cluster = Cluster(nodes: 400, host: host)
        let (used, bound, churned) = cluster.packing(seed: seed)
        let ratios = "\(ratio(used, bound)) placed, \(ratio(churned.used, churned.bound)) churned"
        print("\(strategy) packing, seed \(seed): \(ratios) (nodes used / volumetric bound)")
    }
}

@MainActor func load(_ strategy: String) throws -> LoadedStrategy? {
    let parts = strategy.split(separator: "=", maxSplits: 1).map(String.init)
    return parts[0] == PluginHost.builtInID
        ? nil : try loader.load(parts[0], config: parts.count > 1 ? Array(parts[1].utf8) : nil)
}

func ratio(_ used: Int, _ bound: Double) -> String {
    let percent = Int(Double(used) * 1000 / bound)
    return "\(percent / 1000).\(String(percent % 1000 + 1000).dropFirst())"
}

func rate(of duration: Duration) -> String {
    let seconds = duration / .seconds(1)
    return "\(Int(10_000 / seconds))"
}

/// Right-aligned in `width` columns, or left-aligned if it is negative.
func padded(_ text: String, _ width: Int) -> String {
    let spaces = String(repeating: " ", count: max(0, abs(width) - text.count))
    return width < 0 ? text + spaces : spaces + text
}

/// How long it takes to put another strategy in place and take the first decision with it.
@MainActor func exchangePauses(count: Int) throws -> [Duration] {
    let strategies = [try loader.load("spread"), try loader.load("bin-packing")]
    var cluster = Cluster(nodes: 1000, host: host)
    _ = cluster.schedule(1000, .oneGroup)
    var pauses: [Duration] = []
    for number in 0..<count {
        cluster.add(number + 2000, .oneGroup)
        let start = ContinuousClock.now
        host.activate(strategies[number % 2])
        cluster.decideOne()
        pauses.append(ContinuousClock.now - start)
    }
    return pauses.sorted()
}
