internal import Kubernetes
internal import Wire

/// Rules of where a pod may run: selectors, affinity, tolerations, spreading.
enum PlacementChecks {
    static let tables: [TypeChecks] = [
        checks(MetaV1.LabelSelector.self, .labels("matchLabels"), .each("matchExpressions")),
        checks(MetaV1.LabelSelectorRequirement.self, .rule(labelRequirement)),
        checks(CoreV1.Affinity.self, .each("nodeAffinity", "podAffinity", "podAntiAffinity")),
        checks(CoreV1.NodeAffinity.self,
            .each("requiredDuringSchedulingIgnoredDuringExecution",
                "preferredDuringSchedulingIgnoredDuringExecution")),
        checks(CoreV1.NodeSelector.self,
            .required("nodeSelectorTerms", "must have at least one node selector term"),
            .each("nodeSelectorTerms")),
        checks(CoreV1.NodeSelectorTerm.self, .each("matchExpressions"), .rule(matchFields)),
        checks(CoreV1.NodeSelectorRequirement.self, .rule(nodeRequirement)),
        checks(CoreV1.PreferredSchedulingTerm.self,
            .rule { (term: CoreV1.PreferredSchedulingTerm, report) in
                weight(term.weight, &report)
            }, .each("preference")),
        checks(CoreV1.PodAffinity.self,
            .each("requiredDuringSchedulingIgnoredDuringExecution",
                "preferredDuringSchedulingIgnoredDuringExecution")),
        checks(CoreV1.PodAntiAffinity.self,
            .each("requiredDuringSchedulingIgnoredDuringExecution",
                "preferredDuringSchedulingIgnoredDuringExecution")),
        checks(CoreV1.WeightedPodAffinityTerm.self,
            .rule { (term: CoreV1.WeightedPodAffinityTerm, report) in
                weight(term.weight, &report)
            }, .each("podAffinityTerm")),
        checks(CoreV1.PodAffinityTerm.self,
            .each("labelSelector", "namespaceSelector"), .rule(affinityTerm)),
        checks(CoreV1.Toleration.self, .rule(toleration)),
        checks(CoreV1.TopologySpreadConstraint.self, .rule(spread), .each("labelSelector")),
    ]

    private static let listed = ["In", "NotIn"]
    private static let bare = ["Exists", "DoesNotExist"]

    @Sendable private static func labelRequirement(
        _ requirement: MetaV1.LabelSelectorRequirement, _ report: inout Report
    ) {
        values(requirement.values, of: requirement.operator, &report)
        if !listed.contains(requirement.operator), !bare.contains(requirement.operator) {
            report.invalid("operator", requirement.operator, "not a valid selector operator")
        }
        report.invalid("key", requirement.key, Syntax.qualifiedName(requirement.key))
        report.each("values", of: requirement.values) { report, value in
            report.invalid(nil, value, Syntax.labelValue(value))
        }
    }

    @Sendable private static func nodeRequirement(
        _ requirement: CoreV1.NodeSelectorRequirement, _ report: inout Report
    ) {
        values(requirement.values, of: requirement.operator, &report)
        switch requirement.operator {
        case "Gt", "Lt":
            if requirement.values.count != 1 {
                report.required("values",
                    "must be specified single value when `operator` is 'Lt' or 'Gt'")
            }
        case let other where !listed.contains(other) && !bare.contains(other):
            report.invalid("operator", other, "not a valid selector operator")
        default: break
        }
        report.invalid("key", requirement.key, Syntax.qualifiedName(requirement.key))
    }

    private static func values(
        _ values: [String], of selectorOperator: String, _ report: inout Report
    ) {
        if listed.contains(selectorOperator), values.isEmpty {
            report.required("values", "must be specified when `operator` is 'In' or 'NotIn'")
        }
        if bare.contains(selectorOperator), !values.isEmpty {
            report.forbidden("values",
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        }
    }

    @Sendable private static func matchFields(
        _ term: CoreV1.NodeSelectorTerm, _ report: inout Report
    ) {
        report.each("matchFields", of: term.matchFields) { report, requirement in
            if listed.contains(requirement.operator) {
                if requirement.values.count != 1 {
                    report.required("values", "must be only one value when `operator` is 'In' or "
                        + "'NotIn' for node field selector")
                }
            } else {
                report.invalid("operator", requirement.operator, "not a valid selector operator")
            }
            if requirement.key != "metadata.name" {
                report.invalid("key", requirement.key, "not a valid field selector key")
            } else {
                report.each("values", of: requirement.values) { report, name in
                    report.invalid(nil, name, Syntax.dnsSubdomain(name))
                }
            }
        }
    }

    private static func weight(_ weight: Int, _ report: inout Report) {
        if !(1...100).contains(weight) {
            report.invalid("weight", weight, "must be in the range 1-100")
        }
    }

    @Sendable private static func affinityTerm(
        _ term: CoreV1.PodAffinityTerm, _ report: inout Report
    ) {
        for name in term.namespaces { report.invalid("namespace", name, Syntax.dnsLabel(name)) }
        if term.topologyKey.isEmpty { report.required("topologyKey", "can not be empty") }
        report.invalid("topologyKey", term.topologyKey, Syntax.qualifiedName(term.topologyKey))
    }

    static let taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

    @Sendable private static func toleration(
        _ toleration: CoreV1.Toleration, _ report: inout Report
    ) {
        if !toleration.key.isEmpty {
            report.invalid("key", toleration.key, Syntax.qualifiedName(toleration.key))
        } else if toleration.operator != "Exists" {
            report.invalid("operator", toleration.operator, "operator must be Exists when `key` is "
                + "empty, which means \"match all values and all keys\"")
        }
        if toleration.tolerationSeconds != nil, toleration.effect != "NoExecute" {
            report.invalid("effect", toleration.effect,
                "effect must be 'NoExecute' when `tolerationSeconds` is set")
        }
        switch toleration.operator {
        case "Equal", "":
            let problems = Syntax.labelValue(toleration.value)
            if !problems.isEmpty {
                report.invalid("operator", toleration.value, problems.joined(separator: ";"))
            }
        case "Exists":
            if !toleration.value.isEmpty {
                report.invalid("operator", toleration.value,
                    "value must be empty when `operator` is 'Exists'")
            }
        default: report.notSupported("operator", toleration.operator, ["Equal", "Exists"])
        }
        if !toleration.effect.isEmpty { report.oneOf(taintEffects, "effect", toleration.effect) }
    }

    @Sendable private static func spread(
        _ constraint: CoreV1.TopologySpreadConstraint, _ report: inout Report
    ) {
        if constraint.maxSkew <= 0 {
            report.invalid("maxSkew", constraint.maxSkew, "must be greater than zero")
        }
        if constraint.topologyKey.isEmpty { report.required("topologyKey", "can not be empty") }
        report.oneOf(["DoNotSchedule", "ScheduleAnyway"], "whenUnsatisfiable",
            constraint.whenUnsatisfiable)
        if let domains = constraint.minDomains {
            if domains <= 0 { report.invalid("minDomains", domains, "must be greater than 0") }
            if constraint.whenUnsatisfiable != "DoNotSchedule" {
                report.invalid("minDomains", domains, "can only use minDomains if "
                    + "whenUnsatisfiable=DoNotSchedule, not \(constraint.whenUnsatisfiable)")
            }
        }
        for (name, policy) in [("nodeAffinityPolicy", constraint.nodeAffinityPolicy),
                               ("nodeTaintsPolicy", constraint.nodeTaintsPolicy)] {
            if let policy { report.oneOf(["Honor", "Ignore"], name, policy) }
        }
    }
}
