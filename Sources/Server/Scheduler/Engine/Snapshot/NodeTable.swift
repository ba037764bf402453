/// All nodes as arrays: for each resource a row with one element a node.
///
/// A node keeps its place as long as it is there; a place that became free is used again.
struct NodeTable: ~Copyable {
    /// What belongs to one node and is no number to be scored.
    struct Place {
        var description: NodeDescription
        /// Pods bound to it or about to be, in no order.
        var pods: [PodEntry] = []
        /// Ports of the node that its pods have taken; a port twice if two pods claim it.
        var ports: [HostPort] = []

        fileprivate mutating func take(_ pod: PodEntry) -> Bool {
            guard let index = pods.firstIndex(where: { $0 === pod }) else { return false }
            pods.swapAt(index, pods.count - 1)
            pods.removeLast()
            for port in pod.description.hostPorts {
                if let index = ports.firstIndex(of: port) { ports.remove(at: index) }
            }
            return true
        }
    }

    static let cpuRow = 0
    static let memoryRow = 1
    static let ephemeralStorageRow = 2
    static let podsRow = 3
    /// Extended resources that nodes offer beyond this number are not offered.
    static let extendedResourcesMax = 128

    /// Nodes in zones beyond this number count as being in none.
    static let zonesMax = 4096

    private(set) var places: [Place?] = []
    private(set) var placeByName: [String: Int] = [:]
    private var freePlaces: [Int] = []
    /// Places there is room for; a multiple of 64.
    private(set) var stride = 64
    /// Goes up whenever arrays over nodes or rows have a new shape.
    private(set) var shape = 0

    private(set) var resourceNames = ["cpu", "memory", "ephemeral-storage", "pods"]
    private var rowByName: [String: Int] = [:]
    /// [row * stride + node]
    private(set) var allocatable = Column<Int64>(count: 64 * 4)
    private(set) var requested = Column<Int64>(count: 64 * 4)
    /// Rows cpu and memory only.
    private(set) var scoringRequested = Column<Int64>(count: 64 * 2)
    private(set) var zoneOfNode = Column<Int32>(count: 64)
    private var zoneByName: [String: Int32] = [:]

    /// Every change of a node: its description, or what its pods take of it.
    private(set) var changes = ChangeLog()
    /// Changes of descriptions only.
    private(set) var descriptionChanges = ChangeLog()
    /// Nodes that since the last look may have become fit for a pod they were not fit for.
    private(set) var improved: [Int] = []
    private var isImproved = Column<UInt8>(count: 64)
    /// Nodes with a taint that makes pods prefer others; if there are none, nobody need count.
    private(set) var nodesToAvoid = 0

    var nodeCount: Int { placeByName.count }
    var placeCount: Int { places.count }
    var zoneCount: Int { zoneByName.count }
    var rowCount: Int { resourceNames.count }

    /// The row of an extended resource, or nil if no node offers it.
    func row(of extended: String) -> Int? { rowByName[extended] }

    @inline(__always)
    func free(_ row: Int, _ node: Int) -> Int64 {
        let (free, overflow) = allocatable[row * stride + node]
            .subtractingReportingOverflow(requested[row * stride + node])
        return overflow ? .min : free
    }
}

// MARK: - Nodes come, change and go

extension NodeTable {
    /// Adds a node or replaces what is known of it. - Returns: its place.
    mutating func upsert(_ description: NodeDescription) -> Int {
        let node: Int
        if let known = placeByName[description.name], let place = places[known] {
            if place.description == description { return known }
            if place.description.isToBeAvoided { nodesToAvoid -= 1 }
            places[known]?.description = description
            node = known
        } else {
            node = occupyPlace(description)
        }
        if description.isToBeAvoided { nodesToAvoid += 1 }
        write(description.allocatable, at: node)
        zoneOfNode[node] = description.zone.map { zone(named: $0) } ?? -1
        descriptionChanges.append(node)
        touch(node, improves: true)
        return node
    }

    /// Forgets a node. - Returns: the pods that were on it.
    mutating func remove(_ name: String) -> [PodEntry] {
        guard let node = placeByName.removeValue(forKey: name), let place = places[node] else {
            return []
        }
        if place.description.isToBeAvoided { nodesToAvoid -= 1 }
        places[node] = nil
        freePlaces.append(node)
        for row in 0..<rowCount {
            allocatable[row * stride + node] = 0
            requested[row * stride + node] = 0
        }
        for row in 0..<2 { scoringRequested[row * stride + node] = 0 }
        zoneOfNode[node] = -1
        descriptionChanges.append(node)
        touch(node, improves: false)
        return place.pods
    }

    private mutating func occupyPlace(_ description: NodeDescription) -> Int {
        let node: Int
        if let free = freePlaces.popLast() {
            node = free
            places[node] = Place(description: description)
        } else {
            node = places.count
            places.append(Place(description: description))
            if places.count > stride { reshape(stride: stride * 2, rows: rowCount) }
        }
        placeByName[description.name] = node
        return node
    }

