import Kubernetes
import Rules
import Wire

// autoscaling/v1 knows one metric, the share of CPU. All else that autoscaling/v2 says stands in
// annotations of v1 objects, so that a client of the old version loses nothing by writing one.

extension AutoscalingV2.HorizontalPodAutoscaler {
    /// An annotation that cannot be read counts for nothing, as in Kubernetes.
    init(_ old: AutoscalingV1.HorizontalPodAutoscaler) {
        let annotations = AutoscalerAnnotations(old.metadata.annotations)
        self.init {
            $0.metadata = old.metadata
            AutoscalerAnnotation.removeAll(from: &$0.metadata.annotations)
            $0.spec.scaleTargetRef = .init(old.spec.scaleTargetRef)
            $0.spec.minReplicas = old.spec.minReplicas
            $0.spec.maxReplicas = old.spec.maxReplicas
            $0.spec.metrics = annotations.list(.metrics).map(AutoscalingV2.MetricSpec.init)
                + [old.spec.targetCPUUtilizationPercentage].compactMap { $0 }.map { .cpu($0) }
            $0.spec.behavior = annotations.behavior
            $0.status = .init(old.status, annotations)
        }
    }
}

extension AutoscalingV1.HorizontalPodAutoscaler {
    init(_ new: AutoscalingV2.HorizontalPodAutoscaler) {
        self.init {
            $0.metadata = new.metadata
            var annotations = new.metadata.annotations
            AutoscalerAnnotation.removeAll(from: &annotations)
            annotations.put(
                .metrics, new.spec.metrics.filter { $0.cpuShare == nil }
                    .map(AutoscalingV1.MetricSpec.init))
            annotations.put(
                .currentMetrics, new.status.currentMetrics.map(AutoscalingV1.MetricStatus.init))
            annotations.put(
                .conditions,
                new.status.conditions.map(AutoscalingV1.HorizontalPodAutoscalerCondition.init))
            annotations.put(new.spec.behavior)
            $0.metadata.annotations = annotations
            $0.spec.scaleTargetRef = .init(new.spec.scaleTargetRef)
            $0.spec.minReplicas = new.spec.minReplicas
            $0.spec.maxReplicas = new.spec.maxReplicas
            $0.spec.targetCPUUtilizationPercentage = new.spec.metrics.lazy
                .compactMap(\.cpuShare).first
            $0.status.observedGeneration = new.status.observedGeneration
            $0.status.lastScaleTime = new.status.lastScaleTime
            $0.status.currentReplicas = new.status.currentReplicas
            $0.status.desiredReplicas = new.status.desiredReplicas
            $0.status.currentCPUUtilizationPercentage = new.status.currentMetrics
                .compactMap(\.cpuShare).last
        }
    }
}

extension AutoscalingV2.HorizontalPodAutoscalerStatus {
    fileprivate init(
        _ old: AutoscalingV1.HorizontalPodAutoscalerStatus, _ annotations: AutoscalerAnnotations
    ) {
        self.init {
            $0.observedGeneration = old.observedGeneration
            $0.lastScaleTime = old.lastScaleTime
            $0.currentReplicas = old.currentReplicas
            $0.desiredReplicas = old.desiredReplicas
            // The annotation has amounts beside shares, so it counts for more.
            if annotations.has(.currentMetrics) {
                $0.currentMetrics = annotations.list(.currentMetrics)
                    .map(AutoscalingV2.MetricStatus.init)
            } else if let share = old.currentCPUUtilizationPercentage {
                $0.currentMetrics = [AutoscalingV2.MetricStatus {
                    $0.type = "Resource"
                    $0.resource = .init {
                        $0.name = "cpu"
                        $0.current.averageUtilization = share
                    }
                }]
            }
            $0.conditions = annotations.list(.conditions)
                .map(AutoscalingV2.HorizontalPodAutoscalerCondition.init)
        }
    }
}

extension AutoscalingV2.MetricSpec {
    fileprivate static func cpu(_ percent: Int) -> Self {
        Self {
            $0.type = "Resource"
            $0.resource = .init {
                $0.name = "cpu"
                $0.target.type = "Utilization"
                $0.target.averageUtilization = percent
            }
        }
    }

    /// The percentage that is all v1 has room for; nil for every other metric.
    fileprivate var cpuShare: Int? {
        guard type == "Resource", let resource, resource.name == "cpu" else { return nil }
        return resource.target.averageUtilization
    }
}

extension AutoscalingV2.MetricStatus {
    fileprivate var cpuShare: Int? {
        guard type == "Resource", let resource, resource.name == "cpu" else { return nil }
        return resource.current.averageUtilization
    }
}

extension AutoscalingV2.CrossVersionObjectReference {
    init(_ old: AutoscalingV1.CrossVersionObjectReference) {
        self.init {
            $0.kind = old.kind
            $0.name = old.name
            $0.apiVersion = old.apiVersion
        }
    }
}

extension AutoscalingV1.CrossVersionObjectReference {
    init(_ new: AutoscalingV2.CrossVersionObjectReference) {
        self.init {
            $0.kind = new.kind
            $0.name = new.name
            $0.apiVersion = new.apiVersion
        }
    }
}

extension AutoscalingV2.HorizontalPodAutoscalerCondition {
    fileprivate init(_ old: AutoscalingV1.HorizontalPodAutoscalerCondition) {
        self.init {
            $0.type = old.type
            $0.status = old.status
            $0.lastTransitionTime = old.lastTransitionTime
            $0.reason = old.reason
            $0.message = old.message
        }
    }
}

extension AutoscalingV1.HorizontalPodAutoscalerCondition {
    fileprivate init(_ new: AutoscalingV2.HorizontalPodAutoscalerCondition) {
        self.init {
            $0.type = new.type
            $0.status = new.status
            $0.lastTransitionTime = new.lastTransitionTime
            $0.reason = new.reason
            $0.message = new.message
        }
    }
}
