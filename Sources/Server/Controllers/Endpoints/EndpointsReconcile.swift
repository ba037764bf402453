import APIClient
import Kubernetes
import Wire

extension ObservedService {
    static let endpointsManager = "endpoint-controller"
    /// Addresses in an Endpoints object; more are left out, and an annotation says so.
    static let addressesMax = 1000
    private static let changeTime = "endpoints.kubernetes.io/last-change-trigger-time"
    private static let overCapacity = "endpoints.kubernetes.io/over-capacity"

    /// The Endpoints object of the service, as it should be.
    func reconcileEndpoints(_ there: CoreV1.Endpoints?) -> [Write] {
        guard service.selectsPods else { return [] }
        var wanted = there ?? CoreV1.Endpoints()
        wanted.metadata.name = service.metadata.name
        wanted.metadata.namespace = service.metadata.namespace
        wanted.metadata.labels = service.endpointLabels
        wanted.metadata.labels[EndpointLabel.endpointsManager] = Self.endpointsManager
        let (subsets, isTruncated) = subsets()
        wanted.subsets = subsets
        wanted.metadata.annotations[Self.overCapacity] = isTruncated ? "truncated" : nil
        guard let there else {
            wanted.metadata.annotations[Self.changeTime] =
                service.metadata.creationTimestamp?.rfc3339
            return [.create(wanted.tree)]
        }
        if there == wanted { return [] }
        wanted.metadata.annotations[Self.changeTime] = earliestChange(since: there)?.rfc3339
        return [.update(wanted.tree)]
    }

    /// The earliest time at which a pod became ready that was not among the addresses before.
    private func earliestChange(since before: CoreV1.Endpoints) -> Timestamp? {
        let known = Set(before.subsets.flatMap(\.addresses).compactMap(\.targetRef?.uid))
        return pods.filter { !known.contains($0.metadata.uid) }.compactMap(\.readySince).min()
    }

    /// One subset for each set of ports, addresses sorted.
    private func subsets() -> (subsets: [CoreV1.EndpointSubset], isTruncated: Bool) {
        var subsets: [CoreV1.EndpointSubset] = []
        let family = service.addressFamilies[0]
        let all = pods.compactMap(PodEndpoint.init)
            .filter { !$0.isTerminating || service.spec.publishNotReadyAddresses }
            .compactMap { pod in pod.address(family).map { (pod, $0) } }
            .sorted { $0.1 < $1.1 }
        for (pod, address) in all.prefix(Self.addressesMax) {
            let ports = endpointPorts(pod)
            if ports.isEmpty, !service.spec.ports.isEmpty { continue }
            let index = subsets.firstIndex { $0.ports == ports } ?? subsets.count
            if index == subsets.count {
                subsets.append(CoreV1.EndpointSubset { $0.ports = ports })
            }
            let entry = self.address(pod, address)
            if pod.isServing || service.spec.publishNotReadyAddresses {
                subsets[index].addresses.append(entry)
            } else {
                subsets[index].notReadyAddresses.append(entry)
            }
        }
        return (subsets, all.count > Self.addressesMax)
    }

    private func endpointPorts(_ pod: PodEndpoint) -> [CoreV1.EndpointPort] {
        service.spec.ports.compactMap { port in
            guard let number = pod.number(of: port) else { return nil }
            return CoreV1.EndpointPort {
                $0.name = port.name
                $0.port = number
                $0.protocol = port.protocol
                $0.appProtocol = port.appProtocol
            }
        }
    }

    private func address(_ pod: PodEndpoint, _ address: String) -> CoreV1.EndpointAddress {
        let node = pod.pod.spec.nodeName
        return CoreV1.EndpointAddress {
            $0.ip = address
            $0.hostname = pod.hostname(in: service) ?? ""
            $0.nodeName = node.isEmpty ? nil : node
            $0.targetRef = pod.reference
        }
    }
}
