public import APIErrors
public import Authentication
public import Authorization
import Kubernetes
import Rules
public import Store
import StoreCore
public import Wire

/// The only door to the store: carries out operations on objects of every kind, by their schema.
public final class Registry: Sendable {
    let store: Store
    let layout: KeyLayout
    let hub: WatchHub
    let environment: Environment
    let addresses: ServiceAddresses
    let authorizer: Authorizer
    let policy = AccessPolicy()
    let priorityClasses = ObservedObjects<SchedulingV1.PriorityClass>()
    let tokens: TokenRequests
    private let nodes: NodePods

    /// What an operation needs of the world around it.
    public struct Environment: Sendable {
        /// The time of day.
        public var now: @Sendable () -> Timestamp
        /// A new UUID, version 4.
        public var makeUID: @Sendable () -> String
        /// Random bits for generated names.
        public var random: @Sendable () -> UInt64
        /// Whether there is a time zone of this name.
        public var isTimeZone: @Sendable (String) -> Bool

        public init(
            now: @escaping @Sendable () -> Timestamp, makeUID: @escaping @Sendable () -> String,
            random: @escaping @Sendable () -> UInt64,
            isTimeZone: @escaping @Sendable (String) -> Bool
        ) {
            self.now = now
            self.makeUID = makeUID
            self.random = random
            self.isTimeZone = isTimeZone
        }
    }

    /// - Throws: If the addresses of the services that are there cannot be read.
    public init(
        store: Store, cluster: String = "default", environment: Environment,
        serviceRange: ServiceRange, authorizer: Authorizer, tokens: TokenRequests
    ) throws {
        self.store = store
        self.environment = environment
        layout = KeyLayout(cluster: cluster)
        addresses = ServiceAddresses(serviceRange, startingAt: store.memberStatus?.me ?? 0)
        hub = try WatchHub(store: store, layout: layout)
        nodes = NodePods(store: store, layout: layout)
        self.authorizer = authorizer.knowing(nodes)
        self.tokens = tokens
        try nodes.follow(self)
        try addresses.follow(self)
        try policy.follow(self)
        try priorityClasses.follow(self)
    }

    /// Carries out an operation that was admitted.
    ///
    /// - Throws: ``APIError`` in Kubernetes' words.
    public func perform(_ operation: Operation) async throws(APIError) -> Outcome {
        guard let conversion = Conversion(of: operation.type) else {
            return try await performOnNewest(operation)
        }
        let outcome = try await performOnNewest(conversion.stored(operation))
        guard case .object(let object, let isNew) = outcome else { return outcome }
        return .object(try conversion.served(object), isNew: isNew)
    }

    func carryOut(_ operation: Operation) async throws(APIError) -> Outcome {
        if let subresource = operation.subresource,
            let outcome = try await perform(operation, on: subresource.name) {
            return outcome
        }
        switch operation.verb {
        case .get: return .object(try get(operation), isNew: false)
        case .list: return .list(try list(operation))
        case .watch: return .watch(try watch(operation))
        case .create: return .object(try await create(operation), isNew: true)
        case .update: return try await update(operation)
        case .patch: return try await patch(operation)
        case .delete: return try await delete(operation)
        case .deletecollection: return try await deleteCollection(operation)
        }
    }

    /// Subresources that are more than another way to update the object.
    private func perform(
        _ operation: Operation, on subresource: String
    ) async throws(APIError) -> Outcome? {
        switch subresource {
        case "scale": return try await scale(operation)
        case "binding": return try await bind(operation)
        case "eviction": return try await evict(operation)
        case "token": return try requestToken(operation)
        case "status", "finalize", "approval", "ephemeralcontainers", "resize": return nil
        default:
            throw .unknownPath
        }
    }

    // MARK: Reading

    func get(_ operation: Operation) throws(APIError) -> EncodedObject {
        guard let found = try find(operation, name: operation.name ?? "") else {
            throw .notFound(operation.qualified, operation.name ?? "")
        }
        return found
    }

    /// The object of an operation as it is now, or nil.
    func find(_ operation: Operation, name: String) throws(APIError) -> EncodedObject? {
        try find(operation.type, operation.resource, namespace: operation.namespace, name: name)
    }

    func find(
        _ type: MessageType, _ resource: Resource, namespace: String?, name: String
    ) throws(APIError) -> EncodedObject? {
        let key = layout.key(type, resource, namespace: namespace, name: name)
        do throws(StoreError) {
            guard let entry = try store.get(key) else { return nil }
            return EncodedObject(type: type, bytes: entry.value, revision: entry.modRevision)
        } catch {
            throw APIError(store: error)
        }
    }

    func key(_ operation: Operation, name: String) -> [UInt8] {
        layout.key(
            operation.type, operation.resource, namespace: operation.namespace, name: name)
    }
}

extension APIError {
    /// What a client is told when the store refuses.
    init(store error: StoreError) {
        switch error {
        case .compacted:
            self = .expiredList
        case .future(let requested, let current):
            self = .futureResourceVersion(requested.number, current: current.number)
        case .overloaded: self = .tooManyRequests("the store is busy, please try again later", retryAfterSeconds: 1)
        case .tooLarge: self = .failure("etcdserver: request is too large")
        case .noSpace:
            self = .serviceUnavailable(
                "etcdserver: mvcc: database space exceeded: the disk is full; reads and deletes go on",
                retryAfterSeconds: 1)
        case .outcomeUnknown: self = .timeout()
        case .noLeader:
            self = .serviceUnavailable("etcdserver: no leader", retryAfterSeconds: 1)
        // Unlike without a leader, what was asked for may have happened.
        case .closed:
            self = .serviceUnavailable("etcdserver: server stopped", retryAfterSeconds: 1)
        case .conflict, .duplicateKey, .unusableKey, .leaseNotFound, .leaseExists, .tooManyLeases,
            .locked, .damaged, .differs, .system:
            self = .internalError("the store cannot do this: \(error)")
        }
    }
}
