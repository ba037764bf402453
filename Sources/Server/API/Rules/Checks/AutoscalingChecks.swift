internal import Kubernetes
internal import Wire

/// Rules of autoscalers, in both their versions, and of scales.
enum AutoscalingChecks {
    static let tables: [TypeChecks] = [
        checks(AutoscalingV1.Scale.self, .each("spec")),
        checks(AutoscalingV1.ScaleSpec.self, .atLeast(0, "replicas")),
        checks(AutoscalingV1.HorizontalPodAutoscaler.self, .each("spec")),
        checks(AutoscalingV1.HorizontalPodAutoscalerSpec.self,
            .rule { (spec: AutoscalingV1.HorizontalPodAutoscalerSpec, report) in
                bounds(spec.minReplicas, spec.maxReplicas, &report)
                let target = spec.scaleTargetRef
                scaled(target.apiVersion, target.kind, target.name, &report)
                let usage = spec.targetCPUUtilizationPercentage
                if let usage, usage < 1 {
                    report.invalid("metrics[0].resource.target.averageUtilization", usage,
                        "must be greater than 0")
                }
                if spec.minReplicas == 0 { toZero(&report) }
            }),
        checks(AutoscalingV2.HorizontalPodAutoscaler.self, .each("spec")),
        checks(AutoscalingV2.HorizontalPodAutoscalerSpec.self,
            .rule { (spec: AutoscalingV2.HorizontalPodAutoscalerSpec, report) in
                bounds(spec.minReplicas, spec.maxReplicas, &report)
                let target = spec.scaleTargetRef
                scaled(target.apiVersion, target.kind, target.name, &report)
                report.each("metrics", of: spec.metrics) { metric($1, &$0) }
                let isFromOutside = spec.metrics.contains {
                    $0.type == "Object" || $0.type == "External"
                }
                if spec.minReplicas == 0, !isFromOutside { toZero(&report) }
            }, .each("behavior")),
        checks(AutoscalingV2.HorizontalPodAutoscalerBehavior.self, .each("scaleUp", "scaleDown")),
        checks(AutoscalingV2.HPAScalingRules.self, .rule(scaling), .each("policies")),
        checks(AutoscalingV2.HPAScalingPolicy.self,
            .oneOf("type", "Percent", "Pods", isRequired: true),
            .rule { (policy: AutoscalingV2.HPAScalingPolicy, report) in
                if policy.value <= 0 {
                    report.invalid("value", policy.value, "must be greater than zero")
                }
                if policy.periodSeconds <= 0 {
                    report.invalid("periodSeconds", policy.periodSeconds,
                        "must be greater than zero")
                } else if policy.periodSeconds > 1800 {
                    report.invalid("periodSeconds", policy.periodSeconds,
                        "must be less than or equal to 1800")
                }
            }),
    ]

    private static func bounds(_ least: Int?, _ most: Int, _ report: inout Report) {
        report.atLeast(1, "minReplicas", least)
        if most == 0 {
            report.required("maxReplicas", "must be set and greater than 0")
        } else if most < 0 {
            report.invalid("maxReplicas", most, "must be greater than 0")
        }
        if let least, most < least {
            report.invalid("maxReplicas", most, "must be greater than or equal to `minReplicas`")
        }
    }

    private static func scaled(
        _ apiVersion: String, _ kind: String, _ name: String, _ report: inout Report
    ) {
        report.at("scaleTargetRef") { report in
            for (field, text) in [("kind", kind), ("name", name)] {
                if text.isEmpty {
                    report.required(field)
                } else {
                    report.invalid(field, text, Syntax.pathSegment(text))
                }
            }
            if !apiVersion.contains("/"), kind != "ReplicationController" {
                report.invalid("apiVersion", apiVersion, "apiVersion must specify API group")
            }
        }
    }

    private static func toZero(_ report: inout Report) {
        report.forbidden("metrics", "must specify at least one Object or External metric to "
            + "support scaling to zero replicas")
    }

    // MARK: Metrics

    private static let sources = [
        "ContainerResource": "containerResource", "External": "external", "Object": "object",
        "Pods": "pods", "Resource": "resource",
    ]

