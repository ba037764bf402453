internal import Kubernetes
internal import Wire

/// Rules of the kinds that keep pods running.
enum WorkloadChecks {
    static let tables: [TypeChecks] = [
        checks(AppsV1.Deployment.self, .each("spec")),
        checks(AppsV1.DeploymentSpec.self,
            .atLeast(0, "replicas"), .rule { (spec: AppsV1.DeploymentSpec, report) in
                selector(spec.selector, spec.tree, of: "deployment", &report)
                template(spec.template, spec.selector, "ReplicaSet", &report)
            },
            .each("strategy"), .atLeast(0, "minReadySeconds", "revisionHistoryLimit",
                "progressDeadlineSeconds"),
            .rule(progress)),
        checks(AppsV1.DeploymentStrategy.self, .rule(deploymentStrategy)),
        checks(AppsV1.ReplicaSet.self, .each("spec")),
        checks(AppsV1.ReplicaSetSpec.self,
            .atLeast(0, "replicas", "minReadySeconds"),
            .rule { (spec: AppsV1.ReplicaSetSpec, report) in
                selector(spec.selector, spec.tree, of: "deployment", &report)
                template(spec.template, spec.selector, "ReplicaSet", &report)
            }),
        checks(AppsV1.StatefulSet.self, .each("spec")),
        checks(AppsV1.StatefulSetSpec.self,
            .rule(statefulSetPolicies), .each("persistentVolumeClaimRetentionPolicy"),
            .atLeast(0, "replicas", "minReadySeconds"), .each("ordinals"),
            .rule { (spec: AppsV1.StatefulSetSpec, report) in
                selector(spec.selector, spec.tree, of: "statefulset", &report)
                let claims = spec.volumeClaimTemplates.map(\.metadata.name)
                template(spec.template, spec.selector, "StatefulSet", claims: claims, &report)
            },
            .atLeast(0, "revisionHistoryLimit")),
        checks(AppsV1.StatefulSetOrdinals.self, .atLeast(0, "start")),
        checks(AppsV1.StatefulSetPersistentVolumeClaimRetentionPolicy.self,
            .oneOf("whenDeleted", "Retain", "Delete"), .oneOf("whenScaled", "Retain", "Delete")),
        checks(AppsV1.DaemonSet.self, .each("spec")),
        checks(AppsV1.DaemonSetSpec.self,
            .rule { (spec: AppsV1.DaemonSetSpec, report) in
                if spec.tree["selector"] != nil {
                    selector(spec.selector, spec.tree, of: "daemonset", &report)
                }
                template(spec.template, spec.selector, "DaemonSet", &report)
            },
            .atLeast(0, "minReadySeconds"), .rule(daemonSetStrategy),
            .atLeast(0, "revisionHistoryLimit")),
        checks(CoreV1.ReplicationController.self, .each("spec")),
        checks(CoreV1.ReplicationControllerSpec.self,
            .atLeast(0, "minReadySeconds"), .required("selector"), .atLeast(0, "replicas"),
            .rule(replicationController)),
        checks(AppsV1.ControllerRevision.self, .required("data", "data is mandatory"),
            .atLeast(0, "revision")),
    ]

    // MARK: Selector and template

    private static func selector(
        _ selector: MetaV1.LabelSelector?, _ spec: Message, of kind: String, _ report: inout Report
    ) {
        guard let selector else { return report.required("selector") }
        report.at("selector") { Rules.check(selector.tree, &$0) }
        if selector.tree.isEmpty {
            report.invalid("selector", JSONValue(selector.value),
                "empty selector is invalid for \(kind)")
        }
    }

    private static func template(
        _ template: CoreV1.PodTemplateSpec, _ selector: MetaV1.LabelSelector?, _ kind: String,
        claims: [String] = [], _ report: inout Report
    ) {
        report.at("template") { report in
            if !selects(selector, template) {
                report.invalid("metadata.labels", JSONValue(template.metadata.tree["labels"]),
                    "`selector` does not match template `labels`")
            }
            report.extraVolumes = claims
            Rules.check(template.tree, &report)
            report.extraVolumes = []
            let policy = template.spec.restartPolicy
            if policy != "Always" {
                report.notSupported("spec.restartPolicy", policy, ["Always"])
            }
            if template.spec.activeDeadlineSeconds != nil {
                report.forbidden("spec.activeDeadlineSeconds",
                    "activeDeadlineSeconds in \(kind) is not Supported")
            }
        }
    }

    /// No selector selects nothing, and neither does one that has been refused already.
    private static func selects(
        _ selector: MetaV1.LabelSelector?, _ template: CoreV1.PodTemplateSpec
    ) -> Bool {
        do throws(SelectorError) {
            return try LabelSelector(object: selector?.tree).matches(template.metadata.tree)
        } catch { return false }
    }

    @Sendable private static func replicationController(
        _ spec: CoreV1.ReplicationControllerSpec, _ report: inout Report
    ) {
        guard let template = spec.template else { return report.required("template") }
        let selector = MetaV1.LabelSelector { $0.matchLabels = spec.selector }
        self.template(template, selector, "ReplicationController", &report)
    }

