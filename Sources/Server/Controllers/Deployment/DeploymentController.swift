import APIClient
import APIErrors
import Kubernetes
import Wire

/// Brings deployments to the template and size they ask for, by way of replica sets.
public struct DeploymentController: Controller {
    public static let name = "deployment-controller"

    private let context: ControllerContext
    private let loop: ControllerLoop
    private let writer: Writer
    private let deployments: Informer
    private let sets: Informer
    private let pods: Informer

    public init(_ context: ControllerContext) {
        self.context = context
        loop = ControllerLoop(context)
        writer = Writer(context)
        let informers = context.informers
        let deployments = informers.informer(AppsV1.Deployment.messageType, .selector)
        let sets = informers.informer(
            AppsV1.ReplicaSet.messageType, .controller, .uncontrolledLabel)
        let pods = informers.informer(CoreV1.Pod.messageType, .controller)
        (self.deployments, self.sets, self.pods) = (deployments, sets, pods)
        loop.follow(deployments) { [$0.key] }
        loop.follow(sets) { change in
            let owners = Set([change.old, change.new].compactMap { $0?.owningDeployment })
            if !owners.isEmpty { return Array(owners) }
            return change.new.map { deployments.deployments(selecting: $0) } ?? []
        }
        loop.follow(pods) { change in
            guard change.new == nil else { return [] }
            return change.old?.owningSet.flatMap { sets.object($0)?.owningDeployment }.map { [$0] }
                ?? []
        }
    }

    public func run() async {
        await loop.run { key throws(APIError) in try await reconcile(key) }
    }

    private func reconcile(_ key: ObjectKey) async throws(APIError) -> Duration? {
        guard let observed = try observe(key) else { return nil }
        let decision = observed.reconcile()
        do throws(APIError) {
            try await writer.perform(decision.writes)
        } catch {
            if error.isAlreadyExists, isCollision(decision, observed) {
                try await writer.perform([observed.afterCollision()])
            }
            throw error
        }
        return decision.again
    }

    private func observe(_ key: ObjectKey) throws(APIError) -> ObservedDeployment? {
        guard let deployment = deployments.view(AppsV1.Deployment.self, key) else { return nil }
        let owned = sets.views(AppsV1.ReplicaSet.self, .controller, deployment.metadata.uid)
        return ObservedDeployment(
            deployment: deployment,
            selector: try LabelSelector(checked: deployment.spec.selector), sets: owned,
            orphans: sets.views(
                AppsV1.ReplicaSet.self, .uncontrolledLabel, deployment.demanded.text),
            setsWithPods: deployment.isRollingUpdate ? [] : setsWithPods(owned),
            now: context.time.now)
    }

    private func setsWithPods(_ sets: [AppsV1.ReplicaSet]) -> Set<String> {
        let running = sets.filter { set in
            pods.views(CoreV1.Pod.self, .controller, set.metadata.uid).contains { !$0.hasEnded }
        }
        return Set(running.map(\.metadata.name))
    }

    /// Whether the set that could not be made is there, and is not the one that was to be made.
    private func isCollision(_ decision: Decision, _ observed: ObservedDeployment) -> Bool {
        for case .create(let wanted, _) in decision.writes {
            guard let there = sets.view(AppsV1.ReplicaSet.self, ObjectKey(of: wanted)) else {
                continue
            }
            let owner = there.metadata.controllerReference?.uid
            return owner != observed.deployment.metadata.uid
                || !there.hasTemplate(of: observed.deployment)
        }
        return false
    }
}

extension Message {
    fileprivate var owningDeployment: ObjectKey? { owner("Deployment") }
    fileprivate var owningSet: ObjectKey? { owner("ReplicaSet") }

    private func owner(_ kind: String) -> ObjectKey? {
        guard let owner = objectMeta.controllerReference, owner.kind == kind else { return nil }
        return ObjectKey(namespace: objectMeta.namespace, name: owner.name)
    }
}

extension AppsV1.Deployment {
    /// Where objects are found that it may select.
    fileprivate var demanded: SelectorKey {
        SelectorKey(metadata.namespace, selector: spec.selector?.matchLabels ?? [:])
    }
}

extension Informer {
    /// The deployments that select a set which nobody controls.
    fileprivate func deployments(selecting set: Message) -> [ObjectKey] {
        let metadata = set.objectMeta
        guard metadata.controllerReference == nil else { return [] }
        return candidates(AppsV1.Deployment.self, selecting: set)
            .filter { deployment in
                let selector = try? LabelSelector(checked: deployment.spec.selector)
                return selector?.matches(metadata.labels) ?? false
            }
            .map { ObjectKey(of: $0.tree) }
    }
}