    private static func metric(_ metric: AutoscalingV2.MetricSpec, _ report: inout Report) {
        if metric.type.isEmpty {
            report.required("type", "must specify a metric source type")
        }
        let types = sources.keys.sorted()
        if let problem = content(of: metric) { problem(&report) }
        guard let expected = sources[metric.type] else {
            // Once as a value, and once for want of a source of that name.
            for _ in 0..<2 { report.notSupported("type", metric.type, types) }
            return
        }
        let given = metric.tree.type.fields.filter {
            $0.kind == .message && metric.tree[$0.number] != nil
        }
        if !given.contains(where: { $0.name == expected }) {
            report.required(expected, "must populate information for the given metric source")
        }
        for field in given where field.name != expected {
            report.forbidden(field.name, "must populate the given metric source only")
        }
    }

    private static func content(
        of metric: AutoscalingV2.MetricSpec
    ) -> ((inout Report) -> Void)? {
        if let source = metric.object {
            return { $0.at("object") { identified(source.metric.name, source.target, &$0) } }
        }
        if let source = metric.external {
            return { $0.at("external") { identified(source.metric.name, source.target, &$0) } }
        }
        if let source = metric.pods {
            return { $0.at("pods") { report in
                identified(source.metric.name, source.target, &report)
                if (source.target.averageValue?.sign ?? 0) < 1 {
                    report.required("target.averageValue",
                        "must specify a positive target averageValue")
                }
            } }
        }
        if let source = metric.resource {
            return { $0.at("resource") { resource(source.name, source.target, &$0) } }
        }
        if let source = metric.containerResource {
            return { $0.at("containerResource") { report in
                if source.container.isEmpty {
                    report.required("container", "must specify a container")
                }
                resource(source.name, source.target, &report)
            } }
        }
        return nil
    }

    private static func identified(
        _ name: String, _ target: AutoscalingV2.MetricTarget, _ report: inout Report
    ) {
        if name.isEmpty {
            report.required("metric.name", "must specify a metric name")
        } else {
            report.invalid("metric.name", name, Syntax.pathSegment(name))
        }
        amounts(target, &report)
    }

    private static func resource(
        _ name: String, _ target: AutoscalingV2.MetricTarget, _ report: inout Report
    ) {
        if name.isEmpty { report.required("name", "must specify a resource name") }
        amounts(target, &report)
        switch (target.averageUtilization, target.averageValue) {
        case (nil, nil):
            report.required("target.averageUtilization",
                "must set either a target raw value or a target utilization")
        case (.some, .some):
            report.forbidden("target.averageValue",
                "may not set both a target raw value and a target utilization")
        default: break
        }
    }

    private static func amounts(
        _ target: AutoscalingV2.MetricTarget, _ report: inout Report
    ) {
        report.at("target") { report in
            if target.type.isEmpty {
                report.required("type", "must specify a metric target type")
            } else if !["Utilization", "Value", "AverageValue"].contains(target.type) {
                report.invalid("type", target.type,
                    "must be either Utilization, Value, or AverageValue")
            }
            if let usage = target.averageUtilization, usage < 1 {
                report.invalid("averageUtilization", usage, "must be greater than 0")
            }
            if let value = target.value, value.sign != 1 {
                report.invalid("value", value.text, "must be positive")
            }
            if let value = target.averageValue, value.sign != 1 {
                report.invalid("averageValue", value.text, "must be positive")
            }
        }
    }

    // MARK: Behavior

    @Sendable private static func scaling(
        _ rules: AutoscalingV2.HPAScalingRules, _ report: inout Report
    ) {
        if let seconds = rules.stabilizationWindowSeconds {
            if seconds < 0 {
                report.invalid("stabilizationWindowSeconds", seconds,
                    "must be greater than or equal to zero")
            } else if seconds > 3600 {
                report.invalid("stabilizationWindowSeconds", seconds,
                    "must be less than or equal to 3600")
            }
        }
        if let policy = rules.selectPolicy {
            report.oneOf(["Disabled", "Max", "Min"], "selectPolicy", policy)
        }
        if rules.policies.isEmpty {
            report.required("policies", "must specify at least one Policy")
        }
    }
}
