import Kubernetes
import Wire

extension TableLayout {
    static var networkLayouts: Entries {
        [
            of(NetworkingV1.Ingress.self, [
                .name, .string("Class") { $0.subject.spec.ingressClassName ?? nothing },
                .string("Hosts") { $0.subject.spec.hosts },
                .string("Address") { row in
                    row.subject.status.loadBalancer.ingress.map { $0.ip.or($0.hostname) }.joined
                },
                .string("Ports") { $0.subject.spec.tls.isEmpty ? "80" : "80, 443" }, .age,
            ]),
            of(NetworkingV1.IngressClass.self, [
                .name, .string("Controller") { $0.subject.spec.controller },
                .string("Parameters") { row in
                    guard let parameters = row.subject.spec.parameters else { return nothing }
                    let group = parameters.apiGroup.map { ".\($0)" } ?? ""
                    return "\(parameters.kind)\(group)/\(parameters.name)"
                },
                .age,
            ]),
            of(NetworkingV1.NetworkPolicy.self, [
                .name,
                .string("Pod-Selector") { Optional($0.subject.spec.podSelector).shown }, .age,
            ]),
            of(NetworkingV1.ServiceCIDR.self, [
                .name, .string("CIDRs") { $0.subject.spec.cidrs.joined }, .age,
            ]),
            of(NetworkingV1.IPAddress.self, [
                .name,
                .string("ParentRef") { row in
                    guard let parent = row.subject.spec.parentRef else { return nothing }
                    let resource = parent.group.isEmpty
                        ? parent.resource : "\(parent.resource).\(parent.group)"
                    return "\(resource)/\(parent.namespace)/\(parent.name)"
                },
                .age,
            ]),
            of(DiscoveryV1.EndpointSlice.self, [
                .name, .string("AddressType") { $0.subject.addressType },
                .string("Ports") { row in
                    row.subject.ports.map { port in port.port.map(String.init) ?? "*" }
                        .shown(max: 3).or(unset)
                },
                .string("Endpoints") {
                    $0.subject.endpoints.flatMap(\.addresses).shown(max: 3).or(unset)
                },
                .age,
            ]),
        ]
    }
}

extension NetworkingV1.IngressSpec {
    fileprivate var hosts: String {
        rules.map(\.host).filter { !$0.isEmpty }.shown(max: 3).or("*")
    }
}
