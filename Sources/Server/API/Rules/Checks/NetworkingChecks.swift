internal import Kubernetes
internal import Wire

/// Rules of networking.k8s.io and discovery.k8s.io.
enum NetworkingChecks {
    static let tables: [TypeChecks] = [
        checks(NetworkingV1.NetworkPolicy.self, .each("spec")),
        checks(NetworkingV1.NetworkPolicySpec.self, .each("podSelector", "ingress", "egress"),
            .rule(policyTypes)),
        checks(NetworkingV1.NetworkPolicyIngressRule.self, .each("ports", "from")),
        checks(NetworkingV1.NetworkPolicyEgressRule.self, .each("ports", "to")),
        checks(NetworkingV1.NetworkPolicyPort.self, .oneOf("protocol", "TCP", "UDP", "SCTP"),
            .rule(policyPort)),
        checks(NetworkingV1.NetworkPolicyPeer.self,
            .each("podSelector", "namespaceSelector", "ipBlock"), .rule(peer)),
        checks(NetworkingV1.IPBlock.self, .rule(block)),
        checks(NetworkingV1.Ingress.self, .each("spec"), .rule(ingressClassTwice)),
        checks(NetworkingV1.IngressSpec.self, .rule(ingress), .each("defaultBackend", "rules"),
            .rule(certificates), .form("ingressClassName", Syntax.dnsSubdomain)),
        checks(NetworkingV1.IngressRule.self, .rule(host), .each("ingressRuleValue")),
        checks(NetworkingV1.IngressRuleValue.self, .each("http")),
        checks(NetworkingV1.HTTPIngressRuleValue.self, .required("paths"), .each("paths")),
        checks(NetworkingV1.HTTPIngressPath.self, .rule(path)),
        checks(NetworkingV1.IngressBackend.self, .rule(backend)),
        checks(NetworkingV1.IngressClass.self, .each("spec")),
        checks(NetworkingV1.IngressClassSpec.self, .rule(controller)),
        checks(DiscoveryV1.EndpointSlice.self,
            .oneOf("addressType", "FQDN", "IPv4", "IPv6", isRequired: true), .rule(endpoints),
            .rule(ports)),
    ]

    // MARK: Network policies

    @Sendable private static func policyTypes(
        _ spec: NetworkingV1.NetworkPolicySpec, _ report: inout Report
    ) {
        if spec.policyTypes.count > 2 {
            return report.invalid("policyTypes", JSONValue(spec.policyTypes.value),
                "may not specify more than two policyTypes")
        }
        report.each("policyTypes", of: spec.policyTypes) { report, type in
            if !["Ingress", "Egress"].contains(type) {
                report.notSupported(nil, type, ["Ingress", "Egress"])
            }
        }
    }

    @Sendable private static func policyPort(
        _ port: NetworkingV1.NetworkPolicyPort, _ report: inout Report
    ) {
        switch (port.port, port.endPort) {
        case (.int(let number)?, let end):
            report.within(1...65535, "port", number)
            guard let end else { return }
            if end < number {
                report.invalid("endPort", number, "must be greater than or equal to `port`")
            }
            report.within(1...65535, "endPort", end)
        case (.string(let name)?, let end):
            if let end {
                report.invalid("endPort", end,
                    "may not be specified when `port` is non-numeric")
            }
            report.invalid("port", name, Syntax.portName(name))
        case (nil, let end?):
            report.invalid("endPort", end, "may not be specified when `port` is not specified")
        case (nil, nil): break
        }
    }

    @Sendable private static func peer(
        _ peer: NetworkingV1.NetworkPolicyPeer, _ report: inout Report
    ) {
        let hasSelector = peer.podSelector != nil || peer.namespaceSelector != nil
        switch (peer.ipBlock != nil, hasSelector) {
        case (false, false): report.required(nil, "must specify a peer")
        case (true, true): report.forbidden(nil, "may not specify both ipBlock and another peer")
        default: break
        }
    }

    @Sendable private static func block(_ block: NetworkingV1.IPBlock, _ report: inout Report) {
        if block.cidr.isEmpty { return report.required("cidr") }
        report.addressBlock("cidr", block.cidr)
        let whole = AddressBlock(block.cidr)
        report.each("except", of: block.except) { report, text in
            report.addressBlock(nil, text)
            guard let whole, let part = AddressBlock(text) else { return }
            if !whole.strictlyContains(part) {
                report.invalid(nil, text, "must be a strict subset of `cidr`")
            }
        }
    }

    // MARK: Ingresses

    @Sendable private static func ingress(
        _ spec: NetworkingV1.IngressSpec, _ report: inout Report
    ) {
        if spec.rules.isEmpty, spec.defaultBackend == nil {
            report.invalid(nil, JSONValue(nil as Value?),
                "either `defaultBackend` or `rules` must be specified")
        }
    }

    @Sendable private static func ingressClassTwice(
        _ ingress: NetworkingV1.Ingress, _ report: inout Report
    ) {
        let name = "kubernetes.io/ingress.class"
        if ingress.spec.ingressClassName != nil,
            let annotation = ingress.metadata.annotations[name] {
            report.invalid("metadata.annotations.\(name)", annotation,
                "can not be set when the class field is also set")
        }
    }

    @Sendable private static func host(_ rule: NetworkingV1.IngressRule, _ report: inout Report) {
        if rule.host.isEmpty { return }
        if Address(rule.host) != nil {
            report.invalid("host", rule.host, "must be a DNS name, not an IP address")
        }
        report.invalid("host", rule.host, hostProblems(rule.host))
    }

