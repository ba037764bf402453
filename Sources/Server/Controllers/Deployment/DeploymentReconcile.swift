import APIClient
import Kubernetes
import Wire

/// A deployment and its replica sets as they were observed.
struct ObservedDeployment: Sendable {
    var deployment: AppsV1.Deployment
    var selector: LabelSelector
    /// Sets that name the deployment as their controller.
    var sets: [AppsV1.ReplicaSet]
    /// Sets of the namespace that nobody controls.
    var orphans: [AppsV1.ReplicaSet]
    /// Names of sets that have pods which have not ended; only looked at by `Recreate`.
    var setsWithPods: Set<String> = []
    var now: Timestamp

    /// What is to be done next. Further steps follow from what it changes.
    func reconcile() -> Decision {
        let claim = Claim(
            of: deployment.tree, selector: selector, controlled: sets, orphans: orphans)
        guard claim.writes.isEmpty else { return Decision(writes: claim.writes) }
        var rollout = Rollout(self, claim.owned)
        return rollout.decide()
    }

    /// The status that has another hash tried, after one was found to be another template's.
    func afterCollision() -> Write {
        var changed = deployment
        changed.status.collisionCount = (deployment.status.collisionCount ?? 0) + 1
        return .updatePart(changed.tree, "status")
    }
}

/// One step of a deployment's rollout.
struct Rollout {
    let deployment: AppsV1.Deployment
    let now: Timestamp
    private let setsWithPods: Set<String>
    var plan: RolloutPlan
    /// As it is, with the conditions that this step adds.
    var status: AppsV1.DeploymentStatus
    private var doomed: [AppsV1.ReplicaSet] = []

    init(_ observed: ObservedDeployment, _ owned: [AppsV1.ReplicaSet]) {
        deployment = observed.deployment
        now = observed.now
        setsWithPods = observed.setsWithPods
        plan = RolloutPlan(observed.deployment, owned)
        status = observed.deployment.status
    }

    mutating func decide() -> Decision {
        if deployment.metadata.isBeingDeleted { return finish(isRollingOut: false) }
        notePause()
        if deployment.spec.paused || isToBeScaled {
            bringUpNewSet(create: false)
            scaleProportionally()
            if deployment.spec.paused { cleanUp() }
            return finish(isRollingOut: false)
        }
        if deployment.isRollingUpdate { roll() } else { recreate() }
        return finish(isRollingOut: true)
    }

    /// The writes of this step. A deployment whose revision has to be noted first gets its status
    /// in the next one.
    private func finish(isRollingOut: Bool) -> Decision {
        var decision = Decision(writes: plan.writes)
        decision.writes += doomed.map { .delete($0.tree, DeleteOptions()) }
        if let noted = deployment.noting(revision: plan.new?.revision ?? 0) {
            decision.writes.append(.update(noted.tree))
            return decision
        }
        let report = DeploymentReport(deployment: deployment, now: now, before: status)
        var updated = deployment
        updated.status = report.status(plan, isRollingOut: isRollingOut)
        if updated.status != deployment.status {
            decision.writes.append(.updatePart(updated.tree, "status"))
        } else if isRollingOut, let pause = report.timeUntilDeadline(updated.status) {
            decision.lookAgain(after: pause)
        }
        return decision
    }

    /// The size was changed since the sets were scaled last.
    private var isToBeScaled: Bool {
        plan.all.contains { set in
            set.size > 0 && set.desiredReplicas.map { $0 != deployment.wanted } ?? false
        }
    }

