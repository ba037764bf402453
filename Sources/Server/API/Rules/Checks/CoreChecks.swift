internal import Kubernetes
internal import Wire

/// Rules of the kinds of core that are neither pods nor workloads nor services nor storage.
enum CoreChecks {
    static let tables: [TypeChecks] = [
        checks(CoreV1.ConfigMap.self, .rule(configMap)),
        checks(CoreV1.Secret.self, .rule(secret)),
        checks(CoreV1.Endpoints.self, .each("subsets")),
        checks(CoreV1.EndpointSubset.self, .rule(endpointSubset), .each("addresses"),
            .each("notReadyAddresses"), .rule(endpointPorts)),
        checks(CoreV1.EndpointAddress.self, .rule(endpointAddress)),
        checks(CoreV1.LimitRange.self, .each("spec")),
        checks(CoreV1.LimitRangeSpec.self, .rule(limits)),
        checks(CoreV1.ResourceQuota.self, .each("spec")),
        checks(CoreV1.ResourceQuotaSpec.self, .rule(quota)),
        checks(CoreV1.Node.self, .each("spec")),
        checks(CoreV1.NodeSpec.self, .each("taints")),
        checks(CoreV1.Taint.self, .form("key", Syntax.qualifiedName, isRequired: true),
            .rule { (taint: CoreV1.Taint, report) in
                let problems = Syntax.labelValue(taint.value)
                if !problems.isEmpty {
                    report.invalid("value", taint.value, problems.joined(separator: ";"))
                }
            },
            .oneOf("effect", "NoSchedule", "PreferNoSchedule", "NoExecute", isRequired: true)),
        checks(CoreV1.Event.self, .rule(event)),
        checks(EventsV1.Event.self, .rule(newEvent)),
    ]

    // MARK: Configuration

    private static let dataBytesMax = 1024 * 1024

    @Sendable private static func configMap(_ map: CoreV1.ConfigMap, _ report: inout Report) {
        var byteCount = 0
        let binary = keys(of: map.tree["binaryData"])
        for (key, size) in keys(of: map.tree["data"]) {
            report.at("data") { report in
                report.at(key: key) { report in
                    report.invalid(nil, key, Syntax.configKey(key))
                    if binary.contains(where: { $0.key == key }) {
                        report.invalid(nil, key, "duplicate of key present in binaryData")
                    }
                }
            }
            byteCount += size
        }
        for (key, size) in binary {
            report.at("binaryData") { report in
                report.at(key: key) { $0.invalid(nil, key, Syntax.configKey(key)) }
            }
            byteCount += size
        }
        if byteCount > dataBytesMax { report.tooLong("", bytesMax: dataBytesMax) }
    }

    private static func keys(of value: Value?) -> [(key: String, bytes: Int)] {
        guard case .map(let map)? = value else { return [] }
        return map.entries.map { entry in
            switch entry.value {
            case .string(let text): (entry.key, text.utf8.count)
            case .bytes(let bytes): (entry.key, bytes.count)
            default: (entry.key, 0)
            }
        }
    }

    @Sendable private static func secret(_ secret: CoreV1.Secret, _ report: inout Report) {
        let data = keys(of: secret.tree["data"])
        report.at("data") { report in
            for (key, _) in data {
                report.at(key: key) { $0.invalid(nil, key, Syntax.configKey(key)) }
            }
        }
        if data.reduce(0, { $0 + $1.bytes }) > dataBytesMax {
            report.tooLong("data", bytesMax: dataBytesMax)
        }
        if secret.type == "kubernetes.io/service-account-token" {
            let name = "kubernetes.io/service-account.name"
            if secret.metadata.annotations[name, default: ""].isEmpty {
                report.required("metadata.annotations[\(name)]")
            }
        }
        report.at("data") { typedSecret(secret.type, secret.data, &$0) }
    }

