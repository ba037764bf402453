internal import Kubernetes
internal import Wire

/// Defaults of the smaller groups.
enum OtherDefaults {
    static let tables: [TypeDefaults] = [
        defaults(RbacV1.RoleRef.self, ["apiGroup": Default(.string(AccessChecks.group))]),
        defaults(RbacV1.Subject.self) { subject in
            if subject.apiGroup.isEmpty, ["User", "Group"].contains(subject.kind) {
                subject.apiGroup = AccessChecks.group
            }
        },
        defaults(StorageV1.StorageClass.self, [
            "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate",
        ]),
        defaults(StorageV1.CSIDriverSpec.self, [
            "attachRequired": true, "podInfoOnMount": false, "storageCapacity": false,
            "fsGroupPolicy": "ReadWriteOnceWithFSType", "requiresRepublish": false,
            "seLinuxMount": false,
        ]) { spec in
            if spec.volumeLifecycleModes.isEmpty { spec.volumeLifecycleModes = ["Persistent"] }
        },
        defaults(SchedulingV1.PriorityClass.self, ["preemptionPolicy": "PreemptLowerPriority"]),
        defaults(AutoscalingV1.HorizontalPodAutoscalerSpec.self, ["minReplicas": 1]),
        defaults(AutoscalingV2.HorizontalPodAutoscaler.self) { autoscaler in
            if autoscaler.metadata.annotations.isEmpty { return }
            AutoscalerAnnotation.removeAll(from: &autoscaler.metadata.annotations)
        },
        defaults(AutoscalingV2.HorizontalPodAutoscalerSpec.self, ["minReplicas": 1]) { spec in
            if spec.metrics.isEmpty { spec.metrics = [cpuMetric] }
        },
        defaults(AutoscalingV2.HorizontalPodAutoscalerBehavior.self) { behavior in
            behavior.scaleUp = filled(behavior.scaleUp, stabilization: 0, policies: [
                policy("Pods", 4), policy("Percent", 100),
            ])
            behavior.scaleDown = filled(
                behavior.scaleDown, stabilization: nil, policies: [policy("Percent", 100)])
        },
        defaults(AdmissionregistrationV1.ValidatingAdmissionPolicySpec.self, [
            "failurePolicy": "Fail",
        ]),
        defaults(AdmissionregistrationV1.MutatingAdmissionPolicySpec.self, [
            "failurePolicy": "Fail",
        ]),
        defaults(AdmissionregistrationV1.MatchResources.self, [
            "matchPolicy": "Equivalent", "namespaceSelector": .empty(MetaV1.LabelSelector.self),
            "objectSelector": .empty(MetaV1.LabelSelector.self),
        ]),
        defaults(AdmissionregistrationV1.Rule.self, ["scope": "*"]),
        defaults(AdmissionregistrationV1.ValidatingWebhook.self, webhook),
        defaults(AdmissionregistrationV1.MutatingWebhook.self, webhook) { webhook in
            if webhook.reinvocationPolicy == nil { webhook.reinvocationPolicy = "Never" }
        },
        defaults(AdmissionregistrationV1.ServiceReference.self, ["port": 443]),
        defaults(ApiregistrationV1.ServiceReference.self, ["port": 443]),
    ]

    private static let webhook: KeyValuePairs<String, Default> = [
        "failurePolicy": "Fail", "matchPolicy": "Equivalent", "timeoutSeconds": 10,
        "namespaceSelector": .empty(MetaV1.LabelSelector.self),
        "objectSelector": .empty(MetaV1.LabelSelector.self),
    ]

    // MARK: Autoscalers

    private static let cpuMetric = AutoscalingV2.MetricSpec {
        $0.type = "Resource"
        $0.resource = AutoscalingV2.ResourceMetricSource {
            $0.name = "cpu"
            $0.target.type = "Utilization"
            $0.target.averageUtilization = 80
        }
    }

    private static func policy(_ type: String, _ value: Int) -> AutoscalingV2.HPAScalingPolicy {
        AutoscalingV2.HPAScalingPolicy {
            $0.type = type
            $0.value = value
            $0.periodSeconds = 15
        }
    }

    private static func filled(
        _ rules: AutoscalingV2.HPAScalingRules?, stabilization: Int?,
        policies: [AutoscalingV2.HPAScalingPolicy]
    ) -> AutoscalingV2.HPAScalingRules {
        var rules = rules ?? AutoscalingV2.HPAScalingRules()
        if rules.stabilizationWindowSeconds == nil {
            rules.stabilizationWindowSeconds = stabilization
        }
        if rules.selectPolicy == nil { rules.selectPolicy = "Max" }
        if rules.policies.isEmpty { rules.policies = policies }
        return rules
    }
}