    private mutating func notePause() {
        let reason = status.condition("Progressing")?.reason
        guard deployment.hasProgressDeadline, reason != "ProgressDeadlineExceeded" else { return }
        let isNoted = reason == "DeploymentPaused"
        if deployment.spec.paused, !isNoted {
            status.note("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now)
        } else if !deployment.spec.paused, isNoted {
            status.note("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", now)
        }
    }

    /// Brings annotations of the set with the deployment's template up to date; makes the set if
    /// there is none and `create` says so.
    private mutating func bringUpNewSet(create: Bool) {
        let revision = (plan.old.map(\.revision).max() ?? 0) + 1
        guard let new = plan.new else {
            if create { makeNewSet(revision: revision) }
            return
        }
        let deployment = self.deployment
        plan.change(new) { set in
            set.takeAnnotations(of: deployment)
            set.raise(toRevision: revision)
            set.spec.minReadySeconds = deployment.spec.minReadySeconds
        }
        if deployment.hasProgressDeadline, status.condition("Progressing") == nil {
            status.note(
                "Progressing", "True", "FoundNewReplicaSet",
                "Found new replica set \"\(new.metadata.name)\"", now)
        }
    }

    private mutating func makeNewSet(revision: Int) {
        var set = AppsV1.ReplicaSet(newestOf: deployment)
        set.spec.replicas = roomForNew(has: 0)
        set.takeAnnotations(of: deployment)
        set.raise(toRevision: revision)
        set.noteSizes(of: deployment)
        plan.create(set)
        guard deployment.hasProgressDeadline else { return }
        status.note(
            "Progressing", "True", "NewReplicaSetCreated",
            "Created new replica set \"\(set.metadata.name)\"", now)
    }

    // MARK: Rolling update

    private mutating func roll() {
        bringUpNewSet(create: true)
        guard let new = plan.new else { return }
        let target = min(roomForNew(has: new.size), deployment.wanted)
        if new.size != target { return plan.scale(new, to: target) }
        if shrinkOldSets(new) { return }
        if isComplete { cleanUp() }
    }

    /// The size that the new set may have now.
    private func roomForNew(has size: Int) -> Int {
        guard deployment.isRollingUpdate, deployment.wanted > size else { return deployment.wanted }
        let total = plan.all.map(\.size).reduce(0, +)
        let room = deployment.wanted + deployment.maxSurge - total
        return room <= 0 ? size : size + min(room, deployment.wanted - size)
    }

    /// Takes from the old sets what is not needed: first what does not work anyway, then as much
    /// as leaves enough available.
    private mutating func shrinkOldSets(_ new: AppsV1.ReplicaSet) -> Bool {
        let total = plan.all.map(\.size).reduce(0, +)
        let newMissing = new.size - new.status.availableReplicas
        let spare = total - deployment.minAvailable - newMissing
        guard plan.old.contains(where: { $0.size > 0 }), spare > 0 else { return false }
        let broken = shrink(by: spare) { max(0, $0.size - $0.status.availableReplicas) }
        let available = plan.all.map(\.status.availableReplicas).reduce(0, +)
        let surplus = available - deployment.minAvailable
        return broken + (surplus > 0 ? shrink(by: surplus, \.size) : 0) > 0
    }

    /// Takes up to `limit` pods, the oldest sets first, and of each as many as `spare` says.
    private mutating func shrink(by limit: Int, _ spare: (AppsV1.ReplicaSet) -> Int) -> Int {
        var taken = 0
        for set in plan.old where set.size > 0 && taken < limit {
            let count = min(set.size, spare(set), limit - taken)
            guard count > 0 else { continue }
            plan.scale(set, to: set.size - count)
            taken += count
        }
        return taken
    }

    // MARK: Recreate

    private mutating func recreate() {
        bringUpNewSet(create: false)
        let running = plan.old.filter { $0.size > 0 }
        guard running.isEmpty else {
            for set in running { plan.scale(set, to: 0) }
            return
        }
        if plan.old.contains(where: { setsWithPods.contains($0.metadata.name) }) { return }
        if plan.new == nil { bringUpNewSet(create: true) }
        guard let new = plan.new else { return }
        if new.size != deployment.wanted { plan.scale(new, to: deployment.wanted) }
        if isComplete { cleanUp() }
    }

    // MARK: Scaling

    /// Scales all sets that have pods in proportion, when the deployment's size has changed in
    /// the middle of a rollout.
    private mutating func scaleProportionally() {
        let active = plan.all.filter { $0.size > 0 }
        if active.count <= 1 {
            guard let only = active.first ?? plan.new ?? plan.all.last else { return }
            return plan.scale(only, to: deployment.wanted)
        }
        if let new = plan.new, new.isSaturated(deployment) {
            for set in plan.old where set.size > 0 { plan.scale(set, to: 0) }
            return
        }
        guard deployment.isRollingUpdate else { return }
        let allowed = deployment.wanted > 0 ? deployment.wanted + deployment.maxSurge : 0
        spread(allowed - active.map(\.size).reduce(0, +), over: active)
    }

    /// Adds `count` pods (or takes them, if it is negative), the larger sets first; what rounding
    /// leaves goes to the first.
    private mutating func spread(_ count: Int, over sets: [AppsV1.ReplicaSet]) {
        let bySize = sets.sorted { a, b in
            if a.size != b.size { return a.size > b.size }
            return AppsV1.ReplicaSet.isOlder(a, b) == (count < 0)
        }
        var left = count
        let sizes = bySize.map { set in
            let share = set.fraction(of: deployment)
            let part = count > 0 ? min(share, left) : max(share, left)
            let added = left == 0 ? 0 : part
            left -= added
            return set.size + added
        }
        for (index, set) in bySize.enumerated() {
            plan.scale(set, to: max(0, index == 0 ? sizes[index] + left : sizes[index]))
        }
    }

    // MARK: Clean-up

    private var isComplete: Bool { deployment.isComplete(deployment.status) }

    /// Forgets the oldest of the sets that are beyond the history to be kept.
    private mutating func cleanUp() {
        guard let limit = deployment.spec.revisionHistoryLimit, limit != Int(Int32.max) else {
            return
        }
        let cleanable = plan.old.filter { !$0.metadata.isBeingDeleted }
            .sorted { $0.revision < $1.revision }
        let excess = cleanable.count - limit
        guard excess > 0 else { return }
        doomed = cleanable.prefix(excess).filter { set in
            set.status.replicas == 0 && set.size == 0
                && set.metadata.generation <= set.status.observedGeneration
        }
    }
}

extension AppsV1.ReplicaSet {
    /// The set of a deployment's template, without size and annotations.
    fileprivate init(newestOf deployment: AppsV1.Deployment) {
        let hash = PodTemplateHash.of(
            deployment.spec.template, collisionCount: deployment.status.collisionCount)
        self.init {
            $0.metadata.name = "\(deployment.metadata.name)-\(hash)"
            $0.metadata.namespace = deployment.metadata.namespace
            $0.metadata.ownerReferences = [MetaV1.OwnerReference(controller: deployment.tree)]
            $0.spec.template = deployment.spec.template
            $0.spec.template.metadata.labels[PodTemplateHash.label] = hash
            $0.metadata.labels = $0.spec.template.metadata.labels
            $0.spec.minReadySeconds = deployment.spec.minReadySeconds
            var selector = deployment.spec.selector ?? MetaV1.LabelSelector()
            selector.matchLabels[PodTemplateHash.label] = hash
            $0.spec.selector = selector
        }
    }

