/// What a node is to a class of pods: feasible, or which filter turned it down first.
///
/// The order is that in which Kubernetes asks its filters.
enum Verdict: UInt8 {
    case feasible = 0
    /// The pod's affinity names nodes, and this is none of them; asked before all filters.
    case notNamed
    case unschedulable
    case otherNodeName
    case taint
    case affinity
    case ports
    case resources
    /// There is no node in this place.
    case absent

    /// What a person reads. Resources have reasons of their own.
    var reason: String {
        switch self {
        case .feasible, .absent, .resources: ""
        case .notNamed: "node(s) didn't satisfy plugin(s) [NodeAffinity]"
        case .unschedulable: "node(s) were unschedulable"
        case .otherNodeName: "node(s) didn't match the requested node name"
        case .taint: "node(s) had untolerated taint(s)"
        case .affinity: "node(s) didn't match Pod's node affinity/selector"
        case .ports: "node(s) didn't have free ports for the requested pod ports"
        }
    }
}

extension NodeDemand {
    /// Judges a node by what its description says, pods left aside.
    ///
    /// - Parameter names: what ``nodeNames`` is for this demand.
    func verdict(on node: NodeDescription, names: Set<String>?) -> Verdict {
        if let names, !names.contains(node.name) { return .notNamed }
        if node.isUnschedulable, !tolerates(.unschedulable) { return .unschedulable }
        if let nodeName, nodeName != node.name { return .otherNodeName }
        for taint in node.taints where taint.effect != .preferNoSchedule && !tolerates(taint) {
            return .taint
        }
        return matchesAffinity(of: node) ? .feasible : .affinity
    }

    func tolerates(_ taint: Taint) -> Bool { tolerations.contains { $0.tolerates(taint) } }

    func matchesAffinity(of node: NodeDescription) -> Bool {
        for label in nodeSelector.sorted where node.labels[label.key] != label.value {
            return false
        }
        return required?.contains { $0.matches(node) } ?? true
    }

    /// Sum of the weights of the preferred terms the node matches.
    func preference(for node: NodeDescription) -> Int32 {
        preferred.reduce(0) { $1.term.matches(node) ? $0 &+ $1.weight : $0 }
    }

    /// Number of taints that ask the pod to stay away and that it does not tolerate.
    func reluctance(towards node: NodeDescription) -> Int32 {
        Int32(clamping: node.taints.count { $0.effect == .preferNoSchedule && !tolerates($0) })
    }

    /// The only nodes that can match at all because every required term names nodes; nil if some
    /// term does not. Empty if the terms contradict themselves.
    var nodeNames: Set<String>? {
        guard let required, !required.isEmpty else { return nil }
        var names: Set<String> = []
        for term in required {
            guard let named = term.nodeNames else { return nil }
            names.formUnion(named)
        }
        return names
    }
}
