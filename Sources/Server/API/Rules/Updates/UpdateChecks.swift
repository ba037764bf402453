internal import Kubernetes
internal import Wire

/// What holds only while an object is created.
enum CreateChecks {
    static func check(_ new: Message, _ report: inout Report) {
        if let pod = CoreV1.Pod(new) { PodChecks.create(pod, &report) }
        if let service = CoreV1.Service(new) { ServiceChecks.create(service, &report) }
    }
}

/// What may not change once an object is stored.
enum UpdateChecks {
    /// Checks of a changed object beyond its metadata; `full` runs the rules of its kind.
    static func check(
        _ new: Message, old: Message, subresource: String?, _ report: inout Report,
        full: (inout Report) -> Void
    ) {
        if subresource == "status" { return }
        if !onlyChanges.contains(new.type) { full(&report) }
        for field in immutable[new.type] ?? [] { compare(field, new, old, &report) }
        rules[new.type]?(new, old, subresource, &report)
    }

    // MARK: Fields that never change

    /// Kinds of which an update is checked for changes alone.
    private static let onlyChanges: Set<MessageType> = [
        SchedulingV1.PriorityClass.messageType, StorageV1.StorageClass.messageType,
        CertificatesV1.CertificateSigningRequest.messageType,
    ]

    /// Paths of fields that may not change, in the order of reports.
    private static let immutable: [MessageType: [[String]]] = [
        AppsV1.Deployment.messageType: [["spec", "selector"]],
        AppsV1.ReplicaSet.messageType: [["spec", "selector"]],
        AppsV1.DaemonSet.messageType: [["spec", "selector"]],
        CoreV1.Secret.messageType: [["type"]],
        CoreV1.ResourceQuota.messageType: [["spec", "scopes"]],
        DiscoveryV1.EndpointSlice.messageType: [["addressType"]],
        NetworkingV1.IngressClass.messageType: [["spec", "controller"]],
        NodeV1.RuntimeClass.messageType: [["handler"]],
        StorageV1.StorageClass.messageType: [
            ["parameters"], ["provisioner"], ["reclaimPolicy"], ["volumeBindingMode"],
        ],
        AppsV1.ControllerRevision.messageType: [["data"]],
        EventsV1.Event.messageType: [
            ["eventTime"], ["regarding"], ["related"], ["note"], ["reason"], ["type"],
            ["action"], ["reportingController"], ["reportingInstance"],
        ],
        BatchV1.Job.messageType: [
            ["spec", "selector"], ["spec", "completionMode"], ["spec", "podFailurePolicy"],
            ["spec", "backoffLimitPerIndex"], ["spec", "managedBy"], ["spec", "successPolicy"],
        ],
    ]

    static func compare(
        _ path: [String], _ new: Message, _ old: Message, _ report: inout Report
    ) {
        let value = new.value(at: path)
        if value != old.value(at: path) {
            report.invalid(path.joined(separator: "."), JSONValue(value), "field is immutable")
        }
    }

    // MARK: Kinds with rules of their own

    private typealias Rule = @Sendable (Message, Message, String?, inout Report) -> Void

    private static let rules: [MessageType: Rule] = Dictionary(uniqueKeysWithValues: [
        rule(CoreV1.Pod.self, PodUpdate.check),
        rule(CoreV1.Service.self) { new, old, _, report in
            ServiceUpdate.check(new, old, &report)
        },
        rule(CoreV1.ConfigMap.self) { new, old, _, report in
            sealed(new.tree, old.tree, ["data", "binaryData"], &report)
        },
        rule(CoreV1.Secret.self) { new, old, _, report in
            sealed(new.tree, old.tree, ["data"], &report)
        },
        rule(AppsV1.StatefulSet.self, statefulSet),
        rule(BatchV1.Job.self, job),
        rule(CoreV1.PersistentVolumeClaim.self, claim),
        rule(CoreV1.PersistentVolume.self, volume),
        rule(RbacV1.RoleBinding.self) { new, old, _, report in
            roleRef(new.roleRef, old.roleRef, &report)
        },
        rule(RbacV1.ClusterRoleBinding.self) { new, old, _, report in
            roleRef(new.roleRef, old.roleRef, &report)
        },
        rule(SchedulingV1.PriorityClass.self, priorityClass),
        rule(CertificatesV1.CertificateSigningRequest.self, CertificateUpdate.check),
    ])

    private static func rule<View: MessageView>(
        _ view: View.Type,
        _ body: @escaping @Sendable (View, View, String?, inout Report) -> Void
    ) -> (MessageType, Rule) {
        (View.messageType, { new, old, subresource, report in
            body(View(unchecked: new), View(unchecked: old), subresource, &report)
        })
    }

