import Kubernetes
import Wire

extension TableLayout {
    static var autoscalingLayouts: Entries {
        [
            of(AutoscalingV2.HorizontalPodAutoscaler.self, [
                .name,
                .string("Reference") {
                    "\($0.subject.spec.scaleTargetRef.kind)/\($0.subject.spec.scaleTargetRef.name)"
                },
                .string("Targets") { $0.subject.targets },
                .string("MinPods") { $0.subject.spec.minReplicas.map(String.init) ?? unset },
                .count("MaxPods") { $0.subject.spec.maxReplicas },
                .count("Replicas") { $0.subject.status.currentReplicas }, .age,
            ]),
            of(AutoscalingV1.HorizontalPodAutoscaler.self, [
                .name,
                .string("Reference") {
                    "\($0.subject.spec.scaleTargetRef.kind)/\($0.subject.spec.scaleTargetRef.name)"
                },
                .string("Targets") { $0.subject.targets },
                .string("MinPods") { $0.subject.spec.minReplicas.map(String.init) ?? unset },
                .count("MaxPods") { $0.subject.spec.maxReplicas },
                .count("Replicas") { $0.subject.status.currentReplicas }, .age,
            ]),
            of(AutoscalingV1.Scale.self, [
                .name, .integer("Desired") { $0.subject.spec.replicas },
                .integer("Available") { $0.subject.status.replicas }, .age,
            ]),
        ]
    }
}

extension AutoscalingV1.HorizontalPodAutoscaler {
    fileprivate var targets: String {
        guard let target = spec.targetCPUUtilizationPercentage else { return nothing }
        let current = status.currentCPUUtilizationPercentage.map { "\($0)%" } ?? unknown
        return "cpu: \(current)/\(target)%"
    }
}

extension AutoscalingV2.HorizontalPodAutoscaler {
    /// Each metric as current/target; at most two.
    fileprivate var targets: String {
        guard !spec.metrics.isEmpty else { return nothing }
        let current = status.currentMetrics
        let all = spec.metrics.enumerated().map { index, metric in
            metric.shown(current.indices.contains(index) ? current[index] : nil)
        }
        let shown = all.prefix(2).joined(separator: ", ")
        return all.count > 2 ? "\(shown) + \(all.count - 2) more..." : shown
    }
}

extension AutoscalingV2.MetricSpec {
    fileprivate func shown(_ status: AutoscalingV2.MetricStatus?) -> String {
        switch type {
        case "External":
            amount(status?.external?.current, external?.target)
        case "Pods":
            "\(status?.pods?.current.averageValue?.text ?? unknown)/"
                + (pods?.target.averageValue?.text ?? "")
        case "Object":
            amount(status?.object?.current, object?.target)
        case "Resource":
            share(resource?.name ?? "", status?.resource?.current, resource?.target)
        case "ContainerResource":
            share(containerResource?.name ?? "", status?.containerResource?.current,
                  containerResource?.target)
        default: "<unknown type>"
        }
    }

    private func amount(
        _ current: AutoscalingV2.MetricValueStatus?, _ target: AutoscalingV2.MetricTarget?
    ) -> String {
        guard let average = target?.averageValue else {
            return "\(current?.value?.text ?? unknown)/\(target?.value?.text ?? "")"
        }
        return "\(current?.averageValue?.text ?? unknown)/\(average.text) (avg)"
    }

    private func share(
        _ name: String, _ current: AutoscalingV2.MetricValueStatus?,
        _ target: AutoscalingV2.MetricTarget?
    ) -> String {
        if let average = target?.averageValue {
            return "\(name): \(current?.averageValue?.text ?? unknown)/\(average.text)"
        }
        let now = current?.averageUtilization.map { "\($0)%" } ?? unknown
        let wanted = target?.averageUtilization.map { "\($0)%" } ?? "<auto>"
        return "\(name): \(now)/\(wanted)"
    }
}