    /// The keys that a secret of some type must have.
    private static func typedSecret(
        _ type: String, _ data: [String: [UInt8]], _ report: inout Report
    ) {
        func require(_ keys: String..., isEmptyFine: Bool) {
            for key in keys where data[key] == nil || (!isEmptyFine && data[key]?.isEmpty == true) {
                report.at(key: key) { $0.required() }
            }
        }
        switch type {
        case "kubernetes.io/dockercfg": json(".dockercfg", data, &report)
        case "kubernetes.io/dockerconfigjson": json(".dockerconfigjson", data, &report)
        case "kubernetes.io/basic-auth":
            if data["username"] == nil, data["password"] == nil {
                require("username", "password", isEmptyFine: true)
            }
        case "kubernetes.io/ssh-auth": require("ssh-privatekey", isEmptyFine: false)
        case "kubernetes.io/tls": require("tls.crt", "tls.key", isEmptyFine: true)
        default: break
        }
    }

    private static func json(
        _ key: String, _ data: [String: [UInt8]], _ report: inout Report
    ) {
        report.at(key: key) { report in
            guard let bytes = data[key] else { return report.required() }
            do throws(JSONError) {
                _ = try Value(json: bytes)
            } catch {
                report.invalid(nil, "<secret contents redacted>", error.description)
            }
        }
    }

    // MARK: Endpoints

    @Sendable private static func endpointSubset(
        _ subset: CoreV1.EndpointSubset, _ report: inout Report
    ) {
        if subset.addresses.isEmpty, subset.notReadyAddresses.isEmpty {
            report.required(nil, "must specify `addresses` or `notReadyAddresses`")
        }
    }

    @Sendable private static func endpointAddress(
        _ address: CoreV1.EndpointAddress, _ report: inout Report
    ) {
        report.address("ip", address.ip)
        if !address.hostname.isEmpty {
            report.invalid("hostname", address.hostname, Syntax.dnsLabel(address.hostname))
        }
        if let name = address.nodeName {
            report.invalid("nodeName", name, Syntax.dnsSubdomain(name))
        }
        report.ordinaryAddress("ip", address.ip)
    }

    @Sendable private static func endpointPorts(
        _ subset: CoreV1.EndpointSubset, _ report: inout Report
    ) {
        let ports = subset.ports
        report.each("ports", of: ports) { report, port in
            if !port.name.isEmpty {
                report.invalid("name", port.name, Syntax.dnsLabel(port.name))
            } else if ports.count > 1 {
                report.required("name")
            }
            report.within(1...65535, "port", port.port)
            report.oneOf(ContainerChecks.protocols, "protocol", port.protocol)
        }
    }

    // MARK: Limits and quotas

    @Sendable private static func limits(
        _ spec: CoreV1.LimitRangeSpec, _ report: inout Report
    ) {
        var types: Set<String> = []
        report.each("limits", of: spec.limits) { report, item in
            if !types.insert(item.type).inserted { report.duplicate("type", item.type) }
            limit(item, &report)
        }
    }

    private static func limit(_ item: CoreV1.LimitRangeItem, _ report: inout Report) {
        if item.type == "Pod" {
            for (name, amounts) in [("default", item.default),
                                    ("defaultRequest", item.defaultRequest)]
            where !amounts.isEmpty {
                report.forbidden(name, "may not be specified when `type` is 'Pod'")
            }
        }
        if item.type == "PersistentVolumeClaim", item.min["storage"] == nil,
            item.max["storage"] == nil {
            report.required("limits", "either minimum or maximum storage value is required, "
                + "but neither was provided")
        }
        let names = Set(item.max.keys).union(item.min.keys).union(item.default.keys)
            .union(item.defaultRequest.keys).union(item.maxLimitRequestRatio.keys)
        for name in names.sorted(by: { $0.precedes($1) }) { order(of: name, item, &report) }
    }

