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
        let tree = requirements.tree
        if tree.isEmpty { return }
        let limits = amounts(of: tree["limits"])
        for (name, quantity) in limits {
            report.at("limits") { $0.at(key: name) { amount(name, quantity, &$0) } }
        }
        for (name, quantity) in amounts(of: tree["requests"]) {
            report.at("requests") { $0.at(key: name) { amount(name, quantity, &$0) } }
            let limit = limits.first { $0.name == name }?.quantity
            compare(name, quantity, to: limit, &report)
        }
    }

    /// In the order of names. They are few.
    private static func amounts(of value: Value?) -> [(name: String, quantity: Quantity)] {
        guard case .map(let map)? = value else { return [] }
        return map.entries.compactMap { entry in Quantity(entry.value).map { (entry.key, $0) } }
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
        if standard.contains(name) { return }
        let problems = Syntax.qualifiedName(name)
        report.invalid(nil, name, problems)
        let isKnown = name.hasPrefix("hugepages-") || name.hasPrefix("requests.hugepages-")
        if problems.isEmpty, !name.contains("/"), !isKnown {
            report.invalid(nil, name, "must be a standard resource type or fully qualified")
        }
    }

    /// An amount, which is not negative, and whole where it counts objects.
    static func quantityValue(_ name: String, _ quantity: Quantity, _ report: inout Report) {
        if quantity.text.utf8.first == UInt8(ascii: "-") {
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
        if request.text == limit.text { return }
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
