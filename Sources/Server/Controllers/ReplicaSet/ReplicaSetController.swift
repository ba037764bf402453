import APIClient
import APIErrors
import Kubernetes
import Wire

/// Keeps the number of pods that each replica set asks for.
public struct ReplicaSetController: Controller {
    public static let name = "replicaset-controller"

    private let context: ControllerContext
    private let loop: ControllerLoop
    private let writer: Writer
    private let sets: Informer
    private let pods: Informer

    public init(_ context: ControllerContext) {
        self.context = context
        loop = ControllerLoop(context)
        writer = Writer(context)
        let sets = context.informers.informer(AppsV1.ReplicaSet.messageType, .controller, .selector)
        let pods = context.informers.informer(
            CoreV1.Pod.messageType, .controller, .uncontrolledLabel)
        (self.sets, self.pods) = (sets, pods)
        loop.follow(sets) { [$0.key] }
        loop.follow(pods) { change in
            let owners = Set([change.old, change.new].compactMap { $0?.owningReplicaSet })
            if !owners.isEmpty { return Array(owners) }
            return change.new.map { sets.keys(selecting: $0) } ?? []
        }
    }

    public func run() async {
        await loop.run { key throws(APIError) in try await reconcile(key) }
    }

    private func reconcile(_ key: ObjectKey) async throws(APIError) -> Duration? {
        guard let observed = try observe(key) else { return nil }
        var failure: APIError?
        do throws(APIError) {
            try await writer.perform(observed.plan().writes)
        } catch {
            failure = error
        }
        guard let result = try observe(key) else { return nil }
        let report = result.report(failure: failure)
        try await writer.perform(report.writes)
        if let failure { throw failure }
        return report.again
    }

    private func observe(_ key: ObjectKey) throws(APIError) -> ObservedReplicaSet? {
        guard let set = sets.view(AppsV1.ReplicaSet.self, key) else { return nil }
        var observed = ObservedReplicaSet(
            set: set, selector: try LabelSelector(checked: set.spec.selector),
            pods: pods.views(CoreV1.Pod.self, .controller, set.metadata.uid),
            orphans: pods.views(CoreV1.Pod.self, .uncontrolledLabel, set.demanded.text),
            now: context.time.now)
        if observed.pods.count(where: \.isActive) > observed.wanted {
            observed.relatives = relatives(of: set)
        }
        return observed
    }

    /// The pods of all sets that have the owner of `set`.
    private func relatives(of set: AppsV1.ReplicaSet) -> [CoreV1.Pod] {
        guard let owner = set.metadata.controllerReference else { return [] }
        return sets.objects(.controller, owner.uid).flatMap { sibling in
            pods.views(CoreV1.Pod.self, .controller, sibling.objectMeta.uid)
        }
    }
}

extension Message {
    /// The replica set that controls a pod.
    fileprivate var owningReplicaSet: ObjectKey? {
        guard let owner = objectMeta.controllerReference, owner.kind == "ReplicaSet" else {
            return nil
        }
        return ObjectKey(namespace: objectMeta.namespace, name: owner.name)
    }
}

extension AppsV1.ReplicaSet {
    /// Where objects are found that it may select.
    fileprivate var demanded: SelectorKey {
        SelectorKey(metadata.namespace, selector: spec.selector?.matchLabels ?? [:])
    }
}

extension Informer {
    /// The sets that select a pod which nobody controls.
    fileprivate func keys(selecting pod: Message) -> [ObjectKey] {
        let metadata = pod.objectMeta
        guard metadata.controllerReference == nil else { return [] }
        return candidates(AppsV1.ReplicaSet.self, selecting: pod)
            .filter { set in
                let selector = try? LabelSelector(checked: set.spec.selector)
                return selector?.matches(metadata.labels) ?? false
            }
            .map { ObjectKey(of: $0.tree) }
    }
}

extension LabelSelector {
    /// The selector of an object, which the API has checked.
    init(checked selector: MetaV1.LabelSelector?) throws(APIError) {
        do throws(SelectorError) {
            try self.init(object: selector?.tree)
        } catch {
            throw APIError.noAnswer("a selector that the API let pass: \(error)")
        }
    }
}
