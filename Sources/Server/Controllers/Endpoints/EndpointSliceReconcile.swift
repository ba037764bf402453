import APIClient
import Kubernetes
import Wire

/// A service, the pods it selects, and the slices that tell of them.
struct ObservedService: Sendable {
    var service: CoreV1.Service
    /// Pods that the service selects.
    var pods: [CoreV1.Pod]
    /// Zones of the nodes that the pods are on, by the node's name.
    var zones: [String: String] = [:]
    /// Slices that this controller has made for the service.
    var slices: [DiscoveryV1.EndpointSlice] = []

    static let manager = "endpointslice-controller.k8s.io"

    /// Slices that tell of the pods as they are, changed as little as can be.
    func reconcileSlices() -> [Write] {
        guard service.selectsPods else { return [] }
        let groups = service.addressFamilies.flatMap { family in
            let found = self.groups(family)
            return found.isEmpty ? [EndpointGroup(family: family)] : found
        }
        let set = SliceSet(
            owner: service.tree, labels: service.endpointLabels, manager: Self.manager,
            there: slices, changedAt: changeTimes)
        return set.reconcile(groups)
    }

    /// When each pod became ready, by its uid.
    private var changeTimes: [String: Timestamp] {
        let times = pods.compactMap { pod in pod.readySince.map { (pod.metadata.uid, $0) } }
        return Dictionary(times) { first, _ in first }
    }

    /// The endpoints of a family, by the ports that they are reached at.
    private func groups(_ family: String) -> [EndpointGroup] {
        var groups: [EndpointGroup] = []
        let pods = pods.compactMap(PodEndpoint.init)
            .sorted { $0.pod.metadata.name < $1.pod.metadata.name }
        for pod in pods {
            guard let endpoint = endpoint(pod, family) else { continue }
            let ports = ports(pod)
            if ports.isEmpty, !service.spec.ports.isEmpty { continue }
            groups.add(endpoint, family, ports)
        }
        return groups
    }

    private func ports(_ pod: PodEndpoint) -> [DiscoveryV1.EndpointPort] {
        service.spec.ports.compactMap { port in
            guard let number = pod.number(of: port) else { return nil }
            return DiscoveryV1.EndpointPort {
                $0.name = port.name
                $0.protocol = port.protocol
                $0.port = number
                $0.appProtocol = port.appProtocol
            }
        }
    }

    private func endpoint(_ pod: PodEndpoint, _ family: String) -> DiscoveryV1.Endpoint? {
        guard let address = pod.address(family) else { return nil }
        let node = pod.pod.spec.nodeName
        let isReady = service.spec.publishNotReadyAddresses
            || (pod.isServing && !pod.isTerminating)
        return DiscoveryV1.Endpoint {
            $0.addresses = [address]
            $0.conditions.ready = isReady
            $0.conditions.serving = pod.isServing
            $0.conditions.terminating = pod.isTerminating
            $0.hostname = pod.hostname(in: service)
            $0.targetRef = pod.reference
            $0.nodeName = node.isEmpty ? nil : node
            $0.zone = zones[node]
        }
    }
}
