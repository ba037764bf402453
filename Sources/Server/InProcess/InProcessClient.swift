import API
public import APIClient
public import APIErrors
public import Authentication
import struct StoreCore.Revision
public import Wire

/// A client within the process: the same path as everybody's from authorization on, without
/// sockets and without bytes. What it asks for is decided for ``identity`` as it would be for a
/// stranger.
public struct InProcessClient: APIClient {
    private let server: APIServer
    private let identity: UserInfo

    public init(server: APIServer, as identity: UserInfo) {
        self.server = server
        self.identity = identity
    }

    public func get(_ address: ResourceAddress) async throws(APIError) -> Message {
        try await tree(operation(.get, address))
    }

    public func list(
        _ address: ResourceAddress, _ options: ListOptions
    ) async throws(APIError) -> ObjectList {
        var operation = try operation(.list, address)
        operation.list = ListParameters(options)
        guard case .list(let answer) = try await server.perform(asked: operation) else {
            throw .unexpected(operation)
        }
        var items: [StoredObject] = []
        try answer.forEachObject { object throws(APIError) in items.append(StoredObject(object)) }
        return ObjectList(
            items: items, resourceVersion: ResourceVersion(answer.revision),
            continuation: answer.continueToken, remainingItemCount: answer.remainingCount)
    }

    public func watch(
        _ address: ResourceAddress, _ options: WatchOptions
    ) async throws(APIError) -> any WatchStream {
        var operation = try operation(.watch, address)
        operation.list = ListParameters(options)
        guard case .watch(let session) = try await server.perform(asked: operation) else {
            throw .unexpected(operation)
        }
        return InProcessWatch(session)
    }

    public func create(
        _ object: Message, at address: ResourceAddress, _ options: WriteOptions
    ) async throws(APIError) -> Message {
        try await tree(operation(.create, address, object, options))
    }

    public func update(
        _ object: Message, at address: ResourceAddress, _ options: WriteOptions
    ) async throws(APIError) -> Message {
        try await tree(operation(.update, address, object, options))
    }

    public func patch(
        _ address: ResourceAddress, _ patch: Patch, _ options: WriteOptions
    ) async throws(APIError) -> Message {
        var operation = try operation(.patch, address, nil, options)
        operation.write.patch = PatchKind(rawValue: patch.kind.rawValue)
        operation.body = .encoded(patch.body, mediaType: patch.kind.rawValue)
        return try await tree(operation)
    }

    public func delete(
        _ address: ResourceAddress, _ options: DeleteOptions
    ) async throws(APIError) -> Message {
        var operation = try operation(.delete, address)
        operation.write = WriteParameters(options)
        return try await tree(operation)
    }

    public func deleteCollection(
        _ address: ResourceAddress, _ options: DeleteOptions, _ selection: ListOptions
    ) async throws(APIError) {
        var operation = try operation(.deletecollection, address)
        operation.write = WriteParameters(options)
        operation.list = ListParameters(selection)
        _ = try await server.perform(asked: operation)
    }

    private func operation(
        _ verb: Operation.Verb, _ address: ResourceAddress, _ object: Message? = nil,
        _ options: WriteOptions = WriteOptions()
    ) throws(APIError) -> Operation {
        var subresource: Resource.Subresource?
        if let name = address.subresource {
            subresource = address.resource.subresources.first { $0.name == name }
            if subresource == nil { throw .unknownPath }
        }
        var operation = Operation(
            caller: identity, verb: verb, type: address.type, resource: address.resource,
            subresource: subresource, namespace: address.namespace, name: address.name)
        if let object { operation.body = .tree(object) }
        operation.write.isDryRun = options.isDryRun
        operation.write.fieldManager = options.fieldManager ?? ""
        operation.write.isForced = options.force
        return operation
    }

    private func tree(_ operation: Operation) async throws(APIError) -> Message {
        switch try await server.perform(asked: operation) {
        case .object(let object, _): return try object.tree()
        case .tree(let tree, _): return tree
        case .list, .watch: throw .unexpected(operation)
        }
    }
}

/// A watch as the process' own clients read it.
private final class InProcessWatch: WatchStream {
    private let session: WatchSession
    private let buffer = Buffer()

    /// Items that came together; one reader takes them one by one.
    private actor Buffer {
        private var items: ArraySlice<WatchSession.Item> = []

        func next(_ session: WatchSession) async -> WatchSession.Item? {
            if let item = items.popFirst() { return item }
            guard let more = await session.next() else { return nil }
            items = more[...]
            return items.popFirst()
        }
    }

    init(_ session: WatchSession) { self.session = session }

    deinit { session.end() }

    func next() async -> WatchEvent? { await buffer.next(session).map(WatchEvent.init) }

    func cancel() { session.end() }
}

extension WatchEvent {
    fileprivate init(_ item: WatchSession.Item) {
        switch item {
        case .initial(let object): self = .added(StoredObject(object))
        case .event(.deleted, let event): self = .deleted(StoredObject(event.shown(as: .deleted)))
        case .event(.added, let event): self = .added(StoredObject(event.shown(as: .added)))
        case .event(let type, let event): self = .modified(StoredObject(event.shown(as: type)))
        case .bookmark(let revision, let ends):
            self = .bookmark(ResourceVersion(revision), endsInitialEvents: ends)
        case .error(let error): self = .error(error)
        }
    }
}

extension ResourceVersion {
    fileprivate init(_ revision: Revision) { self.init(UInt64(revision.number)) }
}

extension StoredObject {
    fileprivate init(_ object: EncodedObject) {
        self.init(object.type, protobuf: object.bytes, at: ResourceVersion(object.revision))
    }
}

extension ListParameters {
    fileprivate init(_ options: ListOptions) {
        self.init()
        labelSelector = options.selection.labels
        fieldSelector = options.selection.fields
        limit = options.limit ?? 0
        continueToken = options.continuation ?? ""
        resourceVersion = options.resourceVersion?.text ?? ""
        if options.isExact { resourceVersionMatch = "Exact" }
    }

    fileprivate init(_ options: WatchOptions) {
        self.init()
        labelSelector = options.selection.labels
        fieldSelector = options.selection.fields
        resourceVersion = options.resourceVersion?.text ?? ""
        if options.sendInitialEvents {
            sendsInitialEvents = true
            allowsBookmarks = options.allowBookmarks
        }
    }
}

extension WriteParameters {
    fileprivate init(_ options: DeleteOptions) {
        self.init()
        isDryRun = options.isDryRun
        delete.gracePeriodSeconds = options.gracePeriodSeconds
        delete.propagation = options.propagation.flatMap {
            DeletionParameters.Propagation(rawValue: $0.rawValue)
        }
        delete.preconditionUID = options.uid
        delete.preconditionResourceVersion = options.resourceVersion?.text
    }
}

extension APIError {
    fileprivate static func unexpected(_ operation: Operation) -> APIError {
        .internalError("a \(operation.verb.rawValue) of \(operation.resource.name) was answered by something else")
    }
}
