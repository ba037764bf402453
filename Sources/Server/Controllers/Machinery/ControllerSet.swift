public import APIClient
public import Logging
import Synchronization
import Wire

/// The controller of controllers: starts and stops each, under its own identity, over one set of
/// informers.
public final class ControllerSet: Sendable {
    /// All that there are.
    public static let all: [any Controller.Type] = [
        NamespaceController.self, ServiceAccountController.self, RootCertificatePublisher.self,
        DeploymentController.self, ReplicaSetController.self, EndpointsController.self,
        EndpointSliceController.self, EndpointsMirror.self, GarbageCollector.self,
        NodeController.self, TaintEviction.self, PodCollector.self, ClusterRoleAggregation.self,
    ]
    /// Who lists and watches for all of them.
    public static let watcher = Identity.component("kube-controller-manager")

    private enum Order: Sendable {
        case start(String)
        case stop(String)
    }

    private let clients: ClientFactory
    /// Copies of what the controllers need, for others in the process too; kept up to date while
    /// ``run(_:)`` runs.
    public let informers: InformerSet
    private let time: any TimeSource
    private let logger: Logger
    private let settings: ControllerSettings
    private let orders: AsyncStream<Order>
    private let feed: AsyncStream<Order>.Continuation
    private let names: Mutex<Set<String>>

    /// - Parameters:
    ///   - clients: Makes a client for an identity; asked for ``watcher``'s and for each
    ///     controller's.
    public init(
        clients: @escaping ClientFactory, time: any TimeSource = SystemTime(), logger: Logger,
        settings: ControllerSettings = ControllerSettings()
    ) {
        self.clients = clients
        self.time = time
        self.logger = logger
        self.settings = settings
        informers = InformerSet(
            client: clients(ControllerSet.watcher), time: time, logger: logger)
        (orders, feed) = AsyncStream.makeStream()
        names = Mutex([])
    }

    /// Names of the controllers that run.
    public var running: Set<String> { names.withLock { $0 } }

    /// Starts a controller by name, if it does not run.
    public func start(_ name: String) { feed.yield(.start(name)) }

    /// Stops a controller by name. Calls that are under way are given up.
    public func stop(_ name: String) { feed.yield(.stop(name)) }

    /// Runs the controllers of these names, and those started later, until the task is cancelled.
    public func run(_ names: [String] = ControllerSet.all.map { $0.name }) async {
        for name in names { start(name) }
        await withDiscardingTaskGroup { group in
            group.addTask { [informers] in await informers.run() }
            var tasks: [String: Task<Void, Never>] = [:]
            for await order in orders {
                switch order {
                case .start(let name):
                    guard tasks[name] == nil, let type = Self.find(name) else { continue }
                    tasks[name] = Task { await self.run(type) }
                case .stop(let name):
                    tasks.removeValue(forKey: name)?.cancel()
                }
            }
            for task in tasks.values { task.cancel() }
            for task in tasks.values { await task.value }
            group.cancelAll()
        }
    }

    private static func find(_ name: String) -> (any Controller.Type)? {
        all.first { $0.name == name }
    }

    private func run(_ type: any Controller.Type) async {
        let controller = type.name
        var logger = self.logger
        logger[metadataKey: "controller"] = "\(controller)"
        let client = clients(.serviceAccount(type.account))
        let events = EventRecorder(
            client: client, component: controller, time: time, logger: logger)
        let context = ControllerContext(
            client: client, informers: informers, events: events, time: time, logger: logger,
            settings: settings)
        names.withLock { _ = $0.insert(controller) }
        defer { names.withLock { _ = $0.remove(controller) } }
        await withDiscardingTaskGroup { group in
            group.addTask { await events.run() }
            await type.init(context).run()
            group.cancelAll()
        }
    }
}
