import APIClient
import APIErrors
import Kubernetes
import Wire

/// Keeps EndpointSlices of services that select pods.
public struct EndpointSliceController: Controller {
    public static let name = "endpointslice-controller"

    private let loop: ControllerLoop
    private let writer: Writer
    private let watch: ServiceWatch
    private let slices: Informer
    private static let byService = ObjectIndex("service") { object in
        let labels = object.objectMeta.labels
        guard labels[EndpointLabel.sliceManager] == ObservedService.manager,
            let service = labels[EndpointLabel.service]
        else { return [] }
        return ["\(object.objectMeta.namespace)/\(service)"]
    }

    public init(_ context: ControllerContext) {
        loop = ControllerLoop(context)
        writer = Writer(context)
        watch = ServiceWatch(context.informers)
        slices = context.informers.informer(
            DiscoveryV1.EndpointSlice.messageType, Self.byService)
        watch.feed(loop)
        loop.follow(slices) { change in
            [change.old, change.new].compactMap { $0?.objectMeta }.compactMap { metadata in
                guard metadata.labels[EndpointLabel.sliceManager] == ObservedService.manager else {
                    return nil
                }
                return metadata.labels[EndpointLabel.service].map {
                    ObjectKey(namespace: metadata.namespace, name: $0)
                }
            }
        }
    }

    public func run() async {
        await loop.run { key throws(APIError) in
            guard var observed = watch.observe(key), !observed.service.metadata.isBeingDeleted
            else { return nil }
            observed.slices = slices.views(
                DiscoveryV1.EndpointSlice.self, Self.byService, key.description)
            try await writer.perform(observed.reconcileSlices())
            return nil
        }
    }
}

/// Keeps the Endpoints object of each service that selects pods.
public struct EndpointsController: Controller {
    public static let name = "endpoint-controller"

    private let loop: ControllerLoop
    private let writer: Writer
    private let watch: ServiceWatch
    private let endpoints: Informer

    public init(_ context: ControllerContext) {
        loop = ControllerLoop(context)
        writer = Writer(context)
        watch = ServiceWatch(context.informers)
        endpoints = context.informers.informer(CoreV1.Endpoints.messageType)
        watch.feed(loop)
        loop.follow(endpoints) { [$0.key] }
    }

    public func run() async {
        await loop.run { key throws(APIError) in
            let there = endpoints.view(CoreV1.Endpoints.self, key)
            guard let observed = watch.observe(key) else {
                try await writer.perform(Self.remove(there))
                return nil
            }
            try await writer.perform(observed.reconcileEndpoints(there))
            return nil
        }
    }

    /// What this controller has made does not outlive its service.
    static func remove(_ there: CoreV1.Endpoints?) -> [Write] {
        let manager = there?.metadata.labels[EndpointLabel.endpointsManager]
        guard let there, manager == ObservedService.endpointsManager else { return [] }
        return [.delete(there.tree, DeleteOptions())]
    }
}
