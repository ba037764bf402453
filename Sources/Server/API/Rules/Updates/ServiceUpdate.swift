internal import Kubernetes
internal import Wire

/// What an update of a service leaves as it was allocated.
enum ServiceUpdate {
    /// Addresses and ports that the new object does not mention stay those of the old one.
    static func keepAllocated(_ new: inout CoreV1.Service, _ old: CoreV1.Service) {
        dropWhatTypeNeeded(&new, old)
        let hadAddress = old.spec.type != "ExternalName"
        if hadAddress, new.spec.type != "ExternalName" {
            if new.spec.clusterIP.isEmpty { new.spec.clusterIP = old.spec.clusterIP }
            if new.spec.clusterIPs.isEmpty, new.spec.clusterIP == old.spec.clusterIP {
                new.spec.clusterIPs = old.spec.clusterIPs
            }
            if new.spec.ipFamilies.isEmpty { new.spec.ipFamilies = old.spec.ipFamilies }
            if new.spec.ipFamilyPolicy == nil {
                new.spec.ipFamilyPolicy = old.spec.ipFamilyPolicy
            }
        }
        if hasNodePorts(new), hasNodePorts(old) { keepNodePorts(&new, old) }
        if needsHealthPort(new), needsHealthPort(old), new.spec.healthCheckNodePort == 0 {
            new.spec.healthCheckNodePort = old.spec.healthCheckNodePort
        }
    }

    /// What only the old type had goes with it, unless this update set it anew.
    private static func dropWhatTypeNeeded(_ new: inout CoreV1.Service, _ old: CoreV1.Service) {
        if new.spec.type == old.spec.type { return }
        if hasNodePorts(old), !hasNodePorts(new) {
            let before = Set(old.spec.ports.map(\.nodePort))
            for index in new.spec.ports.indices
            where before.contains(new.spec.ports[index].nodePort) {
                new.spec.ports[index].nodePort = 0
            }
            let isSame = new.spec.externalTrafficPolicy == old.spec.externalTrafficPolicy
            if isSame, new.spec.externalIPs.isEmpty { new.spec.externalTrafficPolicy = "" }
        }
        if needsHealthPort(old), !needsHealthPort(new),
            new.spec.healthCheckNodePort == old.spec.healthCheckNodePort {
            new.spec.healthCheckNodePort = 0
        }
        if old.spec.type == "LoadBalancer", new.spec.type != "LoadBalancer" {
            new.spec.allocateLoadBalancerNodePorts = nil
            if new.spec.loadBalancerClass == old.spec.loadBalancerClass {
                new.spec.loadBalancerClass = nil
            }
        }
        if new.spec.type == "ExternalName", new.spec.clusterIPs == old.spec.clusterIPs {
            (new.spec.clusterIP, new.spec.clusterIPs) = ("", [])
            (new.spec.ipFamilies, new.spec.ipFamilyPolicy) = ([], nil)
            new.spec.internalTrafficPolicy = nil
        }
    }

    private static func keepNodePorts(_ new: inout CoreV1.Service, _ old: CoreV1.Service) {
        let taken = Set(new.spec.ports.map(\.nodePort))
        for index in new.spec.ports.indices where new.spec.ports[index].nodePort == 0 {
            let port = new.spec.ports[index]
            let before = old.spec.ports.first {
                $0.port == port.port && $0.protocol == port.protocol
            }
            if let before, !taken.contains(before.nodePort) {
                new.spec.ports[index].nodePort = before.nodePort
            }
        }
    }

    private static func hasNodePorts(_ service: CoreV1.Service) -> Bool {
        service.spec.type == "NodePort" || service.spec.type == "LoadBalancer"
    }

    private static func needsHealthPort(_ service: CoreV1.Service) -> Bool {
        service.spec.type == "LoadBalancer" && service.spec.externalTrafficPolicy == "Local"
    }
}

extension ServiceUpdate {
    /// The address of a service is for life, unless it changes to or from an external name.
    static func check(
        _ new: CoreV1.Service, _ old: CoreV1.Service, _ report: inout Report
    ) {
        guard new.spec.type != "ExternalName", old.spec.type != "ExternalName",
            let before = old.spec.clusterIPs.first, new.spec.clusterIPs.first != before
        else { return }
        report.invalid("spec.clusterIPs[0]", JSONValue(new.spec.clusterIPs.value),
            "may not change once set")
    }
}
