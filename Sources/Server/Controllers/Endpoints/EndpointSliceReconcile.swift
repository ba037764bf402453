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
    /// Endpoints a slice.
    static let endpointsMax = 100

    /// Slices that tell of the pods as they are, changed as little as can be.
    func reconcileSlices() -> [Write] {
        guard service.selectsPods else { return [] }
        var stale = slices
        var writes: [Write] = []
        for family in service.addressFamilies {
            let groups = wanted(family)
            for (ports, endpoints) in groups {
                let matching = stale.filter { $0.addressType == family && $0.ports == ports }
                stale.removeAll { matching.contains($0) }
                writes += fill(matching, family, ports, endpoints)
            }
            if groups.isEmpty { writes += placeholder(family, &stale) }
        }
        writes += stale.map { .delete($0.tree, DeleteOptions()) }
        return writes
    }

    /// A service without endpoints has one empty slice.
    private func placeholder(
        _ family: String, _ stale: inout [DiscoveryV1.EndpointSlice]
    ) -> [Write] {
        guard let index = stale.firstIndex(where: { $0.addressType == family }) else {
            return [.create(slice(family, [], []).tree)]
        }
        let there = stale.remove(at: index)
        var empty = relabeled(there)
        empty.endpoints = []
        empty.ports = []
        return empty == there ? [] : [.update(empty.tree)]
    }

    /// The endpoints of a family, by the ports that they are reached at.
    private func wanted(
        _ family: String
    ) -> [(ports: [DiscoveryV1.EndpointPort], endpoints: [DiscoveryV1.Endpoint])] {
        var groups: [(ports: [DiscoveryV1.EndpointPort], endpoints: [DiscoveryV1.Endpoint])] = []
        let pods = pods.compactMap(PodEndpoint.init)
            .sorted { $0.pod.metadata.name < $1.pod.metadata.name }
        for pod in pods {
            guard let endpoint = endpoint(pod, family) else { continue }
            let ports = ports(pod)
            if ports.isEmpty, !service.spec.ports.isEmpty { continue }
            if let index = groups.firstIndex(where: { $0.ports == ports }) {
                groups[index].endpoints.append(endpoint)
            } else {
                groups.append((ports, [endpoint]))
            }
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

    /// Puts `endpoints` into the slices of their ports: known ones stay in their place, new ones
    /// go where there is room, then into new slices.
    private func fill(
        _ slices: [DiscoveryV1.EndpointSlice], _ family: String,
        _ ports: [DiscoveryV1.EndpointPort], _ endpoints: [DiscoveryV1.Endpoint]
    ) -> [Write] {
        var left = Dictionary(endpoints.map { ($0.addresses, $0) }) { first, _ in first }
        var filled = slices.map { slice in
            var slice = relabeled(slice)
            slice.endpoints = slice.endpoints.compactMap { known in
                let same = left[known.addresses]
                guard let same, same.targetRef == known.targetRef else { return nil }
                left[known.addresses] = nil
                return same
            }
            return slice
        }
        var new = endpoints.filter { left[$0.addresses] != nil }[...]
        for index in filled.indices where !new.isEmpty {
            let room = Self.endpointsMax - filled[index].endpoints.count
            filled[index].endpoints += new.prefix(room)
            new = new.dropFirst(room)
        }
        var writes: [Write] = zip(slices, filled).compactMap { before, after in
            if after.endpoints.isEmpty { return .delete(before.tree, DeleteOptions()) }
            return before == after ? nil : .update(after.tree)
        }
        while !new.isEmpty {
            writes.append(.create(slice(family, ports, Array(new.prefix(Self.endpointsMax))).tree))
            new = new.dropFirst(Self.endpointsMax)
        }
        return writes
    }

    private func slice(
        _ family: String, _ ports: [DiscoveryV1.EndpointPort], _ endpoints: [DiscoveryV1.Endpoint]
    ) -> DiscoveryV1.EndpointSlice {
        relabeled(
            DiscoveryV1.EndpointSlice {
                $0.metadata.generateName = service.metadata.name + "-"
                $0.metadata.namespace = service.metadata.namespace
                $0.metadata.ownerReferences = [MetaV1.OwnerReference(controller: service.tree)]
                $0.addressType = family
                $0.ports = ports
                $0.endpoints = endpoints
            })
    }

    private func relabeled(_ slice: DiscoveryV1.EndpointSlice) -> DiscoveryV1.EndpointSlice {
        var slice = slice
        slice.metadata.labels = service.endpointLabels
        slice.metadata.labels[EndpointLabel.service] = service.metadata.name
        slice.metadata.labels[EndpointLabel.sliceManager] = Self.manager
        return slice
    }
}
