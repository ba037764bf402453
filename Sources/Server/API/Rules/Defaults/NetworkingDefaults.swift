internal import Kubernetes
internal import Wire

/// Defaults of networking.k8s.io and discovery.k8s.io.
enum NetworkingDefaults {
    static let tables: [TypeDefaults] = [
        defaults(NetworkingV1.NetworkPolicyPort.self, ["protocol": "TCP"]),
        defaults(NetworkingV1.NetworkPolicySpec.self) { spec in
            guard spec.policyTypes.isEmpty else { return }
            spec.policyTypes = spec.egress.isEmpty ? ["Ingress"] : ["Ingress", "Egress"]
        },
        defaults(NetworkingV1.IngressClassParametersReference.self, ["scope": "Cluster"]),
        defaults(DiscoveryV1.EndpointPort.self, ["name": "", "protocol": "TCP"]),
    ]
}
