import SchedulerEngine
import SchedulerScript
import StrategyHost
import Testing

@Suite struct TheHostOfAStrategy {
    private let nodesAndPods = [
        "node a cpu=4 memory=8Gi", "node b cpu=8 memory=16Gi",
        "pod default/one cpu=1", "pod default/two cpu=1", "pod default/three cpu=1", "run",
        "pod default/four cpu=1", "run",
    ]
    /// What the built-in strategy decides.
    private let builtInAnswers = [
        "bind default/one b", "bind default/two b", "bind default/three a", "idle",
        "bind default/four b", "idle",
    ]

    @Test(arguments: [
        ("score", "fails to answer"),
        ("range", "gives scores that are not between 0 and 1000000"),
        ("filter", "fails to answer"),
    ])
    func replacesAStrategyThatFailsThreeTimes(mode: String, complaint: String) throws {
        let host = host(try PluginDirectory("misbehaving").load("misbehaving", config: mode))
        let answers = try Script.play(nodesAndPods, host: host)
        #expect(answers.filter { $0.hasPrefix("bind") }.count == 4)
        #expect(host.active.id == PluginHost.builtInID)
        #expect(host.failure?.reason
            == "strategy misbehaving \(complaint); the built-in strategy has taken over")
        if mode == "score" { #expect(answers == builtInAnswers) }
    }

    @Test func replacesAStrategyThatIsTooSlow() throws {
        let directory = try PluginDirectory("spread")
        let host = host(try directory.load("spread"), step: .seconds(1))
        _ = try Script.play(nodesAndPods, host: host)
        #expect(host.failure?.reason == "strategy spread takes longer than 0.1 seconds to answer; "
            + "the built-in strategy has taken over")
    }

    @Test func keepsAStrategyThatFailedTwice() throws {
        let directory = try PluginDirectory("misbehaving")
        let host = host(try directory.load("misbehaving", config: "score"))
        _ = try Script.play(Array(nodesAndPods.prefix(4)) + ["run"], host: host)
        #expect(host.active.id == "misbehaving")
        #expect(host.failure == nil)
    }

    @Test func letsAStrategyNarrowTheNodes() throws {
        let directory = try PluginDirectory("misbehaving")
        let host = host(try directory.load("misbehaving", config: "narrow"))
        let answers = try Script.play([
            "node a cpu=4", "node b cpu=8", "pod default/one cpu=4", "pod default/two cpu=4", "run",
        ], host: host)
        #expect(answers[0] == "bind default/one a")
        #expect(answers[1] == "reject default/two: 0/2 nodes are available: 1 Insufficient cpu, "
            + "1 node(s) were turned down by the scheduling strategy. preemption: 0/2 nodes are "
            + "available: 1 No preemption victims found for incoming pod, "
            + "1 Preemption is not helpful for scheduling.")
        #expect(host.failure == nil)
    }

    @Test func comparesAShadowWithWhatIsDecided() throws {
        let directory = try PluginDirectory("spread", "bin-packing")
        let host = host(try directory.load("spread"))
        host.observe(with: try directory.load("bin-packing"))
        let nodes = ["node a cpu=4 memory=8Gi", "node b cpu=4 memory=8Gi"]
        let busy = ["pod default/x cpu=1 memory=2Gi node=a"]
        let pods = ["pod default/one cpu=1 memory=2Gi", "run"]
        #expect(try Script.play(nodes + busy + pods, host: host) == ["bind default/one b", "idle"])
        #expect(host.shadow?.id == "bin-packing")
        #expect(host.shadow?.decisions == 1 && host.shadow?.differences == 1)
        host.observe(with: try directory.load("spread"))
        #expect(try Script.play(nodes + busy + pods, host: host) == ["bind default/one b", "idle"])
        #expect(host.shadow?.decisions == 1 && host.shadow?.differences == 0)
    }

    @Test func reportsWhoDecidesAndGoesBackAtOnce() throws {
        let directory = try PluginDirectory("spread", "affinity")
        let host = host()
        #expect(host.active.id == "built-in")
        let spread = try directory.load("spread")
        host.activate(spread)
        #expect(host.active.id == "spread" && host.active.version == "1.0.0")
        #expect(host.active.sha256 == spread.sha256)
        #expect(host.active.sinceSeconds == 1_800_000_000)
        host.activate(try directory.load("affinity"))
        #expect(host.active.id == "affinity")
        #expect(host.goBack())
        #expect(host.active.id == "spread")
    }
}

