import Kubernetes
import Wire

/// What a deployment's status says.
struct DeploymentReport {
    let deployment: AppsV1.Deployment
    let now: Timestamp
    /// With the conditions that the step has added.
    let before: AppsV1.DeploymentStatus

    /// - Parameter isRollingOut: Progress is judged only then.
    func status(_ plan: RolloutPlan, isRollingOut: Bool) -> AppsV1.DeploymentStatus {
        var status = counts(plan)
        noteAvailability(&status)
        guard isRollingOut else { return status }
        noteProgress(&status, subject(plan.new))
        noteFailure(&status, plan)
        return status
    }

    private func counts(_ plan: RolloutPlan) -> AppsV1.DeploymentStatus {
        var status = before
        let sets = plan.all
        func sum(_ part: (AppsV1.ReplicaSet) -> Int) -> Int { sets.map(part).reduce(0, +) }
        status.observedGeneration = deployment.metadata.generation
        status.replicas = sum(\.status.replicas)
        status.updatedReplicas = plan.new?.status.replicas ?? 0
        status.readyReplicas = sum(\.status.readyReplicas)
        status.availableReplicas = sum(\.status.availableReplicas)
        status.unavailableReplicas = max(0, sum(\.size) - status.availableReplicas)
        status.terminatingReplicas = sum { $0.status.terminatingReplicas ?? 0 }
        return status
    }

    private func noteAvailability(_ status: inout AppsV1.DeploymentStatus) {
        if status.availableReplicas >= deployment.minAvailable {
            status.note(
                "Available", "True", "MinimumReplicasAvailable",
                "Deployment has minimum availability.", now)
        } else {
            status.note(
                "Available", "False", "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.", now)
        }
    }

    /// `ReplicaSet "web-5d4f8c7b9"`, or the deployment if it has no set.
    private func subject(_ new: AppsV1.ReplicaSet?) -> String {
        new.map { "ReplicaSet \"\($0.metadata.name)\"" }
            ?? "Deployment \"\(deployment.metadata.name)\""
    }

    private func noteProgress(_ status: inout AppsV1.DeploymentStatus, _ subject: String) {
        guard deployment.hasProgressDeadline else {
            return status.conditions.removeAll { $0.type == "Progressing" }
        }
        let current = status.condition("Progressing")
        let isDone = status.replicas == status.updatedReplicas
            && current?.reason == "NewReplicaSetAvailable"
        if isDone { return }
        if deployment.isComplete(status) {
            status.note(
                "Progressing", "True", "NewReplicaSetAvailable",
                "\(subject) has successfully progressed.", now)
        } else if hasProgressed(status) {
            status.note(
                "Progressing", "True", "ReplicaSetUpdated", "\(subject) is progressing.", now,
                evenIfSame: true)
        } else if isOverdue(current) {
            status.note(
                "Progressing", "False", "ProgressDeadlineExceeded",
                "\(subject) has timed out progressing.", now)
        }
    }

    private func hasProgressed(_ status: AppsV1.DeploymentStatus) -> Bool {
        status.updatedReplicas > before.updatedReplicas
            || status.replicas - status.updatedReplicas < before.replicas - before.updatedReplicas
            || status.readyReplicas > before.readyReplicas
            || status.availableReplicas > before.availableReplicas
    }

    private func isOverdue(_ progress: AppsV1.DeploymentCondition?) -> Bool {
        guard let progress, progress.reason != "NewReplicaSetAvailable" else { return false }
        if progress.reason == "ProgressDeadlineExceeded" { return true }
        return deadline(progress).map { $0 < now } ?? false
    }

    private func deadline(_ progress: AppsV1.DeploymentCondition) -> Timestamp? {
        guard let last = progress.lastUpdateTime,
            let seconds = deployment.spec.progressDeadlineSeconds
        else { return nil }
        return last + .seconds(seconds)
    }

    /// A failure of a set is the deployment's; the new set's comes before others'.
    private func noteFailure(_ status: inout AppsV1.DeploymentStatus, _ plan: RolloutPlan) {
        let sets = [plan.new].compactMap { $0 } + plan.old
        let failure = sets.lazy.flatMap(\.status.conditions)
            .first { $0.type == "ReplicaFailure" && $0.status == "True" }
        guard let failure else {
            return status.conditions.removeAll { $0.type == "ReplicaFailure" }
        }
        status.note("ReplicaFailure", failure.status, failure.reason, failure.message, now)
    }

    /// When lack of progress has to be noticed; nil if nothing is being waited for.
    func timeUntilDeadline(_ status: AppsV1.DeploymentStatus) -> Duration? {
        guard deployment.hasProgressDeadline, let progress = status.condition("Progressing"),
            !deployment.isComplete(status), progress.reason != "ProgressDeadlineExceeded",
            progress.reason != "NewReplicaSetAvailable"
        else { return nil }
        return deadline(progress).map { max(.seconds(1), $0 - now + .seconds(1)) }
    }
}

extension AppsV1.DeploymentStatus {
    func condition(_ type: String) -> AppsV1.DeploymentCondition? {
        conditions.first { $0.type == type }
    }

    /// Sets a condition, as the last one, unless it is there with this status and reason.
    ///
    /// - Parameter evenIfSame: Renew its update time, which is what a deadline counts from.
    mutating func note(
        _ type: String, _ value: String, _ reason: String, _ message: String, _ now: Timestamp,
        evenIfSame: Bool = false
    ) {
        let current = condition(type)
        if !evenIfSame, current?.status == value, current?.reason == reason { return }
        conditions.removeAll { $0.type == type }
        let since = current?.status == value ? current?.lastTransitionTime : nil
        conditions.append(
            AppsV1.DeploymentCondition {
                $0.type = type
                $0.status = value
                $0.lastUpdateTime = now.wholeSeconds
                $0.lastTransitionTime = since ?? now.wholeSeconds
                $0.reason = reason
                $0.message = message
            })
    }
}
