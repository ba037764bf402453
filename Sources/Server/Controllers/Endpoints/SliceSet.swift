import APIClient
import Kubernetes
import Wire

/// Endpoints that are reached at the same ports.
struct EndpointGroup: Hashable, Sendable {
    /// `IPv4`, `IPv6`
    let family: String
    var ports: [DiscoveryV1.EndpointPort] = []
    var endpoints: [DiscoveryV1.Endpoint] = []
}

extension [EndpointGroup] {
    /// Adds an endpoint to the group of its ports.
    mutating func add(
        _ endpoint: DiscoveryV1.Endpoint, _ family: String, _ ports: [DiscoveryV1.EndpointPort]
    ) {
        if let index = firstIndex(where: { $0.family == family && $0.ports == ports }) {
            self[index].endpoints.append(endpoint)
        } else {
            append(EndpointGroup(family: family, ports: ports, endpoints: [endpoint]))
        }
    }
}

/// The slices of one owner: a service, or an Endpoints object that is mirrored.
struct SliceSet: Sendable {
    let owner: Message
    /// Those that the owner hands on.
    let labels: [String: String]
    let manager: String
    /// The slices that are there.
    let there: [DiscoveryV1.EndpointSlice]
    /// When what an endpoint refers to last changed, by its uid.
    var changedAt: [String: Timestamp] = [:]

    /// Endpoints a slice.
    static let endpointsMax = 100
    private static let changeTime = "endpoints.kubernetes.io/last-change-trigger-time"

    /// What is to be done for the slices to have `groups`, each group in slices of its own.
    func reconcile(_ groups: [EndpointGroup]) -> [Write] {
        var plan = Plan()
        var stale = there
        for group in groups {
            let matching = stale.filter { slice in
                slice.addressType == group.family && slice.ports == group.ports
            }
            stale.removeAll { matching.contains($0) }
            fill(matching, group, &plan)
        }
        plan.surplus += stale
        return plan.reusing().writes(timed)
    }

    private struct Plan {
        var changed: [(before: DiscoveryV1.EndpointSlice, after: DiscoveryV1.EndpointSlice)] = []
        var new: [DiscoveryV1.EndpointSlice] = []
        var surplus: [DiscoveryV1.EndpointSlice] = []

        /// The same with slices that are not needed any more in place of new ones.
        func reusing() -> Plan {
            var plan = Plan(changed: changed)
            var free = surplus
            for slice in new {
                let index = free.firstIndex { $0.addressType == slice.addressType }
                guard let index else {
                    plan.new.append(slice)
                    continue
                }
                let before = free.remove(at: index)
                var after = slice
                after.metadata = before.metadata
                after.metadata.labels = slice.metadata.labels
                plan.changed.append((before, after))
            }
            plan.surplus = free
            return plan
        }

        func writes(
            _ timed: (DiscoveryV1.EndpointSlice?, DiscoveryV1.EndpointSlice)
                -> DiscoveryV1.EndpointSlice
        ) -> [Write] {
            new.map { .create(timed(nil, $0).tree) }
                + changed.filter { $0.before != $0.after }
                .map { .update(timed($0.before, $0.after).tree) }
                + surplus.map { .delete($0.tree, DeleteOptions()) }
        }
    }

    /// Puts a group into the slices of its ports: known endpoints stay in their place, new ones
    /// go where there is room, then into new slices. An empty group has one empty slice.
    private func fill(
        _ slices: [DiscoveryV1.EndpointSlice], _ group: EndpointGroup, _ plan: inout Plan
    ) {
        var left = Dictionary(group.endpoints.map { ($0.addresses, $0) }) { first, _ in first }
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
        var new = group.endpoints.filter { left[$0.addresses] != nil }[...]
        for index in filled.indices where !new.isEmpty {
            let room = Self.endpointsMax - filled[index].endpoints.count
            filled[index].endpoints += new.prefix(room)
            new = new.dropFirst(room)
        }
        let isPlaceholder = group.endpoints.isEmpty
        for (index, (before, after)) in zip(slices, filled).enumerated() {
            let isKept = !after.endpoints.isEmpty || (isPlaceholder && index == 0)
            if isKept { plan.changed.append((before, after)) } else { plan.surplus.append(before) }
        }
        if isPlaceholder, slices.isEmpty { plan.new.append(slice(group, [])) }
        while !new.isEmpty {
            plan.new.append(slice(group, Array(new.prefix(Self.endpointsMax))))
            new = new.dropFirst(Self.endpointsMax)
        }
    }

    private func slice(
        _ group: EndpointGroup, _ endpoints: [DiscoveryV1.Endpoint]
    ) -> DiscoveryV1.EndpointSlice {
        relabeled(
            DiscoveryV1.EndpointSlice {
                $0.metadata.generateName = owner.objectMeta.name + "-"
                $0.metadata.namespace = owner.objectMeta.namespace
                $0.metadata.ownerReferences = [MetaV1.OwnerReference(controller: owner)]
                $0.addressType = group.family
                $0.ports = group.ports
                $0.endpoints = endpoints
            })
    }

    private func relabeled(_ slice: DiscoveryV1.EndpointSlice) -> DiscoveryV1.EndpointSlice {
        var slice = slice
        slice.metadata.labels = labels
        slice.metadata.labels[EndpointLabel.service] = owner.objectMeta.name
        slice.metadata.labels[EndpointLabel.sliceManager] = manager
        return slice
    }

    /// The slice with the time of the change that it tells of, by which people measure how long
    /// that took: of a new one the owner's, else the earliest of its new endpoints'.
    private func timed(
        _ before: DiscoveryV1.EndpointSlice?, _ after: DiscoveryV1.EndpointSlice
    ) -> DiscoveryV1.EndpointSlice {
        guard manager == ObservedService.manager else { return after }
        var slice = after
        let new = after.endpoints.filter { before?.endpoints.contains($0) == false }
        let time = before == nil
            ? owner.objectMeta.creationTimestamp
            : new.compactMap { $0.targetRef.flatMap { changedAt[$0.uid] } }.min()
        slice.metadata.annotations[Self.changeTime] = time?.rfc3339
        return slice
    }
}
