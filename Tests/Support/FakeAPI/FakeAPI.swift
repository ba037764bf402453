public import APIClient
public import APIErrors
import Kubernetes
import Synchronization
public import Wire

/// An API in memory, for tests: revisions, conflicts, generations, graceful deletion, finalizers,
/// watches with history. It validates nothing, defaults nothing and knows no owners.
public final class FakeAPI: APIClient {
    private let state = Mutex(FakeState())
    private let time: any TimeSource

    public init(time: any TimeSource) { self.time = time }

    public func get(_ address: ResourceAddress) async throws(APIError) -> Message {
        try state.withLock { state throws(APIError) in try state.object(address) }
    }

    public func list(
        _ address: ResourceAddress, _ options: ListOptions
    ) async throws(APIError) -> ObjectList {
        try state.withLock { state throws(APIError) in
            if let failure = state.takeFailure("list", address) { throw failure }
            return state.list(address, options)
        }
    }

    public func watch(
        _ address: ResourceAddress, _ options: WatchOptions
    ) async throws(APIError) -> any WatchStream {
        try state.withLock { state throws(APIError) in
            if let failure = state.takeFailure("watch", address) { throw failure }
            return try state.watch(address, options)
        }
    }

    public func create(
        _ object: Message, at address: ResourceAddress, _ options: WriteOptions
    ) async throws(APIError) -> Message {
        try change("create", address) { state throws(APIError) in
            if address.subresource == "binding" { return try state.bind(object, address) }
            return try state.create(object, address, now: time.now)
        }
    }

    public func update(
        _ object: Message, at address: ResourceAddress, _ options: WriteOptions
    ) async throws(APIError) -> Message {
        try change("update", address) { state throws(APIError) in
            try state.update(object, address)
        }
    }

    public func patch(
        _ address: ResourceAddress, _ patch: Patch, _ options: WriteOptions
    ) async throws(APIError) -> Message {
        guard let kind = ObjectPatch.Kind(rawValue: patch.kind.rawValue) else {
            throw APIError.unsupportedMediaType(accepted: ObjectPatch.Kind.allCases.map(\.rawValue))
        }
        return try change("patch", address) { state throws(APIError) in
            let old = try state.object(address)
            do {
                var issues: [String] = []
                let parsed = try ObjectPatch(kind, patch.body, issues: &issues)
                return try state.update(try parsed.apply(to: old).object, address)
            } catch let error as APIError {
                throw error
            } catch {
                throw APIError.badRequest("\(error)")
            }
        }
    }

    public func delete(
        _ address: ResourceAddress, _ options: DeleteOptions
    ) async throws(APIError) -> Message {
        try change("delete", address) { state throws(APIError) in
            try state.delete(address, options, now: time.now)
        }
    }

    public func deleteCollection(
        _ address: ResourceAddress, _ options: DeleteOptions, _ selection: ListOptions
    ) async throws(APIError) {
        let list = try await list(address, selection)
        for item in list.items {
            let address = ResourceAddress(of: try item.tree())
            _ = try change("deletecollection", address) { state throws(APIError) in
                try state.delete(address, options, now: time.now)
            }
        }
    }

    private func change(
        _ verb: String, _ address: ResourceAddress,
        _ body: (inout FakeState) throws(APIError) -> Message
    ) throws(APIError) -> Message {
        try state.withLock { state throws(APIError) in
            if let failure = state.takeFailure(verb, address) { throw failure }
            let result = try body(&state)
            state.log.append("\(verb) \(address)")
            return result
        }
    }
}

// MARK: What tests look at and meddle with

extension FakeAPI {
    /// The writes so far, oldest first: `create pods default/web-1`.
    public var log: [String] { state.withLock { $0.log } }
    public func clearLog() { state.withLock { $0.log = [] } }

    /// All objects of a kind, sorted by namespace and name.
    public func all<Kind: MessageView>(_ kind: Kind.Type) -> [Kind] {
        state.withLock { $0.objects(of: Kind.messageType) }.compactMap(Kind.init)
    }

    /// Lets the next call of this verb and resource fail.
    public func failNext(_ verb: String, _ resource: String, with error: APIError) {
        state.withLock { $0.failures.append((verb, resource, error)) }
    }

    /// Forgets history: watches from before are answered 410.
    public func compact() { state.withLock { $0.compact() } }

    /// Ends all watches, as a restart of the server would.
    public func breakWatches() { state.withLock { $0.breakWatches() } }
}
