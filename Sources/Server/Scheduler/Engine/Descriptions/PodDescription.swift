/// Namespace and name of a pod.
public struct PodName: Hashable, Sendable, CustomStringConvertible {
    public var namespace: String
    public var name: String

    public init(_ namespace: String, _ name: String) {
        self.namespace = namespace
        self.name = name
    }

    public var description: String { "\(namespace)/\(name)" }
}

/// A pod's word that it can live with a taint.
public struct Toleration: Hashable, Sendable {
    public enum Operator: String, Hashable, Sendable {
        case equal = "Equal"
        case exists = "Exists"
    }

    /// Empty: any key.
    public var key: String
    public var `operator`: Operator
    public var value: String
    /// nil: any effect.
    public var effect: Taint.Effect?

    public init(key: String = "", operator: Operator = .equal, value: String = "",
                effect: Taint.Effect? = nil) {
        self.key = key
        self.operator = `operator`
        self.value = value
        self.effect = effect
    }

    public func tolerates(_ taint: Taint) -> Bool {
        if let effect, effect != taint.effect { return false }
        if !key.isEmpty, key != taint.key { return false }
        return `operator` == .exists || value == taint.value
    }
}

/// A port of the node that a pod wants for itself.
public struct HostPort: Hashable, Sendable {
    /// Empty or "0.0.0.0": every address of the node.
    public var address: String
    public var networkProtocol: String
    public var port: Int32

    public init(address: String = "", networkProtocol: String = "TCP", port: Int32) {
        self.address = address.isEmpty ? "0.0.0.0" : address
        self.networkProtocol = networkProtocol.isEmpty ? "TCP" : networkProtocol
        self.port = port
    }

    /// Whether two pods that want these ports cannot share a node.
    public func conflicts(with other: HostPort) -> Bool {
        port == other.port && networkProtocol == other.networkProtocol
            && (address == other.address || address == "0.0.0.0" || other.address == "0.0.0.0")
    }
}

/// What a pod asks of a node's name, labels and taints: everything about its place that does not
/// depend on other pods.
public struct NodeDemand: Hashable, Sendable {
    public var nodeSelector: Labels
    /// Required node affinity: one of the terms must match. nil: no such demand.
    public var required: [NodeSelectorTerm]?
    public var preferred: [PreferredTerm]
    public var tolerations: [Toleration]
    /// The only node that will do, by name. A pod that names one in spec.nodeName needs no
    /// scheduling; this is for questions of the form "would it fit there?".
    public var nodeName: String?

    public init(nodeSelector: Labels = [:], required: [NodeSelectorTerm]? = nil,
                preferred: [PreferredTerm] = [], tolerations: [Toleration] = [],
                nodeName: String? = nil) {
        self.nodeSelector = nodeSelector
        self.required = required
        self.preferred = preferred
        self.tolerations = tolerations
        self.nodeName = nodeName
    }
}

/// What the scheduler needs to know of a pod.
public struct PodDescription: Sendable {
    public var name: PodName
    public var uid: String
    public var labels: Labels
    /// spec.nodeName: the node it is bound to, if it is.
    public var nodeName: String?
    public var schedulerName: String
    public var priority: Int32
    /// spec.preemptionPolicy is not Never.
    public var mayPreempt: Bool
    /// metadata.creationTimestamp, seconds since 1970.
    public var createdAtSeconds: Int64
    /// spec.schedulingGates is not empty.
    public var isGated: Bool
    /// metadata.deletionTimestamp is set.
    public var isTerminating: Bool
    /// status.phase is Succeeded or Failed: it uses nothing any more.
    public var isFinished: Bool
    public var demand: NodeDemand
    public var requests: PodRequests
    public var hostPorts: [HostPort]
    /// UID of its controller.
    public var owner: String?
    /// What the pods of its services and its ReplicaSet, ReplicationController or StatefulSet have
    /// in common, by which default spreading keeps them apart. nil: it belongs to none.
    public var group: LabelSelector?

    public init(name: PodName, uid: String, labels: Labels = [:], nodeName: String? = nil,
                schedulerName: String = "default-scheduler", priority: Int32 = 0,
                mayPreempt: Bool = true, createdAtSeconds: Int64 = 0, isGated: Bool = false,
                isTerminating: Bool = false, isFinished: Bool = false,
                demand: NodeDemand = NodeDemand(), requests: PodRequests,
                hostPorts: [HostPort] = [], owner: String? = nil, group: LabelSelector? = nil) {
        self.name = name
        self.uid = uid
        self.labels = labels
        self.nodeName = nodeName
        self.schedulerName = schedulerName
        self.priority = priority
        self.mayPreempt = mayPreempt
        self.createdAtSeconds = createdAtSeconds
        self.isGated = isGated
        self.isTerminating = isTerminating
        self.isFinished = isFinished
        self.demand = demand
        self.requests = requests
        self.hostPorts = hostPorts
        self.owner = owner
        self.group = group
    }
}
