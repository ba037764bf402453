public import CSchedulerABI

/// A question of the host: one class of pods over all nodes.
///
/// The arrays behind it are the host's, good until the call ends, and as long as the interface
/// promises; only indices from ``nodes`` are to be used with it.
@safe public struct Question {
    private let all: martlet_nodes
    private let pod: martlet_pod
    private let stride: Int

    public init(_ nodes: UnsafePointer<martlet_nodes>, _ pod: UnsafePointer<martlet_pod>) {
        unsafe all = nodes.pointee
        unsafe self.pod = pod.pointee
        unsafe stride = Int(all.node_stride)
    }

    /// Places for nodes; only those that are feasible count.
    @inline(__always)
    public var nodes: Range<Int> { unsafe 0..<Int(all.node_count) }

    @inline(__always)
    public func isFeasible(_ node: Int) -> Bool { unsafe pod.feasible[node] != 0 }

    public enum Resource: Int {
        case cpu = 0
        case memory = 1
    }

    @inline(__always)
    public func allocatable(_ resource: Resource, _ node: Int) -> Int64 {
        unsafe all.allocatable[resource.rawValue * stride + node]
    }

    /// What the node's pods have asked for.
    @inline(__always)
    public func requested(_ resource: Resource, _ node: Int) -> Int64 {
        unsafe all.requested[resource.rawValue * stride + node]
    }

    /// What the pod asks for.
    @inline(__always)
    public func request(_ resource: Resource) -> Int64 {
        unsafe pod.requests[resource.rawValue]
    }

    /// What the node's pods and this pod have asked for together, where a container that asks for
    /// nothing counts as asking for something.
    @inline(__always)
    public func scoringTotal(_ resource: Resource, _ node: Int) -> Int64 {
        unsafe all.scoring_requested[resource.rawValue * stride + node]
            &+ pod.scoring_requests[resource.rawValue]
    }

    /// Number of pods on the node.
    @inline(__always)
    public func podCount(_ node: Int) -> Int64 {
        unsafe all.requested[Int(MARTLET_RESOURCE_PODS) * stride + node]
    }

    @inline(__always)
    public var prefersNodes: Bool { unsafe pod.preferred_affinity != nil }

    /// Sum of the weights of the preferred node affinity terms that the node matches.
    @inline(__always)
    public func preference(_ node: Int) -> Int64 {
        unsafe pod.preferred_affinity.map { unsafe Int64($0[node]) } ?? 0
    }

    @inline(__always)
    public var avoidsTaints: Bool { unsafe pod.avoided_taints != nil }

    /// Taints of the node that ask the pod to stay away.
    @inline(__always)
    public func avoidedTaints(_ node: Int) -> Int64 {
        unsafe pod.avoided_taints.map { unsafe Int64($0[node]) } ?? 0
    }

    @inline(__always)
    public var hasOwner: Bool { unsafe pod.owner_pods != nil }

    /// Pods on the node with the same controller.
    @inline(__always)
    public func ownerPods(_ node: Int) -> Int64 {
        unsafe pod.owner_pods.map { unsafe Int64($0[node]) } ?? 0
    }

    @inline(__always)
    public var hasGroup: Bool { unsafe pod.group_pods != nil }

    /// Pods on the node with the same services and controllers.
    @inline(__always)
    public func groupPods(_ node: Int) -> Int64 {
        unsafe pod.group_pods.map { unsafe Int64($0[node]) } ?? 0
    }

    /// What was noted about each node of this class with the last answer.
    @unsafe @inline(__always)
    var notes: UnsafeMutablePointer<Int32> {
        // Never NULL, says the interface.
        unsafe pod.notes.unsafelyUnwrapped
    }

    /// Number of wishes to keep pods of a kind apart.
    @inline(__always)
    public var spreadCount: Int { unsafe Int(pod.spread_count) }

    /// The wish at `index`.
    @inline(__always)
    public func spread(_ index: Int) -> Spread {
        // As many pointers as spread_count says, none of them NULL.
        unsafe Spread(pod.spreads[index].unsafelyUnwrapped.pointee)
    }

    /// One wish to keep pods of a kind apart over the domains of a topology.
    @safe public struct Spread {
        private let spread: martlet_spread

        fileprivate init(_ spread: martlet_spread) { unsafe self.spread = spread }

        @inline(__always)
        public var podWeight: Double { unsafe spread.pod_weight }
        @inline(__always)
        public var skewMax: Int32 { unsafe spread.skew_max }

        /// Whether every node is a domain of its own.
        @inline(__always)
        public var isByNode: Bool { unsafe spread.domain_of_node == nil }

        /// Pods of the kind in the node's domain; nil if the node is in none.
        @inline(__always)
        public func pods(around node: Int) -> Int32? {
            guard let domains = unsafe spread.domain_of_node else {
                return unsafe spread.pods_in_domain[node]
            }
            let domain = unsafe Int(domains[node])
            return domain < 0 ? nil : unsafe spread.pods_in_domain[domain]
        }
    }
}
