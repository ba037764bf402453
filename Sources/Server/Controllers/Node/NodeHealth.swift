import APIClient
import Kubernetes
import Wire

/// When a node was last heard of, by the clock of the one who listens.
struct NodeHealth: Hashable, Sendable {
    /// What the node's clock said in its last sign of life.
    private var lastSign: Timestamp?
    /// When that sign was seen here.
    private(set) var heardAt: Timestamp

    /// A node that is seen for the first time has all its time ahead.
    init(now: Timestamp) { heardAt = now }

    /// Takes note of the signs of life that a node has left.
    mutating func listen(_ node: CoreV1.Node, _ lease: CoordinationV1.Lease?, now: Timestamp) {
        let signs = [node.condition("Ready")?.lastHeartbeatTime, lease?.spec.renewTime]
        guard let newest = signs.compactMap({ $0 }).max(), newest != lastSign else { return }
        lastSign = newest
        heardAt = now
    }

    /// How long the node may still be silent.
    func patience(_ grace: Duration, now: Timestamp) -> Duration { heardAt + grace - now }
}

extension CoreV1.Node {
    func condition(_ type: String) -> CoreV1.NodeCondition? {
        status.conditions.first { $0.type == type }
    }
}
