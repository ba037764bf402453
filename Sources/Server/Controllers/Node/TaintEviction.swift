import APIClient
import APIErrors
import Kubernetes
import Wire

/// Deletes pods from nodes whose taints they do not tolerate, or not for so long.
public struct TaintEviction: Controller {
    public static let name = "taint-eviction-controller"
    /// Its rights are the node controller's.
    public static let account = NodeController.name

    private let context: ControllerContext
    private let loop: ControllerLoop
    private let writer: Writer
    private let nodes: Informer
    private let pods: Informer
    /// Nodes that pods have to tolerate.
    private static let tainted = ObjectIndex("tainted") { object in
        let taints = CoreV1.Node(object)?.spec.taints ?? []
        return taints.contains { $0.effect == "NoExecute" } ? [object.objectMeta.name] : []
    }

    public init(_ context: ControllerContext) {
        self.context = context
        loop = ControllerLoop(context)
        writer = Writer(context)
        let nodes = context.informers.informer(CoreV1.Node.messageType, Self.tainted)
        pods = context.informers.informer(CoreV1.Pod.messageType, .node)
        self.nodes = nodes
        loop.follow(nodes) { change in
            Self.tainted.values(change.object).isEmpty ? [] : [change.key]
        }
        loop.follow(pods) { change in
            let node = change.new.flatMap(CoreV1.Pod.init)?.spec.nodeName ?? ""
            let isTainted = !node.isEmpty && !nodes.objects(Self.tainted, node).isEmpty
            return isTainted ? [ObjectKey(name: node)] : []
        }
    }

    public func run() async {
        await loop.run { key throws(APIError) in
            guard let node = nodes.view(CoreV1.Node.self, key) else { return nil }
            let observed = pods.views(CoreV1.Pod.self, .node, key.name)
            let decision = Self.decide(node.spec.taints, observed, now: context.time.now)
            try await writer.perform(decision.writes)
            return decision.again
        }
    }

    /// Deletes the pods whose time on a node with these taints is over.
    static func decide(
        _ taints: [CoreV1.Taint], _ pods: [CoreV1.Pod], now: Timestamp
    ) -> Decision {
        var decision = Decision()
        let strict = taints.filter { $0.effect == "NoExecute" }
        for pod in pods where !pod.metadata.isBeingDeleted {
            guard let deadline = strict.compactMap({ pod.deadline(under: $0, now) }).min() else {
                continue
            }
            if deadline > now {
                decision.lookAgain(after: deadline - now)
            } else {
                decision.writes += eviction(of: pod, now)
            }
        }
        return decision
    }

    private static func eviction(of pod: CoreV1.Pod, _ now: Timestamp) -> [Write] {
        var doomed = pod
        doomed.status.conditions.removeAll { $0.type == "DisruptionTarget" }
        doomed.status.conditions.append(
            CoreV1.PodCondition {
                $0.type = "DisruptionTarget"
                $0.status = "True"
                $0.lastTransitionTime = now.wholeSeconds
                $0.reason = "DeletionByTaintManager"
                $0.message = "Taint manager: deleting due to NoExecute taint"
            })
        let key = ObjectKey(of: pod.tree)
        let note = EventNote(
            .normal, about: CoreV1.ObjectReference(to: pod.tree), "TaintManagerEviction",
            "Marking for deletion Pod \(key)")
        return [
            .announce(note), .updatePart(doomed.tree, "status"),
            .delete(pod.tree, DeleteOptions()),
        ]
    }
}

extension CoreV1.Pod {
    /// When the pod has to leave a node with this taint; nil if it may stay.
    fileprivate func deadline(under taint: CoreV1.Taint, _ now: Timestamp) -> Timestamp? {
        let tolerations = spec.tolerations.filter { $0.tolerates(taint) }
        guard !tolerations.isEmpty else { return now }
        guard let seconds = tolerations.compactMap(\.tolerationSeconds).min() else { return nil }
        return (taint.timeAdded ?? now) + .seconds(max(0, seconds))
    }
}

extension CoreV1.Toleration {
    func tolerates(_ taint: CoreV1.Taint) -> Bool {
        if !effect.isEmpty, effect != taint.effect { return false }
        if !key.isEmpty, key != taint.key { return false }
        switch self.operator {
        case "Exists": return true
        case "", "Equal": return !key.isEmpty && value == taint.value
        default: return false
        }
    }
}
