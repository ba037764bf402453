/// A mark on a node that keeps pods away unless they tolerate it.
public struct Taint: Hashable, Sendable {
    public enum Effect: String, Hashable, Sendable {
        case noSchedule = "NoSchedule"
        case preferNoSchedule = "PreferNoSchedule"
        case noExecute = "NoExecute"
    }

    public var key: String
    public var value: String
    public var effect: Effect

    public init(_ key: String, _ value: String = "", _ effect: Effect) {
        self.key = key
        self.value = value
        self.effect = effect
    }

    /// The taint that a cordoned node has, or will have in a moment.
    static let unschedulable = Taint("node.kubernetes.io/unschedulable", "", .noSchedule)
}

/// What the scheduler needs to know of a node.
public struct NodeDescription: Hashable, Sendable {
    public var name: String
    public var labels: Labels
    public var taints: [Taint]
    /// spec.unschedulable: cordoned.
    public var isUnschedulable: Bool
    /// status.allocatable.
    public var allocatable: ResourceAmounts

    public init(name: String, labels: Labels = [:], taints: [Taint] = [],
                isUnschedulable: Bool = false, allocatable: ResourceAmounts) {
        self.name = name
        self.labels = labels
        self.taints = taints
        self.isUnschedulable = isUnschedulable
        self.allocatable = allocatable
    }

    public static let hostnameLabel = "kubernetes.io/hostname"
    public static let zoneLabel = "topology.kubernetes.io/zone"

    /// The zone its labels name, if they do.
    public var zone: String? { labels[Self.zoneLabel] }
}
