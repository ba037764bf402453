/// The annotations that carry what an older version of an autoscaler has no field for. The newest
/// version, which has a field for everything, does not keep them.
///
/// - Source: Kubernetes' pkg/apis/autoscaling.
public enum AutoscalerAnnotation: String, CaseIterable, Sendable {
    case metrics = "autoscaling.alpha.kubernetes.io/metrics"
    case currentMetrics = "autoscaling.alpha.kubernetes.io/current-metrics"
    case conditions = "autoscaling.alpha.kubernetes.io/conditions"
    case behavior = "autoscaling.alpha.kubernetes.io/behavior"
    /// Of versions between the two that are served.
    case scaleUpTolerance = "autoscaling.alpha.kubernetes.io/scale-up-tolerance"
    case scaleDownTolerance = "autoscaling.alpha.kubernetes.io/scale-down-tolerance"

    public static func removeAll(from annotations: inout [String: String]) {
        for annotation in allCases { annotations[annotation.rawValue] = nil }
    }
}
