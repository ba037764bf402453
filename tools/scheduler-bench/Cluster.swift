import SchedulerEngine
import StrategyHost

/// How the pods of a run differ.
enum Shape: CaseIterable {
    case sameClass
    case oneGroup
    case allDistinct
}

/// An engine with nodes of 32 cores, 128 GiB and room for 110 pods in three zones.
struct Cluster: ~Copyable {
    private var engine: SchedulerEngine
    private let cores: Int64 = 32
    private let gibibytes: Int64 = 128

    init(nodes: Int, host: PluginHost) {
        engine = SchedulerEngine(strategy: host)
        for number in 0..<nodes {
            engine.upsert(NodeDescription(
                name: "node-\(number)",
                labels: [NodeDescription.hostnameLabel: "node-\(number)",
                         NodeDescription.zoneLabel: "zone-\(number % 3)"],
                allocatable: ResourceAmounts(milliCPU: cores * 1000, memoryBytes: gibibytes << 30,
                                             pods: 110)))
        }
    }

    mutating func add(_ number: Int, _ shape: Shape) {
        let extra = shape == .allDistinct ? Int64(number) : 0
        let amounts = ResourceAmounts(milliCPU: 100, memoryBytes: (200 << 20) + extra)
        let isGrouped = shape == .oneGroup
        engine.upsert(PodDescription(
            name: PodName("default", "pod-\(number)"), uid: "\(number)",
            labels: ["app": "web", "pod-template-hash": "6799fc88d8"],
            requests: PodRequests(containers: [ContainerRequests(amounts)]),
            owner: isGrouped ? "owner" : nil,
            group: isGrouped ? LabelSelector(matching: ["pod-template-hash": "6799fc88d8"]) : nil),
            now: .zero)
    }

    mutating func decideOne() { _ = engine.next(now: .zero) }

    /// How much processor time the decisions about `count` pods take, adding them left aside.
    mutating func schedule(_ count: Int, _ shape: Shape) -> Duration {
        for number in 0..<count { add(number, shape) }
        let start = processorTime()
        var placed = 0
        while case .bind = engine.next(now: .zero) { placed += 1 }
        let duration = processorTime() - start
        precondition(placed == count, "a pod found no place")
        return duration
    }

    /// Places services of mixed sizes, then replaces a tenth of them ten times.
    ///
    /// - Returns: nodes used and the number that the sums of requests need at least, before and
    ///   after the replacements.
    mutating func packing(
        seed: UInt64
    ) -> (used: Int, bound: Double, churned: (used: Int, bound: Double)) {
        var random = Random(state: seed)
        var services: [Service] = []
        for number in 0..<120 { services.append(Service(number, &random)) }
        for service in services { place(service) }
        let first = (usedNodes(), bound(services))
        for round in 0..<10 {
            for index in services.indices where index % 10 == round {
                for replica in 0..<services[index].replicas {
                    engine.remove(pod: services[index].pod(replica).name)
                }
                services[index] = Service(1000 * (round + 1) + index, &random)
                place(services[index])
            }
        }
        return (first.0, first.1, (usedNodes(), bound(services)))
    }

    private mutating func place(_ service: Service) {
        for replica in 0..<service.replicas {
            engine.upsert(service.pod(replica), now: .zero)
            guard case .bind = engine.next(now: .zero) else { fatalError("a pod found no place") }
        }
    }

    private func usedNodes() -> Int { engine.nodesInUse }

    private func bound(_ services: [Service]) -> Double {
        let cpu = services.reduce(0) { $0 + $1.milliCPU * Int64($1.replicas) }
        let memory = services.reduce(0) { $0 + $1.memoryBytes * Int64($1.replicas) }
        return max(Double(cpu) / Double(cores * 1000), Double(memory) / Double(gibibytes << 30))
    }
}

/// A service of up to 20 replicas of 0.25 to 8 cores with 1 to 8 GiB a core.
struct Service {
    let number: Int
    let replicas: Int
    let milliCPU: Int64
    let memoryBytes: Int64

    init(_ number: Int, _ random: inout Random) {
        self.number = number
        replicas = 1 + Int(random.next() % 20)
        let cores = [250, 500, 1000, 1500, 2000, 4000, 8000] as [Int64]
        milliCPU = cores[Int(random.next() % 7)]
        memoryBytes = milliCPU * Int64(1 + random.next() % 8) * (1 << 30) / 1000
    }

    func pod(_ replica: Int) -> PodDescription {
        let amounts = ResourceAmounts(milliCPU: milliCPU, memoryBytes: memoryBytes)
        return PodDescription(
            name: PodName("default", "service-\(number)-\(replica)"), uid: "\(number)-\(replica)",
            labels: ["app": "\(number)"],
            requests: PodRequests(containers: [ContainerRequests(amounts)]), owner: "\(number)",
            group: LabelSelector(matching: ["app": "\(number)"]))
    }
}

struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