    /// Minimum, request, default and maximum must stand in this order.
    private static func order(
        of name: String, _ item: CoreV1.LimitRangeItem, _ report: inout Report
    ) {
        let (least, most) = (item.min[name], item.max[name])
        let (request, standard) = (item.defaultRequest[name], item.default[name])
        func check(
            _ low: (String, Quantity?), _ high: (String, Quantity?), _ field: String,
            _ shown: Quantity?
        ) {
            guard let a = low.1, let b = high.1, let shown, a.compare(b) > 0 else { return }
            let verb = field == "min" || low.0 != "min" ? "is greater than" : "is greater than"
            report.invalid("\(field)[\(name)]", shown.text,
                "\(low.0) value \(a.text) \(verb) \(high.0) value \(b.text)")
        }
        check(("min", least), ("max", most), "min", least)
        check(("min", least), ("default request", request), "defaultRequest", request)
        check(("default request", request), ("max", most), "defaultRequest", request)
        check(("default request", request), ("default limit", standard), "defaultRequest", request)
        check(("min", least), ("default", standard), "default", least)
        check(("default", standard), ("max", most), "default", most)
        if let ratio = item.maxLimitRequestRatio[name], ratio.compare(Quantity(1)) < 0 {
            report.invalid("maxLimitRequestRatio[\(name)]", ratio.text,
                "ratio \(ratio.text) is less than 1")
        }
    }

    private static let scopes: Set<String> = [
        "Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass",
        "CrossNamespacePodAffinity", "VolumeAttributesClass",
    ]
    private static let ofPods: Set<String> = [
        "pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory",
    ]
    private static let counted: Set<String> = ofPods.union([
        "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
        "requests.storage", "requests.ephemeral-storage", "limits.ephemeral-storage",
        "ephemeral-storage",
    ])

    @Sendable private static func quota(
        _ spec: CoreV1.ResourceQuotaSpec, _ report: inout Report
    ) {
        let hard = spec.hard.sorted { $0.key.precedes($1.key) }
        for (name, quantity) in hard {
            report.at("hard") { report in
                report.at(key: name) { report in
                    ResourceChecks.resourceName(name, &report)
                    ResourceChecks.quantityValue(name, quantity, &report)
                }
            }
        }
        let shown = JSONValue(spec.scopes.value)
        for scope in spec.scopes {
            guard scopes.contains(scope) else {
                report.invalid("scopes", shown, "unsupported scope")
                continue
            }
            let fitting: Set<String> = scope == "BestEffort" ? ["pods"] : ofPods
            for (name, _) in hard where counted.contains(name) && !fitting.contains(name) {
                report.invalid("scopes", shown, "unsupported scope applied to resource")
            }
        }
        for pair in [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]]
        where pair.allSatisfy(spec.scopes.contains) {
            report.invalid("scopes", shown, "conflicting scopes")
        }
    }

    // MARK: Events

    @Sendable private static func event(_ event: CoreV1.Event, _ report: inout Report) {
        about(event.involvedObject.namespace, event.metadata.namespace, &report)
    }

    @Sendable private static func newEvent(_ event: EventsV1.Event, _ report: inout Report) {
        about(event.regarding.namespace, event.metadata.namespace, &report)
        if event.eventTime == nil {
            report.required("eventTime")
        } else {
            if event.reportingController.isEmpty { report.required("reportingController") }
            report.invalid("reportingController", event.reportingController,
                event.reportingController.isEmpty
                    ? [] : Syntax.qualifiedName(event.reportingController))
            for (name, text) in [("reportingInstance", event.reportingInstance),
                                 ("action", event.action), ("reason", event.reason)]
            where text.isEmpty { report.required(name) }
        }
        if !["Normal", "Warning"].contains(event.type) {
            report.invalid("type", "", "has invalid value: \(event.type)")
        }
    }

    private static func about(_ subject: String, _ namespace: String, _ report: inout Report) {
        let isFine = subject.isEmpty
            ? ["", "default"].contains(namespace) : subject == namespace
        if !isFine {
            report.invalid("involvedObject.namespace", subject, "does not match event.namespace")
        }
    }
}

extension Report {
    /// An address that a machine elsewhere can be reached at.
    mutating func ordinaryAddress(_ field: String?, _ text: String) {
        guard let address = Address(text) else {
            return invalid(field, text, "must be a valid IP address")
        }
        if address.isUnspecified {
            invalid(field, text, "may not be unspecified (0.0.0.0 or ::)")
        }
        if address.isLoopback {
            invalid(field, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
        }
        if address.isLinkLocal {
            invalid(field, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
        }
        if address.isLinkLocalMulticast {
            invalid(field, text,
                "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
        }
    }
}
