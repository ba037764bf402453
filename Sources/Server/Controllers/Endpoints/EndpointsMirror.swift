import APIClient
import APIErrors
import Kubernetes
import Wire

/// Keeps EndpointSlices of Endpoints objects that people write for services without a selector.
public struct EndpointsMirror: Controller {
    public static let name = "endpointslicemirroring-controller"
    static let manager = "endpointslicemirroring-controller.k8s.io"
    private static let skipLabel = "endpointslice.kubernetes.io/skip-mirror"

    private let loop: ControllerLoop
    private let writer: Writer
    private let services: Informer
    private let endpoints: Informer
    private let slices: Informer
    private static let byEndpoints = ObjectIndex("mirrored") { object in
        guard object.objectMeta.labels[EndpointLabel.sliceManager] == manager,
            let owner = object.objectMeta.controllerReference
        else { return [] }
        return ["\(object.objectMeta.namespace)/\(owner.name)"]
    }

    public init(_ context: ControllerContext) {
        loop = ControllerLoop(context)
        writer = Writer(context)
        services = context.informers.informer(CoreV1.Service.messageType)
        endpoints = context.informers.informer(CoreV1.Endpoints.messageType)
        slices = context.informers.informer(
            DiscoveryV1.EndpointSlice.messageType, Self.byEndpoints)
        loop.follow(services) { [$0.key] }
        loop.follow(endpoints) { [$0.key] }
        loop.follow(slices) { change in
            let metadata = change.object.objectMeta
            guard metadata.labels[EndpointLabel.sliceManager] == Self.manager,
                let owner = metadata.controllerReference
            else { return [] }
            return [ObjectKey(namespace: metadata.namespace, name: owner.name)]
        }
    }

    public func run() async {
        await loop.run { key throws(APIError) in
            let there = slices.views(
                DiscoveryV1.EndpointSlice.self, Self.byEndpoints, key.description)
            try await writer.perform(
                Self.reconcile(
                    endpoints.view(CoreV1.Endpoints.self, key),
                    services.view(CoreV1.Service.self, key), there))
            return nil
        }
    }

    static func reconcile(
        _ endpoints: CoreV1.Endpoints?, _ service: CoreV1.Service?,
        _ there: [DiscoveryV1.EndpointSlice]
    ) -> [Write] {
        guard let endpoints, let service, service.spec.selector.isEmpty,
            endpoints.metadata.labels[skipLabel] != "true",
            !endpoints.metadata.isBeingDeleted
        else { return there.map { .delete($0.tree, DeleteOptions()) } }
        var labels = endpoints.metadata.labels
        labels[EndpointLabel.headless] = nil
        let set = SliceSet(
            owner: endpoints.tree, labels: labels, manager: manager, there: there)
        return set.reconcile(groups(endpoints))
    }

    private static func groups(_ endpoints: CoreV1.Endpoints) -> [EndpointGroup] {
        var groups: [EndpointGroup] = []
        for subset in endpoints.subsets {
            let ports = subset.ports.map { port in
                DiscoveryV1.EndpointPort {
                    $0.name = port.name
                    $0.protocol = port.protocol
                    $0.port = port.port
                    $0.appProtocol = port.appProtocol
                }
            }
            let addresses = subset.addresses.map { ($0, true) }
                + subset.notReadyAddresses.map { ($0, false) }
            for (address, isReady) in addresses {
                let family = address.ip.contains(":") ? "IPv6" : "IPv4"
                groups.add(endpoint(address, isReady), family, ports)
            }
        }
        return groups
    }

    private static func endpoint(
        _ address: CoreV1.EndpointAddress, _ isReady: Bool
    ) -> DiscoveryV1.Endpoint {
        DiscoveryV1.Endpoint {
            $0.addresses = [address.ip]
            $0.conditions.ready = isReady
            $0.hostname = address.hostname.isEmpty ? nil : address.hostname
            $0.nodeName = address.nodeName
            $0.targetRef = address.targetRef
        }
    }
}
