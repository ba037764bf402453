import APIClient
import APIErrors
import Kubernetes
import Logging
import Synchronization
import Wire

/// Deletes what nobody owns any more, and carries out deletions in the foreground and those that
/// leave orphans.
public struct GarbageCollector: Controller {
    public static let name = "generic-garbage-collector"
    static let workers = 20

    private let context: ControllerContext
    private let state = GraphState()
    private let tasks: Workers<OwnerGraph.Task>

    public init(_ context: ControllerContext) {
        self.context = context
        tasks = Workers(time: context.time)
    }

    public func run() async {
        await withDiscardingTaskGroup { group in
            let types = Self.collectedTypes
            await withTaskGroup { firstLists in
                for type in types {
                    let isComplete = Gate()
                    group.addTask { await follow(type, isComplete) }
                    firstLists.addTask { await isComplete.wait() }
                }
            }
            await tasks.run(count: Self.workers) { task in await work(on: task) }
            group.cancelAll()
        }
    }

    /// Feeds the graph with a type's objects. Opens the gate when all are known, or none can be.
    private func follow(_ type: MessageType, _ isComplete: Gate) async {
        let reflector = Reflector(
            ResourceAddress(type), client: context.client, time: context.time,
            logger: context.logger)
        await reflector.runIfServed { effect throws(APIError) in
            for task in try state.take(effect, type) { tasks.add(task) }
            if case .page(_, _, completesAt: nil) = effect { return }
            isComplete.open()
        }
        isComplete.open()
    }

    /// Kinds that can be listed, watched and deleted, each in one version. Events are left to
    /// their expiry.
    private static let collectedTypes: [MessageType] = {
        var seen: Set<String> = []
        return Schema.resourceTypes.filter { type in
            guard let verbs = type.resource?.verbs, let resource = type.resource,
                verbs.contains("list"), verbs.contains("watch"), verbs.contains("delete"),
                resource.name != "events"
            else { return false }
            return seen.insert("\(resource.name).\(type.group)").inserted
        }
    }()

    // MARK: Carrying out

    private func work(on task: OwnerGraph.Task) async -> Workers<OwnerGraph.Task>.Outcome {
        do throws(APIError) {
            switch task {
            case .examine(let uid): try await examine(uid)
            case .orphan(let uid): try await leaveOrphans(uid)
            }
            return .done
        } catch {
            if error.isNotFound { return .done }
            if !error.isConflict, !Task.isCancelled {
                context.logger.warning("garbage collection: \(error.message)")
            }
            return .failed
        }
    }

    private func examine(_ uid: String) async throws(APIError) {
        var there: Set<String> = []
        while true {
            guard let (node, verdict) = state.judge(uid, there: there) else { return }
            switch verdict {
            case .leave: return
            case .lookUp(let owner):
                guard try await isThere(owner, of: node) else {
                    state.noteGone(owner.uid)
                    continue
                }
                there.insert(owner.uid)
            case .delete(let propagation): return try await delete(uid, node, propagation)
            case .forget(let owners):
                return try await change(node, uid) { $0.removeOwners(owners) }
            case .release:
                return try await change(node, uid) { object in
                    object.objectMeta.finalizers.removeAll { $0 == OwnerGraph.Node.foreground }
                }
            case .examine(let dependents):
                for dependent in dependents { tasks.add(.examine(dependent)) }
                return
            }
        }
    }

    private func delete(
        _ uid: String, _ node: OwnerGraph.Node, _ propagation: DeleteOptions.Propagation
    ) async throws(APIError) {
        let options = DeleteOptions(
            uid: uid, resourceVersion: node.resourceVersion, propagation: propagation)
        _ = try await context.client.delete(node.address, options)
    }

    /// Whether an owner exists, in the object's namespace or in none.
    private func isThere(
        _ owner: MetaV1.OwnerReference, of node: OwnerGraph.Node
    ) async throws(APIError) -> Bool {
        guard let type = Schema.kind(owner.apiVersion, owner.kind), let resource = type.resource
        else { throw APIError.noAnswer("owner of unknown kind \(owner.apiVersion) \(owner.kind)") }
        let namespace = resource.isNamespaced ? node.key.namespace : nil
        if resource.isNamespaced, node.key.namespace.isEmpty { return false }
        let address = ResourceAddress(type, namespace: namespace, name: owner.name)
        do throws(APIError) {
            return try await context.client.get(address).objectMeta.uid == owner.uid
        } catch {
            if error.isNotFound { return false }
            throw error
        }
    }

    /// Frees what the object owns of it, then lets it go.
    private func leaveOrphans(_ uid: String) async throws(APIError) {
        guard let (node, dependents) = state.family(uid), node.isLeavingOrphans else { return }
        for (dependentUID, dependent) in dependents {
            do throws(APIError) {
                try await change(dependent, dependentUID) { $0.removeOwners([uid]) }
            } catch {
                if !error.isNotFound { throw error }
            }
        }
        try await change(node, uid) { object in
            object.objectMeta.finalizers.removeAll { $0 == OwnerGraph.Node.orphan }
        }
    }

    /// Changes the object of this uid as it is now; does nothing if it is another one by now.
    private func change(
        _ node: OwnerGraph.Node, _ uid: String, _ body: @Sendable (inout Message) -> Void
    ) async throws(APIError) {
        let object = try await context.client.get(node.address)
        guard object.objectMeta.uid == uid else { return }
        var changed = object
        body(&changed)
        guard changed != object else { return }
        _ = try await context.client.update(changed, at: node.address, WriteOptions())
    }
}

extension OwnerGraph.Node {
    var address: ResourceAddress {
        ResourceAddress(type, namespace: key.namespace, name: key.name)
    }
}

extension Message {
    fileprivate mutating func removeOwners(_ uids: [String]) {
        objectMeta.ownerReferences.removeAll { uids.contains($0.uid) }
    }
}

/// The graph, shared by those who feed it and those who work with it.
private final class GraphState: Sendable {
    private let graph = Mutex(OwnerGraph())

    func take(
        _ effect: Reflection.Effect, _ type: MessageType
    ) throws(APIError) -> [OwnerGraph.Task] {
        switch effect {
        case .page(let objects, let isFirst, let revision):
            var tasks: [OwnerGraph.Task] = []
            if isFirst { graph.withLock { $0.beginList(of: type) } }
            for object in objects {
                let metadata = try object.metadata()
                tasks += graph.withLock { $0.put(type, metadata) }
            }
            if revision != nil { tasks += graph.withLock { $0.endList(of: type) } }
            return tasks
        case .put(let object):
            let metadata = try object.metadata()
            return graph.withLock { $0.put(type, metadata) }
        case .remove(let object):
            let uid = try object.metadata().uid
            return graph.withLock { $0.remove(uid) }
        case .advance: return []
        }
    }

    func judge(_ uid: String, there: Set<String>) -> (OwnerGraph.Node, Verdict)? {
        graph.withLock { graph in
            graph.node(uid).map { ($0, graph.judge(uid, there: there)) }
        }
    }

    func family(_ uid: String) -> (OwnerGraph.Node, [(String, OwnerGraph.Node)])? {
        graph.withLock { graph in
            guard let node = graph.node(uid) else { return nil }
            let dependents = graph.dependents(of: uid).compactMap { uid in
                graph.node(uid).map { (uid, $0) }
            }
            return (node, dependents)
        }
    }

    func noteGone(_ uid: String) { graph.withLock { $0.noteGone(uid) } }
}
