import APIClient
import APIErrors
import Kubernetes
import Wire

/// A replica set and its pods as they were observed.
struct ObservedReplicaSet: Sendable {
    var set: AppsV1.ReplicaSet
    var selector: LabelSelector
    /// Pods that name the set as their controller.
    var pods: [CoreV1.Pod]
    /// Pods of the namespace that nobody controls.
    var orphans: [CoreV1.Pod]
    /// Pods of the sets that have the same owner, for choosing what to delete.
    var relatives: [CoreV1.Pod] = []
    var now: Timestamp

    /// Pods made or deleted at a time.
    static let burstMax = 500

    var wanted: Int { self.set.spec.replicas ?? 1 }

    /// Adopts and releases, then makes the pods that lack, or deletes those that are too many.
    func plan() -> Decision {
        let claim = Claim(of: set.tree, selector: selector, controlled: pods, orphans: orphans)
        var decision = Decision(writes: claim.writes)
        guard !set.metadata.isBeingDeleted else { return decision }
        let active = claim.owned.filter(\.isActive)
        let lacking = wanted - active.count
        if lacking > 0 {
            let pod = CoreV1.Pod(from: set.spec.template, for: set.tree)
            let creation = Write.create(pod.tree, .podCreation(by: set.tree))
            let count = min(lacking, ObservedReplicaSet.burstMax)
            decision.writes.append(.together(Array(repeating: creation, count: count)))
        } else if lacking < 0 {
            let count = min(-lacking, ObservedReplicaSet.burstMax)
            let ranking = PodRanking(active: active, relatives: relatives, now: now)
            let deletions = ranking.first(count).map { pod in
                Write.delete(pod.tree, DeleteOptions(), .podDeletion(by: set.tree))
            }
            decision.writes.append(.together(deletions))
        }
        return decision
    }

    /// The status as the pods stand, or nothing if it says so already.
    ///
    /// - Parameter failure: Why the plan could not be carried out.
    func report(failure: APIError?) -> Decision {
        let claim = Claim(of: set.tree, selector: selector, controlled: pods, orphans: [])
        var decision = Decision()
        if let pause = timeUntilMoreAvailable(claim.owned) { decision.lookAgain(after: pause) }
        var updated = set
        updated.status = status(claim.owned, failure)
        if updated.status != set.status { decision.writes = [.updatePart(updated.tree, "status")] }
        return decision
    }

    private func status(
        _ pods: [CoreV1.Pod], _ failure: APIError?
    ) -> AppsV1.ReplicaSetStatus {
        let active = pods.filter(\.isActive)
        let labels = set.spec.template.metadata.labels
        var status = set.status
        status.replicas = active.count
        status.fullyLabeledReplicas = active.count { $0.metadata.labels.contains(all: labels) }
        status.readyReplicas = active.count(where: \.isReady)
        status.availableReplicas = active.count { $0.isAvailable(set.spec, now) }
        status.terminatingReplicas = pods.count(where: \.isTerminating)
        status.observedGeneration = set.metadata.generation
        status.conditions.removeAll { $0.type == "ReplicaFailure" && failure == nil }
        if let failure, !status.conditions.contains(where: { $0.type == "ReplicaFailure" }) {
            status.conditions.append(condition(failure, isLacking: active.count < wanted))
        }
        return status
    }

    private func condition(
        _ failure: APIError, isLacking: Bool
    ) -> AppsV1.ReplicaSetCondition {
        AppsV1.ReplicaSetCondition {
            $0.type = "ReplicaFailure"
            $0.status = "True"
            $0.lastTransitionTime = now.wholeSeconds
            $0.reason = isLacking ? "FailedCreate" : "FailedDelete"
            $0.message = failure.message
        }
    }

    /// When the next of the ready pods will count as available.
    private func timeUntilMoreAvailable(_ pods: [CoreV1.Pod]) -> Duration? {
        pods.filter(\.isActive)
            .compactMap { pod in
                pod.timeUntilAvailable(minReadySeconds: set.spec.minReadySeconds, now: now)
            }
            .filter { $0 > .zero }.min()
    }
}

extension CoreV1.Pod {
    fileprivate func isAvailable(_ spec: AppsV1.ReplicaSetSpec, _ now: Timestamp) -> Bool {
        timeUntilAvailable(minReadySeconds: spec.minReadySeconds, now: now) == .zero
    }
}

extension [String: String] {
    func contains(all others: [String: String]) -> Bool {
        others.allSatisfy { self[$0.key] == $0.value }
    }
}
