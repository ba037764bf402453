import APIClient
import APIErrors
import Kubernetes
import Synchronization
import Wire

/// Notices nodes that fall silent, and taints nodes that are not well.
public final class NodeController: Controller {
    public static let name = "node-controller"
    static let leaseNamespace = "kube-node-lease"

    private let context: ControllerContext
    private let loop: ControllerLoop
    private let writer: Writer
    private let nodes: Informer
    private let leases: Informer
    private let pods: Informer
    /// By the node's name; as many as there are nodes.
    private let health = Mutex<[String: NodeHealth]>([:])

    public init(_ context: ControllerContext) {
        self.context = context
        loop = ControllerLoop(context)
        writer = Writer(context)
        nodes = context.informers.informer(CoreV1.Node.messageType)
        leases = context.informers.informer(CoordinationV1.Lease.messageType)
        pods = context.informers.informer(CoreV1.Pod.messageType, .node)
        loop.follow(nodes) { [$0.key] }
        loop.follow(leases) { change in
            let key = change.key
            return key.namespace == Self.leaseNamespace ? [ObjectKey(name: key.name)] : []
        }
    }

    public func run() async {
        await loop.run { [self] key throws(APIError) in try await reconcile(key) }
    }

    private func reconcile(_ key: ObjectKey) async throws(APIError) -> Duration? {
        guard let node = nodes.view(CoreV1.Node.self, key) else {
            health.withLock { _ = $0.removeValue(forKey: key.name) }
            return nil
        }
        let isReady = node.condition("Ready")?.status == "True"
        let observed = ObservedNode(
            node: node, health: listen(to: node),
            pods: isReady ? [] : pods.views(CoreV1.Pod.self, .node, key.name),
            grace: context.settings.nodeMonitorGrace, now: context.time.now,
            uptime: context.time.uptime)
        let decision = observed.reconcile()
        try await writer.perform(decision.writes)
        return decision.again
    }

    private func listen(to node: CoreV1.Node) -> NodeHealth {
        let name = node.metadata.name
        let lease = leases.view(
            CoordinationV1.Lease.self, ObjectKey(namespace: Self.leaseNamespace, name: name))
        let uptime = context.time.uptime
        let (health, isNew) = self.health.withLock { all in
            var health = all[name] ?? NodeHealth(uptime: uptime)
            health.listen(node, lease, uptime: uptime)
            defer { all[name] = health }
            return (health, all[name] == nil)
        }
        if isNew {
            context.events.record(
                EventNote(
                    .normal, about: CoreV1.ObjectReference(to: node.tree), "RegisteredNode",
                    "Node \(name) event: Registered Node \(name) in Controller"))
        }
        return health
    }
}
