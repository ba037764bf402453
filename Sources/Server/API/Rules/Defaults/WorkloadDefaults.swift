internal import Kubernetes
internal import Wire

/// Defaults of the kinds of apps and batch.
enum WorkloadDefaults {
    static let tables: [TypeDefaults] = [
        defaults(AppsV1.DeploymentSpec.self, [
            "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
        ]),
        defaults(AppsV1.DeploymentStrategy.self, ["type": "RollingUpdate"]) { strategy in
            guard strategy.type == "RollingUpdate" else { return }
            var update = strategy.rollingUpdate ?? AppsV1.RollingUpdateDeployment()
            if update.maxUnavailable == nil { update.maxUnavailable = .string("25%") }
            if update.maxSurge == nil { update.maxSurge = .string("25%") }
            strategy.rollingUpdate = update
        },
        defaults(AppsV1.ReplicaSetSpec.self, ["replicas": 1]),
        defaults(AppsV1.StatefulSetSpec.self, [
            "podManagementPolicy": "OrderedReady", "replicas": 1, "revisionHistoryLimit": 10,
            "persistentVolumeClaimRetentionPolicy":
                .empty(AppsV1.StatefulSetPersistentVolumeClaimRetentionPolicy.self),
        ]),
        defaults(AppsV1.StatefulSetPersistentVolumeClaimRetentionPolicy.self, [
            "whenDeleted": "Retain", "whenScaled": "Retain",
        ]),
        defaults(AppsV1.StatefulSetUpdateStrategy.self) { strategy in
            if strategy.type.isEmpty { strategy.type = "RollingUpdate" }
            guard strategy.type == "RollingUpdate" else { return }
            var update = strategy.rollingUpdate ?? AppsV1.RollingUpdateStatefulSetStrategy()
            if update.partition == nil { update.partition = 0 }
            strategy.rollingUpdate = update
        },
        defaults(AppsV1.DaemonSetSpec.self, ["revisionHistoryLimit": 10]),
        defaults(AppsV1.DaemonSetUpdateStrategy.self, ["type": "RollingUpdate"]) { strategy in
            guard strategy.type == "RollingUpdate" else { return }
            var update = strategy.rollingUpdate ?? AppsV1.RollingUpdateDaemonSet()
            if update.maxUnavailable == nil { update.maxUnavailable = .int(1) }
            if update.maxSurge == nil { update.maxSurge = .int(0) }
            strategy.rollingUpdate = update
        },
        defaults(CoreV1.ReplicationController.self, then: replicationController),
        defaults(BatchV1.Job.self, then: job),
        defaults(BatchV1.PodFailurePolicyOnPodConditionsPattern.self, ["status": "True"]),
        defaults(BatchV1.CronJobSpec.self, [
            "concurrencyPolicy": "Allow", "suspend": false, "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
        ]),
    ]

    /// Selects what its template makes, unless told otherwise.
    @Sendable private static func replicationController(
        _ controller: inout CoreV1.ReplicationController
    ) {
        if controller.spec.replicas == nil { controller.spec.replicas = 1 }
        guard let labels = controller.spec.template?.metadata.labels, !labels.isEmpty
        else { return }
        if controller.spec.selector.isEmpty { controller.spec.selector = labels }
        if controller.metadata.labels.isEmpty { controller.metadata.labels = labels }
    }

    @Sendable private static func job(_ job: inout BatchV1.Job) {
        if job.spec.completions == nil, job.spec.parallelism == nil { job.spec.completions = 1 }
        if job.spec.parallelism == nil { job.spec.parallelism = 1 }
        if job.spec.backoffLimit == nil {
            job.spec.backoffLimit = job.spec.backoffLimitPerIndex == nil ? 6 : Int(Int32.max)
        }
        if job.spec.completionMode == nil { job.spec.completionMode = "NonIndexed" }
        if job.spec.suspend == nil { job.spec.suspend = false }
        if job.spec.podReplacementPolicy == nil {
            job.spec.podReplacementPolicy =
                job.spec.podFailurePolicy == nil ? "TerminatingOrFailed" : "Failed"
        }
        if job.spec.manualSelector == nil, job.metadata.labels.isEmpty {
            job.metadata.labels = job.spec.template.metadata.labels
        }
    }
}
