import APIClient
import Kubernetes
import Wire

/// A pod as a service sees it: where it is, and whether it can be sent requests.
struct PodEndpoint: Hashable, Sendable {
    let pod: CoreV1.Pod
    let isServing: Bool
    let isTerminating: Bool

    /// Nil if the pod is none: it has no address, or has ended.
    init?(_ pod: CoreV1.Pod) {
        guard !pod.status.podIP.isEmpty, !pod.hasEnded else { return nil }
        self.pod = pod
        isServing = pod.isReady
        isTerminating = pod.metadata.isBeingDeleted
    }

    /// Its address in a family, `IPv4` or `IPv6`.
    func address(_ family: String) -> String? {
        let addresses = [pod.status.podIP] + pod.status.podIPs.map(\.ip)
        return addresses.first { $0.contains(":") == (family == "IPv6") }
    }

    var reference: CoreV1.ObjectReference {
        CoreV1.ObjectReference {
            $0.kind = "Pod"
            $0.namespace = pod.metadata.namespace
            $0.name = pod.metadata.name
            $0.uid = pod.metadata.uid
        }
    }

    /// Its name within the service's domain, if it asks for one there.
    func hostname(in service: CoreV1.Service) -> String? {
        let spec = pod.spec
        let isNamed = !spec.hostname.isEmpty && spec.subdomain == service.metadata.name
        return isNamed ? spec.hostname : nil
    }

    /// The number that a service's port leads to; nil if the pod has no port of that name.
    func number(of port: CoreV1.ServicePort) -> Int? {
        switch port.targetPort {
        case .int(let number)?: return number == 0 ? port.port : number
        case nil: return port.port
        case .string(let name)?:
            let sidecars = pod.spec.initContainers.filter { $0.restartPolicy == "Always" }
            return (pod.spec.containers + sidecars).lazy.flatMap(\.ports)
                .first { $0.name == name && $0.protocol == port.protocol }?.containerPort
        }
    }
}

extension CoreV1.Service {
    var isHeadless: Bool { spec.clusterIP == "None" }

    /// Pods are chosen by its selector, and not by whoever made it.
    var selectsPods: Bool { !spec.selector.isEmpty && spec.type != "ExternalName" }

    /// `IPv4`, `IPv6`
    var addressFamilies: [String] {
        if !spec.ipFamilies.isEmpty { return spec.ipFamilies }
        return [spec.clusterIP.contains(":") ? "IPv6" : "IPv4"]
    }

    /// The labels that it hands on to its endpoints.
    var endpointLabels: [String: String] {
        var labels = metadata.labels
        labels[EndpointLabel.headless] = isHeadless ? "" : nil
        return labels
    }
}

enum EndpointLabel {
    static let headless = "service.kubernetes.io/headless"
    static let service = "kubernetes.io/service-name"
    static let sliceManager = "endpointslice.kubernetes.io/managed-by"
    static let endpointsManager = "endpoints.kubernetes.io/managed-by"
}
