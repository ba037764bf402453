import APIErrors
public import Logging
import Kubernetes
import Synchronization
public import Wire

/// A copy of a resource in memory, kept up to date by list and watch, with handlers that are told
/// what changed. One serves all who need the resource.
///
/// Reading is synchronous, costs a decoding for each object that is returned, and shows a state of
/// the cluster a moment ago; ``waitUntil(_:)`` is for those who must see what they wrote.
public final class Informer: Sendable {
    public typealias Handler = @Sendable (ObjectChange) -> Void

    /// For ``remove(_:)``.
    public struct HandlerID: Hashable, Sendable { let number: UInt64 }

    fileprivate struct State {
        var cache = ObjectCache()
        var handlers: [HandlerID: Handler] = [:]
        var handlerCount: UInt64 = 0
        var isSynced = false
        var waiting: [UInt64: Waiter] = [:]
        var waiterCount: UInt64 = 0
    }

    fileprivate struct Waiter {
        let condition: Condition
        let continuation: CheckedContinuation<Void, Never>
    }

    /// What a copy can be waited for.
    enum Condition: Sendable {
        case synced
        case revision(ResourceVersion)
        /// The object of this uid is gone, or is being deleted.
        case doomed(ObjectKey, uid: String)
    }

    public let type: MessageType
    private let reflector: Reflector
    private let state = Mutex(State())

    public init(
        _ type: MessageType, namespace: String? = nil, selection: Selection = Selection(),
        client: any APIClient, time: any TimeSource, logger: Logger
    ) {
        self.type = type
        reflector = Reflector(
            ResourceAddress(type, namespace: namespace), selection, client: client,
            time: time, logger: logger)
    }

    /// Keeps the copy up to date until the task is cancelled.
    public func run() async {
        await reflector.run { [self] effect throws(APIError) in try take(effect) }
    }

    /// Has `handler` told of all objects that are there, and of every change from now on, in
    /// order, by one task. It must be quick and must not wait.
    ///
    /// One that comes while the copy is kept may be told of a change and of the object that came
    /// of it in either order.
    @discardableResult
    public func onChange(_ handler: @escaping Handler) -> HandlerID {
        let (id, known) = state.withLock { state in
            state.handlerCount += 1
            let id = HandlerID(number: state.handlerCount)
            state.handlers[id] = handler
            return (id, state.cache.objects())
        }
        for object in known { handler(ObjectChange(old: nil, new: object.knownTree)) }
        return id
    }

    /// Has a handler told no more.
    public func remove(_ id: HandlerID) { state.withLock { $0.handlers[id] = nil } }

    /// Makes ``objects(_:_:)`` possible for `index`.
    public func keep(_ index: ObjectIndex) { state.withLock { $0.cache.add(index) } }

    private func take(_ effect: Reflection.Effect) throws(APIError) {
        switch effect {
        case .page(let objects, let isFirst, let revision):
            if isFirst { state.withLock { $0.cache.beginList() } }
            for object in objects {
                try change { cache throws(APIError) in try cache.put(listed: object) }
            }
            if let revision { complete(at: revision) }
        case .put(let object):
            try change { cache throws(APIError) in try cache.put(object) }
        case .remove(let object):
            try change { cache throws(APIError) in try cache.remove(object) }
        case .advance(let revision):
            state.withLock { $0.cache.advance(to: revision) }
        }
        for waiter in state.withLock({ $0.takeSatisfied() }) { waiter.resume() }
    }

    /// A list has been taken in to its end.
    private func complete(at revision: ResourceVersion) {
        while change({ $0.removeUnlisted() }) {}
        state.withLock { state in
            state.cache.advance(to: revision)
            state.isSynced = true
        }
    }

    /// Changes the copy by one object at most, and tells of it, before the next becomes a tree.
    /// Returns whether anything changed.
    @discardableResult
    private func change<Failure: Error>(
        _ body: (inout ObjectCache) throws(Failure) -> ObjectChange?
    ) throws(Failure) -> Bool {
        let (change, handlers) = try state.withLock { state throws(Failure) in
            (try body(&state.cache), state.handlers)
        }
        guard let change else { return false }
        for handler in handlers.values { handler(change) }
        return true
    }
}

extension Informer.State {
    fileprivate func satisfies(_ condition: Informer.Condition) -> Bool {
        switch condition {
        case .synced: return isSynced
        case .revision(let revision): return isSynced && cache.revision >= revision
        case .doomed(let key, let uid):
            let metadata = cache.object(key)?.knownTree.objectMeta
            guard let metadata, metadata.uid == uid else { return isSynced }
            return metadata.deletionTimestamp != nil
        }
    }

    fileprivate mutating func takeSatisfied() -> [CheckedContinuation<Void, Never>] {
        let satisfied = waiting.filter { satisfies($0.value.condition) }
        for id in satisfied.keys { waiting[id] = nil }
        return satisfied.values.map(\.continuation)
    }
}

// MARK: Reading

extension Informer {
    /// Whether a first list has been taken in.
    public var isSynced: Bool { state.withLock { $0.isSynced } }

    /// Newest revision that the copy shows.
    public var revision: ResourceVersion { state.withLock { $0.cache.revision } }

    public var count: Int { state.withLock { $0.cache.count } }
    public var keys: [ObjectKey] { state.withLock { $0.cache.keys } }

    public func contains(_ key: ObjectKey) -> Bool { state.withLock { $0.cache.contains(key) } }

    public func object(_ key: ObjectKey) -> Message? {
        state.withLock { $0.cache.object(key) }?.knownTree
    }

    /// All objects, in no order. Decodes them all.
    public func objects() -> [Message] {
        state.withLock { $0.cache.objects() }.map(\.knownTree)
    }

    /// Shows `body` all objects, in no order, one after the other: there is one tree at a time.
    public func forEachObject(_ body: (Message) -> Void) {
        for object in state.withLock({ $0.cache.objects() }) { body(object.knownTree) }
    }

    /// The objects that `index` finds under `value`, in no order; see ``keep(_:)``.
    public func objects(_ index: ObjectIndex, _ value: String) -> [Message] {
        state.withLock { $0.cache.objects(index, value) }.map(\.knownTree)
    }

    public func view<Kind: MessageView>(_ kind: Kind.Type, _ key: ObjectKey) -> Kind? {
        object(key).flatMap(Kind.init)
    }

    public func views<Kind: MessageView>(
        _ kind: Kind.Type, _ index: ObjectIndex, _ value: String
    ) -> [Kind] {
        objects(index, value).compactMap(Kind.init)
    }
}

// MARK: Waiting

extension Informer {
    /// Returns when a first list has been taken in, or the task is cancelled.
    public func waitUntilSynced() async { await wait(for: .synced) }

    /// Returns when the copy shows the state of `revision` or a later one, or the task is
    /// cancelled.
    ///
    /// The revision must be one of a write to this resource: others may not be noticed for long.
    public func waitUntil(_ revision: ResourceVersion) async {
        await wait(for: .revision(revision))
    }

    /// Returns when the copy shows that the object of this uid is gone or being deleted.
    public func waitUntilDoomed(_ key: ObjectKey, uid: String) async {
        await wait(for: .doomed(key, uid: uid))
    }

    private func wait(for condition: Condition) async {
        let id = state.withLock { state in
            state.waiterCount += 1
            return state.waiterCount
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    if Task.isCancelled || state.satisfies(condition) { return true }
                    state.waiting[id] = Waiter(condition: condition, continuation: continuation)
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.continuation.resume()
        }
    }
}