    /// A config map or secret that was declared immutable.
    private static func sealed(
        _ new: Message, _ old: Message, _ fields: [String], _ report: inout Report
    ) {
        guard old["immutable"] == .bool(true) else { return }
        let detail = "field is immutable when `immutable` is set"
        if new["immutable"] != .bool(true) { report.forbidden("immutable", detail) }
        for field in fields where new[field] != old[field] { report.forbidden(field, detail) }
    }

    @Sendable private static func statefulSet(
        _ new: AppsV1.StatefulSet, _ old: AppsV1.StatefulSet, _ subresource: String?,
        _ report: inout Report
    ) {
        var spec = new.spec
        spec.replicas = old.spec.replicas
        spec.ordinals = old.spec.ordinals
        spec.template = old.spec.template
        spec.updateStrategy = old.spec.updateStrategy
        spec.revisionHistoryLimit = old.spec.revisionHistoryLimit
        spec.persistentVolumeClaimRetentionPolicy = old.spec.persistentVolumeClaimRetentionPolicy
        spec.minReadySeconds = old.spec.minReadySeconds
        if spec == old.spec { return }
        report.forbidden("spec", "updates to statefulset spec for fields other than 'replicas', "
            + "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
            + "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")
    }

    /// The completions of an indexed job may follow its parallelism; the template of one that is
    /// suspended and never ran may be placed elsewhere.
    @Sendable private static func job(
        _ new: BatchV1.Job, _ old: BatchV1.Job, _ subresource: String?, _ report: inout Report
    ) {
        let isElastic = new.spec.completionMode == "Indexed"
            && new.spec.completions == new.spec.parallelism
        if !isElastic { compare(["spec", "completions"], new.tree, old.tree, &report) }
        var template = new.spec.template
        if old.spec.suspend == true, old.status.startTime == nil {
            let before = old.spec.template
            template.metadata.labels = before.metadata.labels
            template.metadata.annotations = before.metadata.annotations
            template.spec.nodeSelector = before.spec.nodeSelector
            template.spec.affinity = before.spec.affinity
            template.spec.tolerations = before.spec.tolerations
            template.spec.schedulingGates = before.spec.schedulingGates
        }
        if template != old.spec.template {
            report.invalid("spec.template", JSONValue(new.spec.template.value),
                "field is immutable")
        }
    }

    @Sendable private static func claim(
        _ new: CoreV1.PersistentVolumeClaim, _ old: CoreV1.PersistentVolumeClaim,
        _ subresource: String?, _ report: inout Report
    ) {
        var spec = new.spec
        if old.spec.volumeName.isEmpty { spec.volumeName = "" }
        if old.status.phase == "Bound" {
            spec.resources.requests = old.spec.resources.requests
            spec.volumeAttributesClassName = old.spec.volumeAttributesClassName
        }
        if spec != old.spec {
            report.forbidden("spec", "spec is immutable after creation except resources.requests "
                + "and volumeAttributesClassName for bound claims\n")
        }
        let before = old.spec.resources.requests["storage"]
        if let size = new.spec.resources.requests["storage"], let before,
            size.compare(before) < 0 {
            report.forbidden("spec.resources.requests.storage", "field can not be less than "
                + "status.capacity")
        }
    }

    @Sendable private static func volume(
        _ new: CoreV1.PersistentVolume, _ old: CoreV1.PersistentVolume, _ subresource: String?,
        _ report: inout Report
    ) {
        if new.spec.persistentVolumeSource != old.spec.persistentVolumeSource {
            report.forbidden("spec.persistentvolumesource",
                "spec.persistentvolumesource is immutable after creation\n")
        }
        compare(["spec", "volumeMode"], new.tree, old.tree, &report)
    }

    private static func roleRef(
        _ new: RbacV1.RoleRef, _ old: RbacV1.RoleRef, _ report: inout Report
    ) {
        if new != old { report.invalid("roleRef", InternalValue(new), "cannot change roleRef") }
    }

    @Sendable private static func priorityClass(
        _ new: SchedulingV1.PriorityClass, _ old: SchedulingV1.PriorityClass,
        _ subresource: String?, _ report: inout Report
    ) {
        if new.value != old.value {
            report.forbidden("value", "may not be changed in an update.")
        }
        compare(["preemptionPolicy"], new.tree, old.tree, &report)
    }
}

extension Message {
    /// What stands at a path of fields, or nil.
    func value(at path: [String]) -> Value? {
        guard let first = path.first, let value = self[first] else { return nil }
        if path.count == 1 { return value }
        guard case .message(let message) = value else { return nil }
        return message.value(at: Array(path.dropFirst()))
    }
}
