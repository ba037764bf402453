import Kubernetes
import Wire

/// Annotations by which a deployment keeps account on its replica sets.
enum DeploymentAnnotation {
    static let revision = "deployment.kubernetes.io/revision"
    static let revisionHistory = "deployment.kubernetes.io/revision-history"
    static let desiredReplicas = "deployment.kubernetes.io/desired-replicas"
    static let maxReplicas = "deployment.kubernetes.io/max-replicas"
    /// Not handed on from a deployment to its sets.
    static let ownOnly: Set<String> = [
        "kubectl.kubernetes.io/last-applied-configuration", revision, revisionHistory,
        desiredReplicas, maxReplicas, "deprecated.deployment.rollback.to",
    ]
    /// Bytes of revision history that a set keeps.
    static let historyBytesMax = 2000
}

extension AppsV1.ReplicaSet {
    /// The number of its template in the deployment's history; 0 if it has none.
    var revision: Int {
        metadata.annotations[DeploymentAnnotation.revision].flatMap { Int($0) } ?? 0
    }

    /// The size of the deployment when the set was last scaled.
    var desiredReplicas: Int? {
        metadata.annotations[DeploymentAnnotation.desiredReplicas].flatMap { Int($0) }
    }

    /// The size of the deployment and its surge when the set was last scaled.
    var maxReplicas: Int? {
        metadata.annotations[DeploymentAnnotation.maxReplicas].flatMap { Int($0) }
    }

    mutating func noteSizes(of deployment: AppsV1.Deployment) {
        metadata.annotations[DeploymentAnnotation.desiredReplicas] = String(deployment.wanted)
        metadata.annotations[DeploymentAnnotation.maxReplicas] =
            String(deployment.wanted + deployment.maxSurge)
    }

    mutating func takeAnnotations(of deployment: AppsV1.Deployment) {
        for (key, value) in deployment.metadata.annotations
        where !DeploymentAnnotation.ownOnly.contains(key) {
            metadata.annotations[key] = value
        }
    }

    /// Makes the set the newest of the history, and remembers which revisions it was before.
    mutating func raise(toRevision number: Int) {
        let before = revision
        guard before < number else { return }
        metadata.annotations[DeploymentAnnotation.revision] = String(number)
        guard before > 0 else { return }
        let key = DeploymentAnnotation.revisionHistory
        let past = (metadata.annotations[key] ?? "").split(separator: ",").map(String.init)
        var history = past + [String(before)]
        while history.joined(separator: ",").utf8.count > DeploymentAnnotation.historyBytesMax {
            history.removeFirst()
        }
        metadata.annotations[key] = history.joined(separator: ",")
    }
}