    private mutating func write(_ amounts: ResourceAmounts, at node: Int) {
        for resource in amounts.extended where rowByName[resource.name] == nil {
            guard rowByName.count < Self.extendedResourcesMax else { continue }
            reshape(stride: stride, rows: rowCount + 1)
            rowByName[resource.name] = rowCount
            resourceNames.append(resource.name)
            recountExtended(resource.name)
        }
        allocatable[Self.cpuRow * stride + node] = amounts.milliCPU
        allocatable[Self.memoryRow * stride + node] = amounts.memoryBytes
        allocatable[Self.ephemeralStorageRow * stride + node] = amounts.ephemeralStorageBytes
        allocatable[Self.podsRow * stride + node] = amounts.pods
        for (name, row) in rowByName { allocatable[row * stride + node] = amounts[name] }
    }

    /// Pods may have asked for a resource before the first node offered it.
    private mutating func recountExtended(_ name: String) {
        guard let row = rowByName[name] else { return }
        for (node, place) in places.enumerated() {
            for pod in place?.pods ?? [] {
                let amount = pod.description.requests.exact[name]
                requested[row * stride + node] &+= amount
            }
        }
    }

    private mutating func zone(named name: String) -> Int32 {
        if let known = zoneByName[name] { return known }
        if zoneByName.count == Self.zonesMax { renumberZones() }
        guard zoneByName.count < Self.zonesMax else { return -1 }
        let zone = Int32(zoneByName.count)
        zoneByName[name] = zone
        return zone
    }

    /// Forgets the zones that no node is in any more.
    private mutating func renumberZones() {
        zoneByName.removeAll()
        for (node, place) in places.enumerated() {
            guard let name = place?.description.zone else { continue }
            let zone = zoneByName[name] ?? Int32(zoneByName.count)
            zoneByName[name] = zone
            zoneOfNode[node] = zone
        }
        shape += 1
    }

    private mutating func reshape(stride newStride: Int, rows: Int) {
        func moved(_ old: Column<Int64>, rows oldRows: Int, to newRows: Int) -> Column<Int64> {
            let new = Column<Int64>(count: newStride * newRows)
            for row in 0..<oldRows {
                for node in 0..<stride { new[row * newStride + node] = old[row * stride + node] }
            }
            return new
        }
        allocatable = moved(allocatable, rows: rowCount, to: rows)
        requested = moved(requested, rows: rowCount, to: rows)
        scoringRequested = moved(scoringRequested, rows: 2, to: 2)
        if newStride != stride {
            let (zones, flags) = (Column<Int32>(count: newStride), Column<UInt8>(count: newStride))
            for node in 0..<stride {
                zones[node] = zoneOfNode[node]
                flags[node] = isImproved[node]
            }
            (zoneOfNode, isImproved) = (zones, flags)
        }
        stride = newStride
        shape += 1
    }
}

// MARK: - Pods come and go

extension NodeTable {
    mutating func add(_ pod: PodEntry, to node: Int) {
        places[node]?.pods.append(pod)
        places[node]?.ports.append(contentsOf: pod.description.hostPorts)
        account(pod, on: node, sign: 1)
        touch(node, improves: false)
    }

    mutating func remove(_ pod: PodEntry, from node: Int) {
        precondition(places[node]?.take(pod) == true, "a pod is taken from a node it is not on")
        account(pod, on: node, sign: -1)
        touch(node, improves: true)
    }

    private func account(_ pod: PodEntry, on node: Int, sign: Int64) {
        func count(_ column: Column<Int64>, _ row: Int, _ amount: Int64) {
            // Wraps around and back again, should users ask for more than can be counted.
            column[row * stride + node] &+= sign &* amount
        }
        let requests = pod.description.requests
        count(requested, Self.cpuRow, requests.exact.milliCPU)
        count(requested, Self.memoryRow, requests.exact.memoryBytes)
        count(requested, Self.ephemeralStorageRow, requests.exact.ephemeralStorageBytes)
        count(requested, Self.podsRow, 1)
        for resource in requests.exact.extended {
            if let row = rowByName[resource.name] { count(requested, row, resource.amount) }
        }
        count(scoringRequested, Self.cpuRow, requests.scoringMilliCPU)
        count(scoringRequested, Self.memoryRow, requests.scoringMemoryBytes)
    }

    private mutating func touch(_ node: Int, improves: Bool) {
        changes.append(node)
        guard improves, isImproved[node] == 0 else { return }
        isImproved[node] = 1
        improved.append(node)
    }

    /// Returns the nodes that may have become fit for more, and starts to collect anew.
    mutating func takeImproved() -> [Int] {
        defer { improved.removeAll(keepingCapacity: true) }
        for node in improved { isImproved[node] = 0 }
        return improved
    }
}

extension NodeDescription {
    fileprivate var isToBeAvoided: Bool { taints.contains { $0.effect == .preferNoSchedule } }
}
