internal import Kubernetes
internal import Wire

/// Rules of amounts: what containers request, what quotas and ranges limit.
enum ResourceChecks {
    static let tables: [TypeChecks] = [
        checks(CoreV1.ResourceRequirements.self, .rule(requirements)),
        checks(CoreV1.ContainerResizePolicy.self,
            .oneOf("resourceName", "cpu", "memory", isRequired: true),
            .oneOf("restartPolicy", "NotRequired", "RestartContainer", isRequired: true)),
    ]

    private static let standard: Set<String> = [
        "cpu", "memory", "ephemeral-storage", "storage", "pods", "services",
        "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
        "requests.cpu", "requests.memory", "requests.ephemeral-storage", "requests.storage",
        "limits.cpu", "limits.memory", "limits.ephemeral-storage",
    ]
    private static let ofContainers: Set<String> = ["cpu", "memory", "ephemeral-storage"]
    private static let whole: Set<String> = [
        "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    ]

    @Sendable private static func requirements(
        _ requirements: CoreV1.ResourceRequirements, _ report: inout Report
    ) {
        if requirements.tree.isEmpty { return }
        let limits = requirements.limits
        let requests = requirements.requests
        amounts("limits", limits, &report)
        for (name, quantity) in sorted(requests) {
            report.at("requests") { report in
                report.at(key: name) { amount(name, quantity, &$0) }
            }
            compare(name, quantity, to: limits[name], &report)
        }
    }

    private static func amounts(
        _ field: String, _ amounts: [String: Quantity], _ report: inout Report
    ) {
        for (name, quantity) in sorted(amounts) {
            report.at(field) { report in report.at(key: name) { amount(name, quantity, &$0) } }
        }
    }

    private static func sorted(_ amounts: [String: Quantity]) -> [(key: String, value: Quantity)] {
        amounts.count < 2 ? Array(amounts) : amounts.sorted { $0.key.precedes($1.key) }
    }

    private static func amount(_ name: String, _ quantity: Quantity, _ report: inout Report) {
        resourceName(name, &report)
        if !name.contains("/"), !name.hasPrefix("hugepages-"), !ofContainers.contains(name) {
            report.invalid(nil, name, "must be a standard resource for containers")
        }
        quantityValue(name, quantity, &report)
    }

    /// A name that stands for an amount of something.
    static func resourceName(_ name: String, _ report: inout Report) {
        let problems = Syntax.qualifiedName(name)
        report.invalid(nil, name, problems)
        let isKnown = standard.contains(name) || name.hasPrefix("hugepages-")
            || name.hasPrefix("requests.hugepages-")
        if problems.isEmpty, !name.contains("/"), !isKnown {
            report.invalid(nil, name, "must be a standard resource type or fully qualified")
        }
    }

    /// An amount, which is not negative, and whole where it counts objects.
    static func quantityValue(_ name: String, _ quantity: Quantity, _ report: inout Report) {
        if quantity.sign < 0 {
            report.invalid(nil, quantity.text, "must be greater than or equal to 0")
        }
        let isCount = whole.contains(name) || name.hasPrefix("count/") || isExtended(name)
        if isCount, quantity.compare(Quantity(Int(quantity.units))) != 0 {
            report.invalid(nil, quantity.text, "must be an integer")
        }
    }

    private static func isExtended(_ name: String) -> Bool {
        name.contains("/") && !name.hasPrefix("requests.") && !name.contains("kubernetes.io/")
    }

    private static func compare(
        _ name: String, _ request: Quantity, to limit: Quantity?, _ report: inout Report
    ) {
        let isExact = isExtended(name) || name.hasPrefix("hugepages-")
        guard let limit else {
            if isExact {
                report.required("limits", "Limit must be set for non overcommitable resources")
            }
            return
        }
        let order = request.compare(limit)
        if isExact, order != 0 {
            report.invalid("requests", request.text,
                "must be equal to \(name) limit of \(limit.text)")
        } else if order > 0 {
            report.invalid("requests", request.text,
                "must be less than or equal to \(name) limit of \(limit.text)")
        }
    }
}
