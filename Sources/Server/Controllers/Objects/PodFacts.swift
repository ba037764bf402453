import APIClient
import Kubernetes
import Wire

extension CoreV1.Pod {
    /// Has not ended and is not being ended.
    var isActive: Bool { !hasEnded && !metadata.isBeingDeleted }

    /// All its containers have stopped for good.
    var hasEnded: Bool { status.phase == "Succeeded" || status.phase == "Failed" }

    /// Is being deleted, and has not ended.
    var isTerminating: Bool { metadata.isBeingDeleted && !hasEnded }

    func condition(_ type: String) -> CoreV1.PodCondition? {
        status.conditions.first { $0.type == type }
    }

    var isReady: Bool { condition("Ready")?.status == "True" }

    /// Since when it is ready.
    var readySince: Timestamp? {
        condition("Ready").flatMap { $0.status == "True" ? $0.lastTransitionTime : nil }
    }

    /// How long it must still stay ready to count as available; zero if it does, nil if it is
    /// not ready.
    func timeUntilAvailable(minReadySeconds: Int, now: Timestamp) -> Duration? {
        guard isReady else { return nil }
        guard minReadySeconds > 0 else { return .zero }
        guard let since = readySince else { return nil }
        return max(.zero, since + .seconds(minReadySeconds) - now)
    }

    /// The most restarts that one of its containers has had.
    var restartsMax: Int {
        let statuses = status.containerStatuses + status.initContainerStatuses
        return statuses.map(\.restartCount).max() ?? 0
    }

    /// A pod made from a template and controlled by `owner`, named by the server.
    init(from template: CoreV1.PodTemplateSpec, for owner: Message) {
        self.init {
            $0.metadata.generateName = owner.objectMeta.name + "-"
            $0.metadata.namespace = owner.objectMeta.namespace
            $0.metadata.labels = template.metadata.labels
            $0.metadata.annotations = template.metadata.annotations
            $0.metadata.finalizers = template.metadata.finalizers
            $0.metadata.ownerReferences = [MetaV1.OwnerReference(controller: owner)]
            $0.spec = template.spec
        }
    }
}
