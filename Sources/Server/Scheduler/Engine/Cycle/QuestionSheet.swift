internal import CSchedulerABI

/// Puts questions to a strategy together, in memory that is kept from one to the next.
///
/// Only this file fills in the C structs of the strategy interface.
struct QuestionSheet {
    private let structs = QuestionStructs()
    private var names = ResourceNames([])
    private var namesShape = -1
    private var requests = Column<Int64>(count: NodeTable.podsRow + 1)
    private let scoringRequests = Column<Int64>(count: 2)
    private var podsInZone = Column<Int32>(count: 0)
    private var isZoneFeasible = Column<UInt8>(count: 0)
    /// Whose memory the question names.
    private var owner: PodCounter?
    private var group: PodCounter?

    /// Asks about a class of pods whose cache is up to date.
    ///
    /// - Returns: a question that is good until the next one is put together, or the table, the
    ///   cache or the counters change.
    mutating func question(_ pod: PodClass, _ cache: ClassCache, _ table: borrowing NodeTable,
                           _ counters: inout PodCounters, reads: UInt64,
                           dirty: [UInt32]?) -> StrategyQuestion {
        prepare(pod, table)
        let (peers, spread) = (reads & MARTLET_READS_PEERS != 0, reads & MARTLET_READS_SPREAD != 0)
        owner = peers ? pod.key.owner.map {
            counters.counter(.init(namespace: pod.key.namespace, kind: .owner($0)), table)
        } : nil
        group = peers || spread ? pod.key.group.map {
            counters.counter(.init(namespace: pod.key.namespace, kind: .group($0)), table)
        } : nil
        unsafe structs.nodes.pointee = nodes(table)
        unsafe structs.pod.pointee = self.pod(pod, cache, reads)
        if peers {
            unsafe structs.pod.pointee.owner_pods = owner.map { unsafe $0.onNode.base }
            unsafe structs.pod.pointee.group_pods = group.map { unsafe $0.onNode.base }
        }
        if spread, let group {
            unsafe structs.spreads[0] = spreadOverNodes(group, cache)
            unsafe structs.spreads[1] = spreadOverZones(group, cache, table)
            unsafe structs.pod.pointee.spreads = UnsafePointer(structs.spreadPointers)
            unsafe structs.pod.pointee.spread_count = 2
        }
        return unsafe StrategyQuestion(
            nodes: UnsafePointer(structs.nodes), pod: UnsafePointer(structs.pod),
            nodeCount: table.placeCount, scores: cache.scores.mutableBase, dirty: dirty)
    }

    private mutating func prepare(_ pod: PodClass, _ table: borrowing NodeTable) {
        if namesShape != table.shape {
            names = ResourceNames(table.resourceNames)
            namesShape = table.shape
        }
        if requests.count != table.rowCount { requests = Column(count: table.rowCount) }
        requests.fill(with: 0)
        let exact = pod.key.requests.exact
        requests[NodeTable.cpuRow] = exact.milliCPU
        requests[NodeTable.memoryRow] = exact.memoryBytes
        requests[NodeTable.ephemeralStorageRow] = exact.ephemeralStorageBytes
        requests[NodeTable.podsRow] = 1
        for resource in exact.extended {
            if let row = table.row(of: resource.name) { requests[row] = resource.amount }
        }
        scoringRequests[NodeTable.cpuRow] = pod.key.requests.scoringMilliCPU
        scoringRequests[NodeTable.memoryRow] = pod.key.requests.scoringMemoryBytes
    }

    private func nodes(_ table: borrowing NodeTable) -> martlet_nodes {
        unsafe martlet_nodes(
            size: UInt32(MemoryLayout<martlet_nodes>.size), node_count: UInt32(table.placeCount),
            node_stride: UInt32(table.stride), resource_count: UInt32(table.rowCount),
            resource_names: names.base, allocatable: table.allocatable.base,
            requested: table.requested.base, scoring_requested: table.scoringRequested.base,
            zone_of_node: table.zoneOfNode.base, zone_count: UInt32(table.zoneCount), reserved: 0)
    }

    private func pod(_ pod: PodClass, _ cache: ClassCache, _ reads: UInt64) -> martlet_pod {
        let preferences = reads & MARTLET_READS_PREFERRED_AFFINITY == 0
            ? nil : cache.demand?.preferences
        let reluctances = reads & MARTLET_READS_TAINTS == 0 ? nil : cache.demand?.reluctances
        return unsafe martlet_pod(
            size: UInt32(MemoryLayout<martlet_pod>.size), priority: pod.key.priority,
            requests: requests.base, scoring_requests: scoringRequests.base,
            feasible: cache.feasible.base, feasible_count: UInt32(cache.feasibleCount),
            spread_count: 0, spreads: nil, preferred_affinity: preferences.map { unsafe $0.base },
            avoided_taints: reluctances.map { unsafe $0.base }, owner_pods: nil, group_pods: nil,
            notes: cache.notes.mutableBase)
    }

