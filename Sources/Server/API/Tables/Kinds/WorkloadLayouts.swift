import Kubernetes
import Wire

extension TableLayout {
    static var workloadLayouts: Entries {
        [
            of(AppsV1.Deployment.self, [
                .name,
                .string("Ready") {
                    "\($0.subject.status.readyReplicas)/\($0.subject.spec.replicas ?? 0)"
                },
                .count("Up-to-date") { $0.subject.status.updatedReplicas },
                .count("Available") { $0.subject.status.availableReplicas }, .age,
            ] + podColumns { $0.spec.template.spec } + [
                Column.string("Selector") { $0.subject.spec.selector.shown }.wide,
            ]),
            of(AppsV1.ReplicaSet.self, [
                .name, .integer("Desired") { $0.subject.spec.replicas ?? 0 },
                .integer("Current") { $0.subject.status.replicas },
                .integer("Ready") { $0.subject.status.readyReplicas }, .age,
            ] + podColumns { $0.spec.template.spec } + [
                Column.string("Selector") { $0.subject.spec.selector.shown }.wide,
            ]),
            of(AppsV1.DaemonSet.self, [
                .name, .integer("Desired") { $0.subject.status.desiredNumberScheduled },
                .integer("Current") { $0.subject.status.currentNumberScheduled },
                .integer("Ready") { $0.subject.status.numberReady },
                .integer("Up-to-date") { $0.subject.status.updatedNumberScheduled },
                .integer("Available") { $0.subject.status.numberAvailable },
                .string("Node Selector") { $0.subject.spec.template.spec.nodeSelector.shown }, .age,
            ] + podColumns { $0.spec.template.spec } + [
                Column.string("Selector") { $0.subject.spec.selector.shown }.wide,
            ]),
            of(AppsV1.StatefulSet.self, [
                .name,
                .string("Ready") {
                    "\($0.subject.status.readyReplicas)/\($0.subject.spec.replicas ?? 0)"
                },
                .age,
            ] + podColumns { $0.spec.template.spec }),
            of(AppsV1.ControllerRevision.self, [
                .name, .string("Controller") { $0.metadata.controller ?? nothing },
                .count("Revision") { $0.subject.revision }, .age,
            ]),
            of(BatchV1.Job.self, [
                .name, .string("Status") { $0.subject.shownStatus },
                .string("Completions") { $0.subject.completions },
                .string("Duration") { $0.subject.duration(now: $0.now) }, .age,
            ] + podColumns { $0.spec.template.spec } + [
                Column.string("Selector") { $0.subject.spec.selector.shown }.wide,
            ]),
            of(BatchV1.CronJob.self, [
                .name, .string("Schedule") { $0.subject.spec.schedule },
                .string("Timezone") { $0.subject.spec.timeZone ?? nothing },
                Column(definition: TableColumn(name: "Suspend", kind: .boolean)) {
                    .string($0.subject.spec.suspend.shown)
                },
                .integer("Active") { $0.subject.status.active.count },
                .string("Last Schedule") { row in
                    row.subject.status.lastScheduleTime.map { row.age(of: $0) } ?? nothing
                },
                .age,
            ] + podColumns { $0.spec.jobTemplate.spec.template.spec } + [
                Column.string("Selector") {
                    $0.subject.spec.jobTemplate.spec.selector.shown
                }.wide,
            ]),
            of(PolicyV1.PodDisruptionBudget.self, [
                .name, .string("Min Available") { $0.subject.spec.minAvailable?.text ?? "N/A" },
                .string("Max Unavailable") { $0.subject.spec.maxUnavailable?.text ?? "N/A" },
                .integer("Allowed Disruptions") { $0.subject.status.disruptionsAllowed }, .age,
            ]),
        ]
    }
}

extension MetaV1.ObjectMeta {
    /// The object's controller: `statefulset.apps/web`.
    fileprivate var controller: String? {
        guard let owner = ownerReferences.first(where: { $0.controller == true })
        else { return nil }
        let group = owner.apiVersion.split(separator: "/").dropLast().first.map { ".\($0)" } ?? ""
        return "\(owner.kind.lowercased())\(group)/\(owner.name)"
    }
}

extension BatchV1.Job {
    private func has(_ condition: String) -> Bool {
        status.conditions.contains { $0.type == condition && $0.status == "True" }
    }

    fileprivate var shownStatus: String {
        if has("Complete") { return "Complete" }
        if has("Failed") { return "Failed" }
        if metadata.deletionTimestamp != nil { return "Terminating" }
        for state in ["Suspended", "FailureTarget", "SuccessCriteriaMet"] where has(state) {
            return state
        }
        return "Running"
    }

    fileprivate var completions: String {
        if let wanted = spec.completions { return "\(status.succeeded)/\(wanted)" }
        let parallelism = spec.parallelism ?? 0
        return parallelism > 1
            ? "\(status.succeeded)/1 of \(parallelism)" : "\(status.succeeded)/1"
    }

    fileprivate func duration(now: Timestamp) -> String {
        guard let start = status.startTime else { return "" }
        return humanAge(of: start, now: status.completionTime ?? now)
    }
}
