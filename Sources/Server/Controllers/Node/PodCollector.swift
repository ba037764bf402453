import APIClient
import APIErrors
import Kubernetes
import Synchronization
import Wire

/// Deletes pods whose node is gone.
public final class PodCollector: Controller {
    public static let name = "pod-garbage-collector"
    /// How long a node must be gone before its pods go.
    static let quarantine = Duration.seconds(40)

    private let context: ControllerContext
    private let loop: ControllerLoop
    private let writer: Writer
    private let nodes: Informer
    private let pods: Informer
    /// Since when nodes that pods are bound to are missed.
    private let missed = Mutex<[String: Timestamp]>([:])

    public init(_ context: ControllerContext) {
        self.context = context
        loop = ControllerLoop(context)
        writer = Writer(context)
        let nodes = context.informers.informer(CoreV1.Node.messageType)
        self.nodes = nodes
        pods = context.informers.informer(CoreV1.Pod.messageType, .node)
        loop.follow(nodes) { $0.new == nil || $0.old == nil ? [$0.key] : [] }
        loop.follow(pods) { change in
            guard change.old == nil || change.new == nil,
                let node = CoreV1.Pod(change.object)?.spec.nodeName, !node.isEmpty,
                !nodes.contains(ObjectKey(name: node))
            else { return [] }
            return [ObjectKey(name: node)]
        }
    }

    public func run() async {
        await loop.run { [self] key throws(APIError) in try await collect(key) }
    }

    private func collect(_ key: ObjectKey) async throws(APIError) -> Duration? {
        let orphans = pods.views(CoreV1.Pod.self, .node, key.name)
        guard !nodes.contains(key), !orphans.isEmpty else {
            missed.withLock { _ = $0.removeValue(forKey: key.name) }
            return nil
        }
        let now = context.time.now
        let since = missed.withLock { missed in
            let since = missed[key.name] ?? now
            missed[key.name] = since
            return since
        }
        let pause = since + Self.quarantine - now
        if pause > .zero { return pause }
        guard try await isGone(key) else { return nil }
        try await writer.perform(orphans.flatMap { Self.collection(of: $0, now) })
        return nil
    }

    /// The copy may be behind; the server knows.
    private func isGone(_ node: ObjectKey) async throws(APIError) -> Bool {
        do throws(APIError) {
            _ = try await context.client.get(CoreV1.Node.self, name: node.name)
            return false
        } catch {
            if error.isNotFound { return true }
            throw error
        }
    }

    /// Says that the pod has failed, and deletes it at once.
    static func collection(of pod: CoreV1.Pod, _ now: Timestamp) -> [Write] {
        var failed = pod
        if !pod.hasEnded { failed.status.phase = "Failed" }
        failed.status.conditions.removeAll { $0.type == "DisruptionTarget" }
        failed.status.conditions.append(
            CoreV1.PodCondition {
                $0.type = "DisruptionTarget"
                $0.status = "True"
                $0.lastTransitionTime = now.wholeSeconds
                $0.reason = "DeletionByPodGC"
                $0.message = "PodGC: node no longer exists"
            })
        return [
            .updatePart(failed.tree, "status"),
            .delete(pod.tree, DeleteOptions(gracePeriodSeconds: 0)),
        ]
    }
}