    /// Kubernetes' default for groups: over hosts with a skew of 3.
    private func spreadOverNodes(_ group: PodCounter, _ cache: ClassCache) -> martlet_spread {
        unsafe martlet_spread(
            size: UInt32(MemoryLayout<martlet_spread>.size), skew_max: 3, domain_count: 0,
            feasible_domain_count: UInt32(cache.feasibleCount),
            pod_weight: NaturalLogarithm.of(cache.feasibleCount + 2), domain_of_node: nil,
            pods_in_domain: group.onNode.base)
    }

    /// And over zones with a skew of 5. Counted are pods on the nodes that match the pod's node
    /// affinity; nodes that are in no zone make one domain together, which only counts as such.
    private mutating func spreadOverZones(_ group: PodCounter, _ cache: ClassCache,
                                          _ table: borrowing NodeTable) -> martlet_spread {
        let zoneCount = table.zoneCount
        if podsInZone.count < zoneCount {
            podsInZone = Column(count: zoneCount)
            isZoneFeasible = Column(count: zoneCount)
        }
        podsInZone.fill(with: 0)
        isZoneFeasible.fill(with: 0)
        var isAnyOutside = false
        let (zones, feasible, pods) = (table.zoneOfNode, cache.feasible, group.onNode)
        let matches = cache.demand?.matchesAffinity
        let count = table.placeCount
        precondition(count <= zones.count && count <= feasible.count && count <= pods.count)
        for node in 0..<count {
            // Within bounds, as checked above; a zone's number is less than zoneCount.
            let (zone, isFeasible) = unsafe (Int(zones.unchecked(node)), feasible.unchecked(node))
            if zone < 0 {
                isAnyOutside = isAnyOutside || isFeasible != 0
                continue
            }
            isZoneFeasible[zone] |= isFeasible
            if matches?[node] ?? 1 != 0 { unsafe podsInZone[zone] &+= pods.unchecked(node) }
        }
        var domains = isAnyOutside ? 1 : 0
        for zone in 0..<zoneCount where isZoneFeasible[zone] != 0 { domains += 1 }
        return unsafe martlet_spread(
            size: UInt32(MemoryLayout<martlet_spread>.size), skew_max: 5,
            domain_count: UInt32(zoneCount), feasible_domain_count: UInt32(domains),
            pod_weight: NaturalLogarithm.of(domains + 2), domain_of_node: table.zoneOfNode.base,
            pods_in_domain: podsInZone.base)
    }
}

/// The C structs of one question. Owns their memory.
@safe private final class QuestionStructs {
    let nodes: UnsafeMutablePointer<martlet_nodes>
    let pod: UnsafeMutablePointer<martlet_pod>
    let spreads: UnsafeMutablePointer<martlet_spread>
    let spreadPointers: UnsafeMutablePointer<UnsafePointer<martlet_spread>?>

    init() {
        unsafe nodes = .allocate(capacity: 1)
        unsafe nodes.initialize(to: martlet_nodes())
        unsafe pod = .allocate(capacity: 1)
        unsafe pod.initialize(to: martlet_pod())
        unsafe spreads = .allocate(capacity: 2)
        unsafe spreads.initialize(repeating: martlet_spread(), count: 2)
        unsafe spreadPointers = .allocate(capacity: 2)
        unsafe spreadPointers.initialize(to: UnsafePointer(spreads))
        unsafe (spreadPointers + 1).initialize(to: UnsafePointer(spreads + 1))
    }

    deinit {
        unsafe nodes.deallocate()
        unsafe pod.deallocate()
        unsafe spreads.deallocate()
        unsafe spreadPointers.deallocate()
    }
}

/// Names of resources as C wants them. Owns the memory.
@safe private final class ResourceNames {
    private let pointers: UnsafeMutablePointer<UnsafePointer<CChar>?>
    private let count: Int

    init(_ names: [String]) {
        count = names.count
        unsafe pointers = .allocate(capacity: max(count, 1))
        for (index, name) in names.enumerated() {
            let bytes = name.utf8CString
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
            for (place, byte) in bytes.enumerated() { unsafe copy[place] = byte }
            unsafe (pointers + index).initialize(to: unsafe UnsafePointer(copy))
        }
    }

    deinit {
        for index in 0..<count { unsafe pointers[index]?.deallocate() }
        unsafe pointers.deallocate()
    }

    @unsafe var base: UnsafePointer<UnsafePointer<CChar>?> { unsafe UnsafePointer(pointers) }
}
