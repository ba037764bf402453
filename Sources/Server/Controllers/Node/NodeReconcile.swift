import APIClient
import Kubernetes
import Wire

/// A node and its pods as they were observed.
struct ObservedNode: Sendable {
    var node: CoreV1.Node
    var health: NodeHealth
    /// Pods on the node.
    var pods: [CoreV1.Pod]
    var grace: Duration
    var now: Timestamp
    var uptime: Duration

    /// Marks a silent node, taints one that is not well, and has its pods receive no requests.
    func reconcile() -> Decision {
        let patience = health.patience(grace, uptime: uptime)
        var decision = Decision()
        if patience > .zero {
            decision.lookAgain(after: patience)
        } else if let unknown = markedSilent() {
            return Decision(writes: [.updatePart(unknown.tree, "status"), .announce(notReady)])
        }
        var tainted = node
        tainted.spec.taints = wantedTaints()
        if tainted.spec.taints != node.spec.taints { decision.writes.append(.update(tainted.tree)) }
        if let ready = node.condition("Ready"), ready.status != "True" {
            decision.writes += pods.filter(\.isReady).flatMap(markedUnready)
        }
        return decision
    }

    private var notReady: EventNote {
        EventNote(
            .normal, about: CoreV1.ObjectReference(to: node.tree), "NodeNotReady",
            "Node \(node.metadata.name) status is now: NodeNotReady")
    }

    /// The node with nothing known of it; nil if it says so already.
    private func markedSilent() -> CoreV1.Node? {
        var marked = node
        for type in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
            let index = node.status.conditions.firstIndex { $0.type == type }
            guard let index else {
                marked.status.conditions.append(neverPosted(type))
                continue
            }
            var condition = node.status.conditions[index]
            guard condition.status != "Unknown" else { continue }
            condition.status = "Unknown"
            condition.reason = "NodeStatusUnknown"
            condition.message = "Kubelet stopped posting node status."
            condition.lastTransitionTime = now.wholeSeconds
            marked.status.conditions[index] = condition
        }
        return marked == node ? nil : marked
    }

    private func neverPosted(_ type: String) -> CoreV1.NodeCondition {
        CoreV1.NodeCondition {
            $0.type = type
            $0.status = "Unknown"
            $0.reason = "NodeStatusNeverUpdated"
            $0.message = "Kubelet never posted node status."
            $0.lastHeartbeatTime = node.metadata.creationTimestamp
            $0.lastTransitionTime = now.wholeSeconds
        }
    }

    private func markedUnready(_ pod: CoreV1.Pod) -> [Write] {
        guard let index = pod.status.conditions.firstIndex(where: { $0.type == "Ready" }) else {
            return []
        }
        var marked = pod
        marked.status.conditions[index].status = "False"
        marked.status.conditions[index].lastTransitionTime = now.wholeSeconds
        let note = EventNote(
            .warning, about: CoreV1.ObjectReference(to: pod.tree), "NodeNotReady",
            "Node is not ready")
        return [.updatePart(marked.tree, "status"), .announce(note)]
    }

    // MARK: Taints

    /// The taints of the node: others' as they are, and those that its conditions call for.
    private func wantedTaints() -> [CoreV1.Taint] {
        let wanted = conditionTaints()
        var taints = node.spec.taints.filter { taint in
            !NodeTaint.managed.contains(taint.key)
                || wanted.contains { $0.key == taint.key && $0.effect == taint.effect }
        }
        for taint in wanted
        where !taints.contains(where: { $0.key == taint.key && $0.effect == taint.effect }) {
            taints.append(taint)
        }
        return taints
    }

    private func conditionTaints() -> [CoreV1.Taint] {
        var taints: [CoreV1.Taint] = []
        switch node.condition("Ready")?.status {
        case "True": break
        case "False":
            taints += [
                taint(NodeTaint.notReady, .noSchedule), taint(NodeTaint.notReady, .noExecute),
            ]
        case nil: taints.append(taint(NodeTaint.notReady, .noSchedule))
        default:
            taints += [
                taint(NodeTaint.unreachable, .noSchedule), taint(NodeTaint.unreachable, .noExecute),
            ]
        }
        for (type, key) in NodeTaint.ofConditions where node.condition(type)?.status == "True" {
            taints.append(taint(key, .noSchedule))
        }
        if node.spec.unschedulable { taints.append(taint(NodeTaint.unschedulable, .noSchedule)) }
        return taints
    }

    private enum Effect: String {
        case noSchedule = "NoSchedule"
        case noExecute = "NoExecute"
    }

    private func taint(_ key: String, _ effect: Effect) -> CoreV1.Taint {
        CoreV1.Taint {
            $0.key = key
            $0.effect = effect.rawValue
            $0.timeAdded = now.wholeSeconds
        }
    }
}

enum NodeTaint {
    static let notReady = "node.kubernetes.io/not-ready"
    static let unreachable = "node.kubernetes.io/unreachable"
    static let unschedulable = "node.kubernetes.io/unschedulable"
    /// Taints for conditions other than Ready.
    static let ofConditions = [
        ("MemoryPressure", "node.kubernetes.io/memory-pressure"),
        ("DiskPressure", "node.kubernetes.io/disk-pressure"),
        ("PIDPressure", "node.kubernetes.io/pid-pressure"),
        ("NetworkUnavailable", "node.kubernetes.io/network-unavailable"),
    ]
    static let managed = Set([notReady, unreachable, unschedulable] + ofConditions.map(\.1))
}
