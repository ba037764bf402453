/// What one container of a pod asks for.
public struct ContainerRequests: Hashable, Sendable {
    public var amounts: ResourceAmounts
    /// Whether the container names the resource at all; a request of zero is not the same as none.
    public var asksForCPU: Bool
    public var asksForMemory: Bool
    /// An init container that keeps running beside the others (restartPolicy Always).
    public var isSidecar: Bool

    public init(_ amounts: ResourceAmounts, asksForCPU: Bool? = nil, asksForMemory: Bool? = nil,
                isSidecar: Bool = false) {
        self.amounts = amounts
        self.asksForCPU = asksForCPU ?? (amounts.milliCPU != 0)
        self.asksForMemory = asksForMemory ?? (amounts.memoryBytes != 0)
        self.isSidecar = isSidecar
    }
}

/// What a whole pod asks for: exactly, for filters, and as it counts in scores.
public struct PodRequests: Hashable, Sendable {
    /// For filters.
    public var exact: ResourceAmounts
    /// For scores: as `exact`, but a container that asks for no cpu or memory counts as asking for
    /// ``cpuAssumedMilli`` or ``memoryAssumedBytes``.
    public var scoringMilliCPU: Int64
    public var scoringMemoryBytes: Int64

    public static let cpuAssumedMilli: Int64 = 100
    public static let memoryAssumedBytes: Int64 = 200 << 20

    public init(exact: ResourceAmounts, scoringMilliCPU: Int64? = nil,
                scoringMemoryBytes: Int64? = nil) {
        self.exact = exact
        self.scoringMilliCPU = scoringMilliCPU ?? exact.milliCPU
        self.scoringMemoryBytes = scoringMemoryBytes ?? exact.memoryBytes
    }

    /// Sums up a pod as Kubernetes does: containers and sidecars together, but at least what any
    /// init container needs beside the sidecars started before it; then what the pod asks for as
    /// a whole, where it does; then the overhead of its runtime class.
    ///
    /// - Parameter podLevel: spec.resources.requests; cpu and memory of it replace the sums.
    public init(containers: [ContainerRequests], initContainers: [ContainerRequests] = [],
                overhead: ResourceAmounts = ResourceAmounts(),
                podLevel: ContainerRequests? = nil) {
        func total(_ amounts: (ContainerRequests) -> ResourceAmounts) -> ResourceAmounts {
            var sum = Self.sum(containers, initContainers, amounts)
            if let podLevel {
                if podLevel.asksForCPU { sum.milliCPU = podLevel.amounts.milliCPU }
                if podLevel.asksForMemory { sum.memoryBytes = podLevel.amounts.memoryBytes }
                for whole in podLevel.amounts.extended { sum[whole.name] = whole.amount }
            }
            sum.add(overhead)
            return sum
        }
        let assumed = total(Self.assumed)
        self.init(exact: total(\.amounts), scoringMilliCPU: assumed.milliCPU,
                  scoringMemoryBytes: assumed.memoryBytes)
    }

    private static func assumed(_ container: ContainerRequests) -> ResourceAmounts {
        var amounts = container.amounts
        if !container.asksForCPU { amounts.milliCPU = cpuAssumedMilli }
        if !container.asksForMemory { amounts.memoryBytes = memoryAssumedBytes }
        return amounts
    }

    private static func sum(_ containers: [ContainerRequests],
                            _ initContainers: [ContainerRequests],
                            _ amounts: (ContainerRequests) -> ResourceAmounts) -> ResourceAmounts {
        var running = ResourceAmounts()
        for container in containers { running.add(amounts(container)) }
        var sidecars = ResourceAmounts()
        var starting = ResourceAmounts()
        for container in initContainers {
            var moment = sidecars
            moment.add(amounts(container))
            if container.isSidecar {
                running.add(amounts(container))
                sidecars = moment
            }
            starting.raise(to: moment)
        }
        running.raise(to: starting)
        return running
    }
}