    private static func hostProblems(_ host: String) -> [String] {
        host.contains("*") ? Syntax.wildcardSubdomain(host) : Syntax.dnsSubdomain(host)
    }

    private static let sequences = ["//", "/./", "/../", "%2f", "%2F"]
    private static let endings = ["/..", "/."]

    @Sendable private static func path(
        _ path: NetworkingV1.HTTPIngressPath, _ report: inout Report
    ) {
        switch path.pathType {
        case nil: return report.required("pathType", "pathType must be specified")
        case "Exact"?, "Prefix"?:
            if !path.path.hasPrefix("/") {
                report.invalid("path", path.path, "must be an absolute path")
            }
            for part in sequences where path.path.contains(part) {
                report.invalid("path", path.path, "must not contain '\(part)'")
            }
            for part in endings where path.path.hasSuffix(part) {
                report.invalid("path", path.path, "cannot end with '\(part)'")
            }
        case "ImplementationSpecific"?:
            if !path.path.isEmpty, !path.path.hasPrefix("/") {
                report.invalid("path", path.path, "must be an absolute path")
            }
        case let other?:
            report.notSupported("pathType", other, ["Exact", "ImplementationSpecific", "Prefix"])
        }
        report.at("backend") { backend(path.backend, &$0) }
    }

    @Sendable private static func backend(
        _ backend: NetworkingV1.IngressBackend, _ report: inout Report
    ) {
        switch (backend.service, backend.resource) {
        case (.some, .some):
            report.invalid(nil, "", "cannot set both resource and service backends")
        case (nil, nil): report.invalid(nil, "", "resource or service backend is required")
        case (nil, let resource?):
            report.at("resource") { report in
                if resource.kind.isEmpty { report.required("kind") }
                if resource.name.isEmpty { report.required("name") }
            }
        case (let service?, nil): self.service(service, &report)
        }
    }

    private static func service(
        _ service: NetworkingV1.IngressServiceBackend, _ report: inout Report
    ) {
        if service.name.isEmpty {
            report.required("service.name")
        } else {
            report.invalid("service.name", service.name, Syntax.dnsLabel(service.name))
        }
        switch (service.port.name.isEmpty, service.port.number == 0) {
        case (false, false): report.invalid(nil, "", "cannot set both port name & port number")
        case (true, true): report.required(nil, "port name or number is required")
        case (false, true):
            report.invalid("service.port.name", service.port.name,
                Syntax.portName(service.port.name))
        case (true, false): report.within(1...65535, "service.port.number", service.port.number)
        }
    }

    @Sendable private static func certificates(
        _ spec: NetworkingV1.IngressSpec, _ report: inout Report
    ) {
        report.each("tls", of: spec.tls) { report, tls in
            report.each("hosts", of: tls.hosts) { report, host in
                report.invalid(nil, host, hostProblems(host))
            }
            if !tls.secretName.isEmpty {
                report.invalid("secretName", tls.secretName, Syntax.dnsSubdomain(tls.secretName))
            }
        }
    }

    @Sendable private static func controller(
        _ spec: NetworkingV1.IngressClassSpec, _ report: inout Report
    ) {
        let name = spec.controller
        if name.isEmpty { return report.required("controller") }
        if name.utf8.count > 250 { report.tooLong("controller", bytesMax: 250) }
        let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            return report.invalid("controller", name,
                #"must be a domain-prefixed path (such as "acme.io/foo")"#)
        }
        report.invalid("controller", String(parts[0]), Syntax.dnsSubdomain(String(parts[0])))
    }

    // MARK: Endpoint slices

    private static let addressesMax = 100

    @Sendable private static func endpoints(
        _ slice: DiscoveryV1.EndpointSlice, _ report: inout Report
    ) {
        report.each("endpoints", of: slice.endpoints) { report, endpoint in
            let addresses = endpoint.addresses
            if addresses.isEmpty {
                report.required("addresses", "must contain at least 1 address")
            } else if addresses.count > addressesMax {
                report.tooMany("addresses", count: addresses.count, countMax: addressesMax)
            }
            for address in addresses { self.address(address, slice.addressType, &report) }
            if let name = endpoint.hostname {
                report.invalid("hostname", name, Syntax.dnsLabel(name))
            }
            if let name = endpoint.nodeName {
                report.invalid("nodeName", name, Syntax.dnsSubdomain(name))
            }
        }
    }

    private static func address(_ text: String, _ type: String, _ report: inout Report) {
        switch (type, Address(text)) {
        case ("IPv4", .v4?), ("IPv6", .v6?): report.ordinaryAddress("addresses", text)
        case ("IPv4", _): report.invalid("addresses", text, "must be an IPv4 address")
        case ("IPv6", _): report.invalid("addresses", text, "must be an IPv6 address")
        case ("FQDN", _): report.invalid("addresses", text, Syntax.dnsSubdomain(text))
        default: break
        }
    }

    @Sendable private static func ports(
        _ slice: DiscoveryV1.EndpointSlice, _ report: inout Report
    ) {
        var names: Set<String> = []
        report.each("ports", of: slice.ports) { report, port in
            let name = port.name ?? ""
            if !name.isEmpty { report.invalid("name", name, Syntax.dnsLabel(name)) }
            if !names.insert(name).inserted { report.duplicate("name", name) }
            if let name = port.protocol {
                report.oneOf(ContainerChecks.protocols, "protocol", name)
            } else {
                report.required("protocol")
            }
            if let name = port.appProtocol {
                report.invalid("appProtocol", name, Syntax.qualifiedName(name))
            }
        }
    }
}
