/// Whether a pod fits beside the pods that a node already has: ports and resources.
extension NodeTable {
    func verdict(ofPodsOn node: Int, for pod: PodClass) -> Verdict {
        if !pod.key.hostPorts.isEmpty, hasPortConflict(node, pod.key.hostPorts) { return .ports }
        return hasRoom(node, for: pod) ? .feasible : .resources
    }

    private func hasPortConflict(_ node: Int, _ wanted: [HostPort]) -> Bool {
        guard let taken = places[node]?.ports, !taken.isEmpty else { return false }
        return wanted.contains { port in taken.contains { $0.conflicts(with: port) } }
    }

    private func hasRoom(_ node: Int, for pod: PodClass) -> Bool {
        guard free(Self.podsRow, node) >= 1 else { return false }
        let asked = pod.key.requests.exact
        if asked.milliCPU > 0, asked.milliCPU > free(Self.cpuRow, node) { return false }
        if asked.memoryBytes > 0, asked.memoryBytes > free(Self.memoryRow, node) { return false }
        if asked.ephemeralStorageBytes > 0,
            asked.ephemeralStorageBytes > free(Self.ephemeralStorageRow, node) { return false }
        for resource in asked.extended where resource.amount > 0 {
            guard let row = row(of: resource.name), resource.amount <= free(row, node) else {
                return false
            }
        }
        return true
    }

    /// One resource a node has too little of for a pod.
    struct Shortage {
        var reason: String
        /// Even without any other pod there would be too little.
        var isForGood: Bool
    }

    /// All resources the node has too little of, if pods worth `freed` were not there.
    func shortages(_ node: Int, for pod: PodClass, freed: ResourceAmounts) -> [Shortage] {
        var shortages: [Shortage] = []
        if free(Self.podsRow, node).addingSaturating(freed.pods) < 1 {
            shortages.append(Shortage(reason: "Too many pods", isForGood: false))
        }
        func check(_ name: String, _ row: Int?, _ asked: Int64, _ freed: Int64) {
            let (offered, left) = row.map { row in
                (allocatable[row * stride + node], free(row, node).addingSaturating(freed))
            } ?? (0, 0)
            guard asked > 0, asked > left else { return }
            shortages.append(Shortage(reason: "Insufficient \(name)", isForGood: asked > offered))
        }
        let asked = pod.key.requests.exact
        check("cpu", Self.cpuRow, asked.milliCPU, freed.milliCPU)
        check("memory", Self.memoryRow, asked.memoryBytes, freed.memoryBytes)
        check("ephemeral-storage", Self.ephemeralStorageRow, asked.ephemeralStorageBytes,
              freed.ephemeralStorageBytes)
        for resource in asked.extended {
            check(resource.name, row(of: resource.name), resource.amount, freed[resource.name])
        }
        return shortages
    }
}
