public import APIClient
import APIErrors
import Kubernetes
public import Logging
import Synchronization
import Wire

/// Nodes that exist as ordinary clients only: they register, keep their leases, and bring the pods
/// bound to them through their lives. All share one watch on pods.
public final class SimulatedNodes: Sendable {
    /// Who lists and watches pods for all of them.
    public static let watcher = Identity(
        user: "system:simulated-nodes", groups: ["system:nodes", "system:authenticated"])
    /// How often a node renews its lease.
    static let leasePeriod = Duration.seconds(10)
    /// How often a node reports itself, if nothing changes.
    static let statusPeriod = Duration.seconds(300)
    /// Pods, and nodes, that are worked on at a time.
    static let workers = 16

    private let shape: NodeShape
    private let places: [NodePlace]
    private let indexByName: [String: Int]
    private let clients: [any APIClient]
    private let pods: Informer
    private let ownsInformer: Bool
    private let time: any TimeSource
    private let logger: Logger
    private let events: EventRecorder
    private let podWork: Workers<ObjectKey>
    private let heartbeats: Workers<Int>
    private let state: Mutex<State>

    private struct State {
        var pools: [AddressPool]
        var beats: [Heartbeat?]
    }

    /// - Parameters:
    ///   - count: At most ``NodeShape/countMax``.
    ///   - clients: Asked for a client as each node (`system:node:NAME`) and as ``watcher``.
    ///   - informers: Those of the process, if it has some: its copy of the pods is used. They are
    ///     run by who made them.
    public init(
        count: Int, shape: NodeShape = NodeShape(), clients: ClientFactory,
        informers: InformerSet? = nil, time: any TimeSource = SystemTime(), logger: Logger
    ) {
        precondition((0...NodeShape.countMax).contains(count), "as many nodes have addresses")
        self.shape = shape
        let places = (0..<count).map { NodePlace($0, shape) }
        self.places = places
        indexByName = Dictionary(uniqueKeysWithValues: places.map { ($0.name, $0.index) })
        self.clients = places.map { clients(.node($0.name)) }
        let watcher = clients(Self.watcher)
        ownsInformer = informers == nil
        pods = informers?.informer(CoreV1.Pod.messageType)
            ?? Informer(
                CoreV1.Pod.messageType, selection: Selection(fields: "spec.nodeName!="),
                client: watcher, time: time, logger: logger)
        self.time = time
        self.logger = logger
        events = EventRecorder(client: watcher, component: "kubelet", time: time, logger: logger)
        podWork = Workers(time: time)
        heartbeats = Workers(time: time)
        let blank = State(
            pools: Array(repeating: AddressPool(), count: count),
            beats: Array(repeating: nil, count: count))
        state = Mutex(blank)
    }

    /// Runs the nodes until the task is cancelled. They stay registered.
    public func run() async {
        let handler = pods.onChange { [self] in notice($0) }
        for place in places {
            heartbeats.add(place.index)
        }
        await withDiscardingTaskGroup { group in
            if ownsInformer { group.addTask { [pods] in await pods.run() } }
            group.addTask { [events] in await events.run() }
            group.addTask { [self] in
                await heartbeats.run(count: Self.workers) { await self.beat($0) }
            }
            await podWork.run(count: Self.workers) { await self.work(on: $0) }
            group.cancelAll()
        }
        pods.remove(handler)
    }

    // MARK: Pods

    private func notice(_ change: ObjectChange) {
        guard let pod = CoreV1.Pod(change.object), let index = indexByName[pod.spec.nodeName] else {
            return
        }
        if change.new == nil || pod.hasEnded {
            state.withLock { $0.pools[index].release(pod.metadata.uid) }
        }
        if change.new != nil { podWork.add(change.key) }
    }

    private func work(on key: ObjectKey) async -> Workers<ObjectKey>.Outcome {
        guard let pod = pods.view(CoreV1.Pod.self, key), let index = indexByName[pod.spec.nodeName]
        else { return .done }
        guard let address = address(of: pod, index) else {
            logger.warning("\(key): no address left on \(places[index].name)")
            return .failed
        }
        let simulated = SimulatedPod(
            pod: pod, place: places[index], podIP: address, now: time.now)
        do throws(APIError) {
            return try await perform(simulated.step(), pod, clients[index])
        } catch {
            if error.isNotFound { return .done }
            if !error.isConflict, !Task.isCancelled { logger.warning("\(key): \(error.message)") }
            return .failed
        }
    }

    private func address(of pod: CoreV1.Pod, _ index: Int) -> String? {
        let place = places[index]
        if pod.spec.hostNetwork { return place.hostIP }
        if pod.hasEnded || pod.metadata.deletionTimestamp != nil, !pod.status.podIP.isEmpty {
            return pod.status.podIP
        }
        let known = place.number(ofPodIP: pod.status.podIP)
        let number = state.withLock { $0.pools[index].take(pod.metadata.uid, wanted: known) }
        return number.map(place.podIP)
    }

