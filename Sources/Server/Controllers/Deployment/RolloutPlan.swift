import APIClient
import Kubernetes
import Wire

/// The replica sets of a deployment while a decision is made: changes are made here, and become
/// one write a set in the end.
struct RolloutPlan: Sendable {
    let deployment: AppsV1.Deployment
    /// As they were observed, adopted ones included.
    private let observed: [String: AppsV1.ReplicaSet]
    /// By uid, as they shall be.
    private var sets: [String: AppsV1.ReplicaSet]
    private var notes: [String: [EventNote]] = [:]
    /// Oldest first.
    private var order: [String]
    /// Stands for the uid of the set that is to be made.
    private static let unborn = ""

    init(_ deployment: AppsV1.Deployment, _ owned: [AppsV1.ReplicaSet]) {
        self.deployment = deployment
        let pairs = owned.map { ($0.metadata.uid, $0) }
        observed = Dictionary(pairs) { first, _ in first }
        sets = observed
        order = owned.sorted(by: AppsV1.ReplicaSet.isOlder).map(\.metadata.uid)
    }

    /// All sets, oldest first.
    var all: [AppsV1.ReplicaSet] { order.compactMap { sets[$0] } }

    /// The set that has the deployment's template: the oldest, should there be several.
    var new: AppsV1.ReplicaSet? {
        all.first { $0.hasTemplate(of: deployment) }
    }

    /// All sets but the new one, oldest first.
    var old: [AppsV1.ReplicaSet] {
        let newUID = new?.metadata.uid
        return all.filter { $0.metadata.uid != newUID }
    }

    /// Has a set made.
    mutating func create(_ set: AppsV1.ReplicaSet) {
        sets[RolloutPlan.unborn] = set
        order.append(RolloutPlan.unborn)
        guard set.size > 0 else { return }
        notes[RolloutPlan.unborn] = [
            deployment.scalingNote(set.metadata.name, from: 0, to: set.size)
        ]
    }

    /// Changes a set in place.
    mutating func change(
        _ set: AppsV1.ReplicaSet, _ body: (inout AppsV1.ReplicaSet) -> Void
    ) {
        guard var changed = sets[set.metadata.uid] else { return }
        body(&changed)
        sets[set.metadata.uid] = changed
    }

    /// Gives a set another size, and says so.
    mutating func scale(_ set: AppsV1.ReplicaSet, to count: Int) {
        let before = set.spec.replicas ?? 1
        let deployment = self.deployment
        change(set) { changed in
            changed.spec.replicas = count
            changed.noteSizes(of: deployment)
        }
        guard before != count else { return }
        notes[set.metadata.uid, default: []].append(
            deployment.scalingNote(set.metadata.name, from: before, to: count))
    }

    /// The set to be made, then one write for each set that was changed.
    var writes: [Write] {
        var writes: [Write] = []
        if let set = sets[RolloutPlan.unborn] {
            writes.append(.create(set.tree, deployment.creationAnnouncement(set.metadata.name)))
            writes += (notes[RolloutPlan.unborn] ?? []).map(Write.announce)
        }
        for uid in order where uid != RolloutPlan.unborn {
            guard let set = sets[uid], set != observed[uid] else { continue }
            writes.append(.update(set.tree, notes[uid] ?? []))
        }
        return writes
    }
}

extension AppsV1.Deployment {
    var wanted: Int { spec.replicas ?? 1 }
    var isRollingUpdate: Bool { spec.strategy.type != "Recreate" }

    /// Pods that may be more, and that may lack, during a rolling update. Not both are zero.
    private var slack: (surge: Int, unavailable: Int) {
        guard isRollingUpdate else { return (0, 0) }
        let limits = spec.strategy.rollingUpdate
        let surge = limits?.maxSurge.map { share($0, roundingUp: true) } ?? 0
        let unavailable = limits?.maxUnavailable.map { share($0, roundingUp: false) } ?? 0
        return surge == 0 && unavailable == 0 ? (0, 1) : (surge, unavailable)
    }

    var maxSurge: Int { slack.surge }
    var maxUnavailable: Int { wanted == 0 ? 0 : min(slack.unavailable, wanted) }
    var minAvailable: Int { wanted - maxUnavailable }

    /// What the API has checked to be a number or a percentage.
    private func share(_ value: IntOrString, roundingUp: Bool) -> Int {
        do throws(IntOrStringError) {
            return try value.scaled(to: wanted, roundingUp: roundingUp)
        } catch {
            return 0
        }
    }

    func creationAnnouncement(_ set: String) -> Announcement {
        Announcement(
            regarding: CoreV1.ObjectReference(to: tree), success: nil,
            failure: Announcement.Wording(
                reason: "ReplicaSetCreateError",
                text: "Failed to create new replica set \"\(set)\": "))
    }

    func scalingNote(_ set: String, from before: Int, to after: Int) -> EventNote {
        let direction = after > before ? "up" : "down"
        return EventNote(
            .normal, about: CoreV1.ObjectReference(to: tree), "ScalingReplicaSet",
            "Scaled \(direction) replica set \(set) from \(before) to \(after)")
    }
}

extension AppsV1.ReplicaSet {
    var size: Int { spec.replicas ?? 1 }

    static func isOlder(_ a: Self, _ b: Self) -> Bool {
        let zero = Timestamp(seconds: 0)
        let (ageOfA, ageOfB) =
            (a.metadata.creationTimestamp ?? zero, b.metadata.creationTimestamp ?? zero)
        return ageOfA == ageOfB ? a.metadata.name < b.metadata.name : ageOfA < ageOfB
    }

    /// Whether its pods are what the deployment asks for.
    func hasTemplate(of deployment: AppsV1.Deployment) -> Bool {
        var template = spec.template
        template.metadata.labels[PodTemplateHash.label] = nil
        var wanted = deployment.spec.template
        wanted.metadata.labels[PodTemplateHash.label] = nil
        return template == wanted
    }
}