    /// It alone is what the deployment asks for.
    fileprivate func isSaturated(_ deployment: AppsV1.Deployment) -> Bool {
        size == deployment.wanted && desiredReplicas == deployment.wanted
            && status.availableReplicas == deployment.wanted
    }

    /// What the set gains (or loses) when it grows with the deployment.
    fileprivate func fraction(of deployment: AppsV1.Deployment) -> Int {
        guard deployment.wanted > 0 else { return -size }
        let before = maxReplicas.flatMap { $0 == 0 ? nil : $0 } ?? deployment.status.replicas
        guard before > 0 else { return 0 }
        let after = deployment.wanted + deployment.maxSurge
        return Int((Double(size * after) / Double(before)).rounded()) - size
    }
}

extension AppsV1.Deployment {
    var hasProgressDeadline: Bool {
        spec.progressDeadlineSeconds.map { $0 != Int(Int32.max) } ?? false
    }

    /// All that was asked for is there, and nothing else.
    func isComplete(_ status: AppsV1.DeploymentStatus) -> Bool {
        status.updatedReplicas == wanted && status.replicas == wanted
            && status.availableReplicas == wanted
            && status.observedGeneration >= metadata.generation
    }

    /// Itself with the revision in its annotations; nil if it is there, or none.
    fileprivate func noting(revision: Int) -> AppsV1.Deployment? {
        let text = String(revision)
        guard revision > 0, metadata.annotations[DeploymentAnnotation.revision] != text else {
            return nil
        }
        var noted = self
        noted.metadata.annotations[DeploymentAnnotation.revision] = text
        return noted
    }
}