@Suite struct ExchangingStrategiesUnderLoad {
    /// 3,000 pods come, go and are bound or not while the strategy changes before every decision.
    @Test(arguments: [1] as [UInt64])
    func losesAndDoublesNothing(seed: UInt64) throws {
        let directory = try PluginDirectory("spread", "bin-packing", "affinity")
        let ids = ["spread", "bin-packing", "affinity"]
        let strategies = try ids.map { try directory.load($0) }
        let host = host()
        var world = World(host, seed: seed)
        for number in 0..<3000 {
            world.addPod(number)
            host.activate(number % 4 == 3 ? nil : strategies[number % 4])
            world.decide()
        }
        world.settle()
        #expect(world.bound.count == 3000)
        #expect(world.boundTwice.isEmpty)
        #expect(world.overfull.isEmpty)
        #expect(host.failure == nil)
    }
}

/// A cluster of 60 nodes with room for 60 pods each, where one binding in ten fails.
private struct World: ~Copyable {
    private var engine: SchedulerEngine
    private var random: UInt64
    private var now = Duration.zero
    private(set) var bound: [PodName: String] = [:]
    private(set) var boundTwice: [PodName] = []
    private var podsOnNode: [String: Int] = [:]

    init(_ host: PluginHost, seed: UInt64) {
        engine = SchedulerEngine(.init(seed: seed), strategy: host)
        random = seed
        for number in 0..<60 {
            engine.upsert(NodeDescription(
                name: "node-\(number)", labels: [NodeDescription.zoneLabel: "z\(number % 3)"],
                allocatable: ResourceAmounts(milliCPU: 6000, memoryBytes: 12 << 30, pods: 60)))
        }
    }

    var overfull: [String] { podsOnNode.filter { $0.value > 60 }.map(\.key) }

    mutating func addPod(_ number: Int) {
        engine.upsert(pod(number, node: nil), now: now)
    }

    private func pod(_ number: Int, node: String?) -> PodDescription {
        let workload = "workload-\(number % 20)"
        let amounts = ResourceAmounts(milliCPU: Int64(50 + number % 5 * 10), memoryBytes: 100 << 20)
        return PodDescription(
            name: PodName("default", "pod-\(number)"), uid: "\(number)",
            labels: ["app": workload], nodeName: node,
            requests: PodRequests(containers: [ContainerRequests(amounts)]), owner: workload,
            group: LabelSelector(matching: ["app": workload]))
    }

    private mutating func chance(_ count: UInt64) -> Bool {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (random >> 33) % count == 0
    }

    mutating func decide() {
        while case .bind(let placement) = engine.next(now: now) {
            if chance(10) {
                engine.finishBinding(of: placement, succeeded: false, now: now)
                continue
            }
            if bound.updateValue(placement.node, forKey: placement.pod) != nil {
                boundTwice.append(placement.pod)
            }
            podsOnNode[placement.node, default: 0] += 1
            // Every other binding is seen before the next decision.
            if chance(2), let number = Int(placement.uid) {
                engine.upsert(pod(number, node: placement.node), now: now)
            }
        }
    }

    /// Lets time pass until nobody waits any more.
    mutating func settle() {
        for _ in 0..<1000 where engine.counts.active + engine.counts.backingOff > 0 {
            now += .seconds(1)
            decide()
        }
    }
}
