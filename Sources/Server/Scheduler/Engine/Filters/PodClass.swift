/// Everything about a pod that makes a difference to where it may and should run.
struct PodClassKey: Hashable {
    var demand: NodeDemand
    var requests: PodRequests
    var hostPorts: [HostPort]
    var priority: Int32
    var mayPreempt: Bool
    /// Only where pods of the same namespace are counted, otherwise empty.
    var namespace: String
    var owner: String?
    var group: LabelSelector?

    init(_ pod: PodDescription) {
        demand = pod.demand
        requests = pod.requests
        hostPorts = pod.hostPorts
        priority = pod.priority
        mayPreempt = pod.mayPreempt
        namespace = pod.owner == nil && pod.group == nil ? "" : pod.name.namespace
        owner = pod.owner
        group = pod.group
    }
}

/// Pods that are alike to the scheduler: judged and scored once for all of them.
final class PodClass {
    let key: PodClassKey
    /// What ``NodeDemand/nodeNames`` is, worked out once.
    let nodeNames: Set<String>?
    /// Pods of this class that the engine knows.
    var users = 0
    /// Those of them that fit nowhere at present, in no order.
    var waiting: [PodEntry] = []
    /// Its place among the classes that have waiting pods.
    var waitingPosition = -1
    /// Labels of the pod that came last: pods that are alike often have the same.
    private var labels = Labels([:])
    /// What was found out about the nodes, while it is kept.
    var cache: ClassCache?

    init(_ key: PodClassKey) {
        self.key = key
        nodeNames = key.demand.nodeNames
    }

    /// The description of a pod of this class, with what the class has in place of its own equal
    /// copies.
    func sharing(_ pod: PodDescription) -> PodDescription {
        if labels != pod.labels { labels = pod.labels }
        var pod = pod
        pod.labels = labels
        pod.demand = key.demand
        pod.requests = key.requests
        pod.hostPorts = key.hostPorts
        pod.owner = key.owner
        pod.group = key.group
        return pod
    }
}

/// One pod, and where it stands.
final class PodEntry {
    enum Standing {
        /// Not ours: another scheduler's, or about to go.
        case ignored
        case gated
        /// To be tried next.
        case active
        /// To be tried after a pause.
        case backingOff
        /// Fits nowhere; to be tried when something changes.
        case unschedulable
        /// Decided, not yet seen to be bound; holds its share of the node.
        case assumed(node: Int)
        case bound(node: Int)
        /// Bound to a node that is not known.
        case elsewhere
    }

    private(set) var description: PodDescription
    private(set) var podClass: PodClass
    var standing = Standing.ignored
    /// Number of times it was tried in vain or is being tried.
    var attempts = 0
    var lastAttemptAt = Duration.zero
    var queuedAt = Duration.zero
    /// Tells pods apart that are alike in all else: when the engine first heard of it.
    let number: UInt64
    /// Its index in the heap it is in; for ``EntryHeap`` only.
    var heapIndex = -1
    /// The node it is on, while it stands ``Standing/elsewhere``.
    var strayNode = ""
    /// Its index in ``PodClass/waiting``.
    var waitingIndex = -1

    init(_ description: PodDescription, _ podClass: PodClass, number: UInt64) {
        self.description = podClass.sharing(description)
        self.podClass = podClass
        self.number = number
    }

    /// Replaces what is known of the pod.
    func become(_ description: PodDescription, _ podClass: PodClass) {
        self.description = podClass.sharing(description)
        self.podClass = podClass
    }

    /// The pod is seen to be bound.
    func bind(to nodeName: String?) { description.nodeName = nodeName }

    var node: Int? {
        switch standing {
        case .assumed(let node), .bound(let node): node
        default: nil
        }
    }

    /// In the queue, gated or not.
    var isWaiting: Bool {
        switch standing {
        case .gated, .active, .backingOff, .unschedulable: true
        case .ignored, .assumed, .bound, .elsewhere: false
        }
    }
}

extension PodDescription {
    /// Whether another description of the pod makes no difference, its node left aside.
    func isSame(as other: PodDescription) -> Bool {
        isTerminating == other.isTerminating && isGated == other.isGated
            && schedulerName == other.schedulerName && labels == other.labels
            && PodClassKey(self) == PodClassKey(other)
    }
}
