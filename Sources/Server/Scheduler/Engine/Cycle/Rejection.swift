/// Why a pod fits nowhere, in Kubernetes' words.
struct RejectionText {
    static let noNodes = "no nodes available to schedule pods"
    static let termsConflict = "pod affinity terms conflict"
    /// Kubernetes has no such reason: the chosen strategy left no node.
    static let narrowed = "node(s) were turned down by the scheduling strategy"

    private var reasons: [String: Int] = [:]
    private var preemption: [String: Int] = [:]
    private var isPreemptionPossible = false

    /// - Precondition: the cache is up to date and no node in it is feasible.
    static func of(_ pod: PodClass, _ cache: ClassCache, _ table: borrowing NodeTable) -> String {
        if table.nodeCount == 0 { return noNodes }
        var text = RejectionText()
        let isContradiction = pod.nodeNames?.isEmpty ?? false
        for (node, place) in table.places.enumerated() {
            guard let place else { continue }
            text.explain(node, place, pod, cache, table)
        }
        let nodes = "0/\(table.nodeCount) nodes are available:"
        let reasons = isContradiction ? termsConflict : histogram(text.reasons)
        return "\(nodes) \(reasons).\(text.preemptionPart(pod, nodes))"
    }

    private mutating func explain(_ node: Int, _ place: NodeTable.Place, _ pod: PodClass,
                                  _ cache: ClassCache, _ table: borrowing NodeTable) {
        let verdict = Verdict(rawValue: cache.verdicts[node]) ?? .absent
        switch verdict {
        case .feasible:
            reasons[Self.narrowed, default: 0] += 1
            preemption["Preemption is not helpful for scheduling", default: 0] += 1
        case .ports:
            reasons[verdict.reason, default: 0] += 1
            dryRun(node, place, pod, table)
        case .resources:
            let shortages = table.shortages(node, for: pod, freed: ResourceAmounts())
            for shortage in shortages { reasons[shortage.reason, default: 0] += 1 }
            if shortages.contains(where: \.isForGood) {
                preemption["Preemption is not helpful for scheduling", default: 0] += 1
            } else {
                dryRun(node, place, pod, table)
            }
        case .absent: break
        case .notNamed, .unschedulable, .otherNodeName, .taint, .affinity:
            reasons[verdict.reason, default: 0] += 1
            preemption["Preemption is not helpful for scheduling", default: 0] += 1
        }
    }

    /// Whether the pod would fit if all less important pods of the node were gone.
    private mutating func dryRun(_ node: Int, _ place: NodeTable.Place, _ pod: PodClass,
                                 _ table: borrowing NodeTable) {
        var freed = ResourceAmounts()
        var ports: [HostPort] = []
        for other in place.pods {
            guard other.description.priority < pod.key.priority else {
                ports.append(contentsOf: other.description.hostPorts)
                continue
            }
            freed.add(other.description.requests.exact)
            freed.pods += 1
        }
        if freed.pods == 0 {
            preemption["No preemption victims found for incoming pod", default: 0] += 1
        } else if pod.key.hostPorts.contains(where: { port in
            ports.contains { $0.conflicts(with: port) }
        }) {
            preemption[Verdict.ports.reason, default: 0] += 1
        } else {
            let shortages = table.shortages(node, for: pod, freed: freed)
            for shortage in shortages { preemption[shortage.reason, default: 0] += 1 }
            if shortages.isEmpty { isPreemptionPossible = true }
        }
    }

    private func preemptionPart(_ pod: PodClass, _ nodes: String) -> String {
        guard pod.key.mayPreempt else {
            return " preemption: not eligible due to preemptionPolicy=Never."
        }
        return isPreemptionPossible
            ? "" : " preemption: \(nodes) \(Self.histogram(preemption))."
    }

    private static func histogram(_ reasons: [String: Int]) -> String {
        reasons.map { "\($0.value) \($0.key)" }.sorted().joined(separator: ", ")
    }
}
