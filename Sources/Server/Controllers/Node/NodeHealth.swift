import APIClient
import Kubernetes
import Wire

/// When a node was last heard of, by the clock of the one who listens.
struct NodeHealth: Hashable, Sendable {
    /// What the node's clock said in its last signs of life. It may be set back: that they change
    /// counts, not what they say.
    private var lastSigns: [Timestamp?] = []
    /// When the last of those changed, by this machine's uptime: the time of day may be set as well.
    private(set) var heardAt: Duration

    /// A node that is seen for the first time has all its time ahead.
    init(uptime: Duration) { heardAt = uptime }

    /// Takes note of the signs of life that a node has left.
    mutating func listen(_ node: CoreV1.Node, _ lease: CoordinationV1.Lease?, uptime: Duration) {
        let signs = [node.condition("Ready")?.lastHeartbeatTime, lease?.spec.renewTime]
        guard signs != lastSigns, signs.contains(where: { $0 != nil }) else { return }
        lastSigns = signs
        heardAt = uptime
    }

    /// How long the node may still be silent.
    func patience(_ grace: Duration, uptime: Duration) -> Duration { heardAt + grace - uptime }
}

extension CoreV1.Node {
    func condition(_ type: String) -> CoreV1.NodeCondition? {
        status.conditions.first { $0.type == type }
    }
}