    // MARK: Strategies

    @Sendable private static func progress(
        _ spec: AppsV1.DeploymentSpec, _ report: inout Report
    ) {
        guard let seconds = spec.progressDeadlineSeconds, seconds <= spec.minReadySeconds
        else { return }
        report.invalid("progressDeadlineSeconds", seconds,
            "must be greater than minReadySeconds")
    }

    @Sendable private static func deploymentStrategy(
        _ strategy: AppsV1.DeploymentStrategy, _ report: inout Report
    ) {
        switch strategy.type {
        case "Recreate":
            if strategy.rollingUpdate != nil {
                report.forbidden("rollingUpdate",
                    "may not be specified when strategy `type` is 'Recreate'")
            }
        case "RollingUpdate":
            guard let update = strategy.rollingUpdate else {
                return report.required("rollingUpdate",
                    "this should be defaulted and never be nil")
            }
            report.at("rollingUpdate") { rollingUpdate(update, &$0) }
        default:
            report.notSupported("type", strategy.type, ["Recreate", "RollingUpdate"])
        }
    }

    private static func rollingUpdate(
        _ update: AppsV1.RollingUpdateDeployment, _ report: inout Report
    ) {
        report.countOrPercent("maxUnavailable", update.maxUnavailable)
        report.countOrPercent("maxSurge", update.maxSurge)
        if isZero(update.maxUnavailable), isZero(update.maxSurge) {
            report.invalid("maxUnavailable", JSONValue(update.maxUnavailable),
                "may not be 0 when `maxSurge` is 0")
        }
        report.notAboveWhole("maxUnavailable", update.maxUnavailable)
    }

    @Sendable private static func daemonSetStrategy(
        _ spec: AppsV1.DaemonSetSpec, _ report: inout Report
    ) {
        let strategy = spec.updateStrategy
        switch strategy.type {
        case "OnDelete": break
        case "RollingUpdate":
            guard let update = strategy.rollingUpdate else {
                return report.required("updateStrategy.rollingUpdate")
            }
            report.at("updateStrategy.rollingUpdate") { rollingUpdate(update, &$0) }
        default:
            report.notSupported("updateStrategy", InternalValue(strategy),
                ["RollingUpdate", "OnDelete"])
        }
    }

    private static func rollingUpdate(
        _ update: AppsV1.RollingUpdateDaemonSet, _ report: inout Report
    ) {
        for (name, value) in [("maxUnavailable", update.maxUnavailable),
                              ("maxSurge", update.maxSurge)] {
            report.countOrPercent(name, value)
            report.notAboveWhole(name, value)
        }
        switch (isZero(update.maxUnavailable), isZero(update.maxSurge)) {
        case (false, false):
            report.invalid("maxSurge", JSONValue(update.maxSurge),
                "may not be set when maxUnavailable is non-zero")
        case (true, true): report.required("maxUnavailable", "cannot be 0 when maxSurge is 0")
        default: break
        }
    }

    @Sendable private static func statefulSetPolicies(
        _ spec: AppsV1.StatefulSetSpec, _ report: inout Report
    ) {
        switch spec.podManagementPolicy {
        case "OrderedReady", "Parallel": break
        case "": report.required("podManagementPolicy")
        default:
            report.invalid("podManagementPolicy", spec.podManagementPolicy,
                "must be 'OrderedReady' or 'Parallel'")
        }
        let strategy = spec.updateStrategy
        switch strategy.type {
        case "": report.required("updateStrategy")
        case "OnDelete":
            if let update = strategy.rollingUpdate {
                report.invalid("updateStrategy.rollingUpdate", InternalValue(update),
                    "only allowed for updateStrategy 'RollingUpdate'")
            }
        case "RollingUpdate":
            report.at("updateStrategy.rollingUpdate") { report in
                report.atLeast(0, "partition", strategy.rollingUpdate?.partition)
            }
        default:
            report.invalid("updateStrategy", InternalValue(strategy),
                "must be 'RollingUpdate' or 'OnDelete'")
        }
    }

    private static func isZero(_ value: IntOrString?) -> Bool {
        switch value {
        case nil: true
        case .int(let number)?: number == 0
        case .string(let text)?: text.hasSuffix("%") && Int(text.dropLast()) == 0
        }
    }
}

extension Report {
    /// A number that is not negative, or a percentage.
    mutating func countOrPercent(_ field: String, _ value: IntOrString?) {
        switch value {
        case nil: break
        case .int(let number)?: atLeast(0, field, number)
        case .string(let text)?: invalid(field, text, Syntax.percent(text))
        }
    }

    /// A percentage, if it is one, of at most 100.
    mutating func notAboveWhole(_ field: String, _ value: IntOrString?) {
        guard case .string(let text)? = value, let percent = Int(text.dropLast()), percent > 100,
            text.hasSuffix("%")
        else { return }
        invalid(field, text, "must not be greater than 100%")
    }
}
