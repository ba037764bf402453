internal import Kubernetes
internal import Wire

/// Rules of services.
enum ServiceChecks {
    static let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]

    static let tables: [TypeChecks] = [
        checks(CoreV1.Service.self, .each("spec")),
        checks(CoreV1.ServiceSpec.self,
            .rule(typed), .rule(ports), .labels("selector"),
            .oneOf("sessionAffinity", "ClientIP", "None", isRequired: true), .rule(affinity),
            .rule { (spec: CoreV1.ServiceSpec, report) in
                report.each("externalIPs", of: spec.externalIPs) { report, address in
                    let mark = report.errors.count
                    report.address(nil, address)
                    if report.isClean(since: mark) { report.ordinaryAddress(nil, address) }
                }
            },
            .oneOf("type", "ClusterIP", "ExternalName", "LoadBalancer", "NodePort",
                isRequired: true),
            .rule(nodePorts), .rule(repeatedPorts), .rule(traffic)),
    ]

    @Sendable private static func typed(_ spec: CoreV1.ServiceSpec, _ report: inout Report) {
        let isHeadless = spec.clusterIP == "None"
        if spec.ports.isEmpty, !isHeadless, spec.type != "ExternalName" {
            report.required("ports")
        }
        switch spec.type {
        case "LoadBalancer", "NodePort":
            if isHeadless {
                report.invalid("clusterIPs[0]", "None",
                    "may not be set to 'None' for \(spec.type) services")
            }
        case "ExternalName":
            if !spec.clusterIP.isEmpty {
                report.forbidden("clusterIPs", "may not be set for ExternalName services")
            }
            let name = spec.externalName.hasSuffix(".")
                ? String(spec.externalName.dropLast()) : spec.externalName
            if name.isEmpty {
                report.required("externalName")
            } else {
                report.invalid("externalName", name, Syntax.dnsSubdomain(name))
            }
        default: break
        }
    }

    @Sendable private static func ports(_ spec: CoreV1.ServiceSpec, _ report: inout Report) {
        var names: Set<String> = []
        let ports = spec.ports
        report.each("ports", of: ports) { report, port in
            if !port.name.isEmpty {
                report.invalid("name", port.name, Syntax.dnsLabel(port.name))
                if !names.insert(port.name).inserted { report.duplicate("name", port.name) }
            } else if ports.count > 1 {
                report.required("name")
            }
            report.within(1...65535, "port", port.port)
            report.oneOf(ContainerChecks.protocols, "protocol", port.protocol)
            report.port("targetPort", port.targetPort)
            if let name = port.appProtocol {
                report.invalid("appProtocol", name, Syntax.qualifiedName(name))
            }
        }
    }

    @Sendable private static func affinity(_ spec: CoreV1.ServiceSpec, _ report: inout Report) {
        switch spec.sessionAffinity {
        case "ClientIP":
            let path = "sessionAffinityConfig.clientIP.timeoutSeconds"
            guard let seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds else {
                return report.required(path)
            }
            if !(1...86400).contains(seconds) {
                report.invalid(path, seconds, "must be greater than 0 and less than 86400")
            }
        case "None":
            if spec.sessionAffinityConfig != nil {
                report.forbidden("sessionAffinityConfig",
                    "must not be set when session affinity is None")
            }
        default: break
        }
    }

    @Sendable private static func nodePorts(_ spec: CoreV1.ServiceSpec, _ report: inout Report) {
        guard spec.type == "ClusterIP" else { return }
        report.each("ports", of: spec.ports) { report, port in
            if port.nodePort != 0 {
                report.forbidden("nodePort", "may not be used when `type` is 'ClusterIP'")
            }
        }
    }

    @Sendable private static func repeatedPorts(
        _ spec: CoreV1.ServiceSpec, _ report: inout Report
    ) {
        guard spec.ports.count > 1 else { return }
        var seen: Set<CoreV1.ServicePort> = []
        report.each("ports", of: spec.ports) { report, port in
            let key = CoreV1.ServicePort {
                $0.protocol = port.protocol
                $0.port = port.port
            }
            if !seen.insert(key).inserted { report.duplicate(nil, JSONValue(key.value)) }
        }
    }

    @Sendable private static func traffic(_ spec: CoreV1.ServiceSpec, _ report: inout Report) {
        let policies = ["Cluster", "Local"]
        let isExternal = ["NodePort", "LoadBalancer"].contains(spec.type)
            || (spec.type == "ClusterIP" && !spec.externalIPs.isEmpty)
        if !spec.externalTrafficPolicy.isEmpty {
            if isExternal {
                report.oneOf(policies, "externalTrafficPolicy", spec.externalTrafficPolicy)
            } else {
                report.invalid("externalTrafficPolicy", spec.externalTrafficPolicy,
                    "may only be set for externally-accessible services")
            }
        }
        if let policy = spec.internalTrafficPolicy {
            report.oneOf(policies, "internalTrafficPolicy", policy)
        }
    }

    // MARK: Creation

    /// What an allocator would refuse.
    static func create(_ service: CoreV1.Service, _ report: inout Report) {
        guard report.isClean(since: 0) else { return }
        let range = report.context.nodePorts
        if service.spec.ipFamilyPolicy == "RequireDualStack", service.spec.clusterIP != "None"
            || !service.spec.selector.isEmpty {
            report.invalid("spec.ipFamilyPolicy", "RequireDualStack",
                "this cluster is not configured for dual-stack services")
        }
        report.at("spec") { report in
            report.each("ports", of: service.spec.ports) { report, port in
                if port.nodePort != 0, !range.contains(port.nodePort) {
                    report.invalid("nodePort", port.nodePort, "provided port is not in the valid "
                        + "range. The range of valid ports is "
                        + "\(range.lowerBound)-\(range.upperBound)")
                }
            }
        }
    }
}
