internal import Kubernetes
internal import Wire

/// Defaults of the kinds of core that are no workloads.
enum CoreDefaults {
    static let tables: [TypeDefaults] = [
        defaults(CoreV1.Namespace.self) { namespace in
            if !namespace.metadata.name.isEmpty {
                namespace.metadata.labels["kubernetes.io/metadata.name"] = namespace.metadata.name
            }
        },
        defaults(CoreV1.NamespaceStatus.self, ["phase": "Active"]),
        defaults(CoreV1.Secret.self, ["type": "Opaque"]) { secret in
            for (key, text) in secret.stringData { secret.data[key] = Array(text.utf8) }
            secret.stringData = [:]
        },
        defaults(CoreV1.Service.self, then: loadBalancer),
        defaults(CoreV1.ServiceSpec.self, ["sessionAffinity": "None", "type": "ClusterIP"],
                 then: service),
        defaults(CoreV1.ServicePort.self, ["protocol": "TCP"]) { port in
            switch port.targetPort {
            case nil, .int(0)?, .string("")?: port.targetPort = .int(port.port)
            default: break
            }
        },
        defaults(CoreV1.EndpointPort.self, ["protocol": "TCP"]),
        defaults(CoreV1.PersistentVolumeSpec.self, [
            "persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem",
        ]),
        defaults(CoreV1.PersistentVolumeStatus.self, ["phase": "Pending"]),
        defaults(CoreV1.PersistentVolumeClaimSpec.self, ["volumeMode": "Filesystem"]),
        defaults(CoreV1.PersistentVolumeClaimStatus.self, ["phase": "Pending"]),
        defaults(CoreV1.LimitRangeItem.self, then: limitRangeItem),
    ]

    @Sendable private static func service(_ spec: inout CoreV1.ServiceSpec) {
        if spec.sessionAffinity == "ClientIP" {
            if spec.sessionAffinityConfig?.clientIP?.timeoutSeconds == nil {
                spec.sessionAffinityConfig = CoreV1.SessionAffinityConfig {
                    $0.clientIP = CoreV1.ClientIPConfig { $0.timeoutSeconds = 10800 }
                }
            }
        } else if spec.sessionAffinity == "None" {
            spec.sessionAffinityConfig = nil
        }
        let isExternal = ["NodePort", "LoadBalancer"].contains(spec.type)
        if spec.externalTrafficPolicy.isEmpty,
            isExternal || (spec.type == "ClusterIP" && !spec.externalIPs.isEmpty) {
            spec.externalTrafficPolicy = "Cluster"
        }
        if spec.internalTrafficPolicy == nil, isExternal || spec.type == "ClusterIP" {
            spec.internalTrafficPolicy = "Cluster"
        }
        if spec.type == "LoadBalancer", spec.allocateLoadBalancerNodePorts == nil {
            spec.allocateLoadBalancerNodePorts = true
        }
    }

    /// An address of a load balancer is one that traffic is sent to as it is.
    @Sendable private static func loadBalancer(_ service: inout CoreV1.Service) {
        guard service.spec.type == "LoadBalancer" else { return }
        for index in service.status.loadBalancer.ingress.indices {
            let ingress = service.status.loadBalancer.ingress[index]
            if !ingress.ip.isEmpty, ingress.ipMode == nil {
                service.status.loadBalancer.ingress[index].ipMode = "VIP"
            }
        }
    }

    /// What is not given follows from what is: the default from the maximum, the request from both.
    @Sendable private static func limitRangeItem(_ item: inout CoreV1.LimitRangeItem) {
        guard item.type == "Container" else { return }
        for (name, quantity) in item.max where item.default[name] == nil {
            item.default[name] = quantity
        }
        for (name, quantity) in item.default where item.defaultRequest[name] == nil {
            item.defaultRequest[name] = quantity
        }
        for (name, quantity) in item.min where item.defaultRequest[name] == nil {
            item.defaultRequest[name] = quantity
        }
    }
}