    private func perform(
        _ step: SimulatedPod.Step, _ pod: CoreV1.Pod, _ client: any APIClient
    ) async throws(APIError) -> Workers<ObjectKey>.Outcome {
        switch step {
        case .rest(let pause):
            return pause.map { .again(after: $0) } ?? .done
        case .report(let status, let pause):
            try await report(status, of: pod, client)
            return pause.map { .again(after: $0) } ?? .done
        case .remove(let status):
            if status != pod.status { try await report(status, of: pod, client) }
            let options = DeleteOptions(uid: pod.metadata.uid, gracePeriodSeconds: 0)
            try await client.delete(
                CoreV1.Pod.self, namespace: pod.metadata.namespace, name: pod.metadata.name,
                options)
            return .done
        }
    }

    private func report(
        _ status: CoreV1.PodStatus, of pod: CoreV1.Pod, _ client: any APIClient
    ) async throws(APIError) {
        var changed = pod
        changed.status = status
        let written = try await client.updateStatus(changed)
        if shape.recordsEvents { tell(before: pod, after: changed) }
        if let revision = ResourceVersion(written.metadata.resourceVersion) {
            await pods.waitUntil(revision)
        }
    }

    /// Records what started and what is being stopped.
    private func tell(before: CoreV1.Pod, after: CoreV1.Pod) {
        for container in after.status.containerStatuses {
            let old = before.status.containerStatuses.first { $0.name == container.name }
            let wasRunning = old?.state.running != nil
            if container.state.running != nil, !wasRunning {
                tell(after, "Created", "Created container: \(container.name)", container.name)
                tell(after, "Started", "Started container \(container.name)", container.name)
            } else if wasRunning, container.state.running == nil,
                after.metadata.deletionTimestamp != nil
            {
                tell(after, "Killing", "Stopping container \(container.name)", container.name)
            }
        }
    }

    private func tell(
        _ pod: CoreV1.Pod, _ reason: String, _ message: String, _ container: String
    ) {
        var reference = CoreV1.ObjectReference(to: pod.tree)
        reference.fieldPath = "spec.containers{\(container)}"
        var note = EventNote(.normal, about: reference, reason, message)
        note.host = pod.spec.nodeName
        events.record(note)
    }

    // MARK: Nodes

    /// Renews a node's lease, and reports its status when that is due.
    private func beat(_ index: Int) async -> Workers<Int>.Outcome {
        let known = state.withLock { $0.beats[index] }
        var beat = known ?? Heartbeat(place: places[index], shape: shape)
        defer { state.withLock { $0.beats[index] = beat } }
        do throws(APIError) {
            try await beat.perform(clients[index], now: time.now)
        } catch {
            if !Task.isCancelled, !error.isConflict {
                logger.warning("\(places[index].name): \(error.message)")
            }
            return .failed
        }
        // The first pause differs from node to node, so that they do not all renew at once.
        let share = known == nil ? Double(index + 1) / Double(places.count) : 1
        return .again(after: Self.leasePeriod * share)
    }
}

extension CoreV1.Pod {
    fileprivate var hasEnded: Bool { status.phase == "Succeeded" || status.phase == "Failed" }
}

/// How one node keeps itself known.
private struct Heartbeat: Sendable {
    let place: NodePlace
    let shape: NodeShape
    private var node: CoreV1.Node?
    private var lease: CoordinationV1.Lease?
    private var reportedAt: Timestamp?

    init(place: NodePlace, shape: NodeShape) {
        self.place = place
        self.shape = shape
    }

    mutating func perform(_ client: any APIClient, now: Timestamp) async throws(APIError) {
        if node == nil { try await register(client, now) }
        if reportedAt.map({ now - $0 >= SimulatedNodes.statusPeriod }) ?? true {
            try await report(client, now)
        }
        try await renew(client, now)
    }

    private mutating func register(
        _ client: any APIClient, _ now: Timestamp
    ) async throws(APIError) {
        do throws(APIError) {
            node = try await client.create(place.node(shape, now: now))
        } catch {
            guard error.isAlreadyExists else { throw error }
        }
    }

    private mutating func report(_ client: any APIClient, _ now: Timestamp) async throws(APIError) {
        do throws(APIError) {
            var current = try await client.get(CoreV1.Node.self, name: place.name)
            current.status = place.status(shape, before: current.status, now: now)
            node = try await client.updateStatus(current)
            reportedAt = now
        } catch {
            if error.isNotFound { node = nil }
            throw error
        }
    }

    private mutating func renew(_ client: any APIClient, _ now: Timestamp) async throws(APIError) {
        guard let node else { return }
        do throws(APIError) {
            guard var lease else {
                lease = try await client.create(place.lease(of: node, now: now))
                return
            }
            lease.spec.renewTime = now.wholeMicroseconds
            self.lease = try await client.update(lease)
        } catch {
            // The lease of a run before this one is taken over; whoever else wrote to it is let win.
            lease = error.isAlreadyExists || error.isConflict ? try await found(client) : nil
            guard error.isAlreadyExists else { throw error }
            try await renew(client, now)
        }
    }

    private func found(_ client: any APIClient) async throws(APIError) -> CoordinationV1.Lease {
        try await client.get(
            CoordinationV1.Lease.self, namespace: NodePlace.leaseNamespace, name: place.name)
    }
}
