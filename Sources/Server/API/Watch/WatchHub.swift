import APIErrors
import Store
import StoreCore
import Synchronization
import Wire

/// Tells every watcher of the changes that concern it. Holds one watch on the store for all of them.
final class WatchHub: Sendable {
    let layout: KeyLayout
    /// Types by what their keys have after the cluster: `core/pods`.
    private let types: [[UInt8]: MessageType]
    private let state: Mutex<State>

    private struct State {
        /// Everything up to here has been handed to the sessions.
        var position: Revision
        var sessions: [ObjectIdentifier: [ObjectIdentifier: WatchSession]] = [:]
        var isTicking = false
        var observers: [ObjectIdentifier: [@Sendable (ObjectEvent) -> Void]] = [:]
    }

    init(store: Store, layout: KeyLayout) throws(StoreError) {
        self.layout = layout
        var types: [[UInt8]: MessageType] = [:]
        for type in Schema.resourceTypes where Conversion(of: type) == nil {
            guard let resource = type.resource else { continue }
            let name = layout.collection(type, resource, namespace: nil)
            types[Array(name.dropFirst(layout.prefix.count).dropLast())] = type
        }
        self.types = types
        let start = store.revision
        state = Mutex(State(position: start))
        _ = try store.watch(layout.all, from: start.next, previousValues: true) { [weak self] result in
            self?.receive(result)
        }
    }

    /// Everything up to here has been handed to the sessions.
    var position: Revision { state.withLock { $0.position } }

    /// Adds a session, which from now on is told of every change after the revision returned.
    func add(_ session: WatchSession) -> Revision {
        state.withLock { state in
            state.sessions[ObjectIdentifier(session.type), default: [:]][ObjectIdentifier(session)] =
                session
            if session.isTimed, !state.isTicking {
                state.isTicking = true
                startTicking()
            }
            return state.position
        }
    }

    func remove(_ session: WatchSession) {
        state.withLock { state in
            _ = state.sessions[ObjectIdentifier(session.type)]?
                .removeValue(forKey: ObjectIdentifier(session))
        }
    }

    /// Has `observer` told of every change of the types, before whoever made it is answered.
    func observe(_ types: [MessageType], _ observer: @escaping @Sendable (ObjectEvent) -> Void) {
        state.withLock { state in
            for type in types { state.observers[ObjectIdentifier(type), default: []].append(observer) }
        }
    }

    /// Ends every watch, as the server stops.
    func endAll() {
        for session in state.withLock({ $0.sessions.values.flatMap(\.values) }) { session.end() }
    }

    /// On the store's thread: sorts the changes to those whom they concern.
    private func receive(_ result: Result<WatchBatch, StoreError>) {
        guard case .success(let batch) = result else { return endAll() }
        let events = batch.events.compactMap(event)
        let told = state.withLock { state in
            state.position = batch.through
            return events.map { event in
                let type = ObjectIdentifier(event.type)
                return (state.observers[type] ?? [], state.sessions[type] ?? [:])
            }
        }
        for (event, (observers, sessions)) in zip(events, told) {
            for observer in observers { observer(event) }
            for session in sessions.values { session.offer(event) }
        }
    }

    private func event(_ change: WatchEvent) -> ObjectEvent? {
        let key = change.entry.key
        guard let name = layout.collectionName(of: key), let type = types[name] else { return nil }
        return ObjectEvent(
            type: type, revision: change.revision,
            namespace: namespace(key, type, collection: name),
            object: change.isDelete ? nil : change.entry.value, previous: change.previous?.value)
    }

    func events(of batch: WatchBatch) -> [ObjectEvent] { batch.events.compactMap(event) }

    private func namespace(_ key: [UInt8], _ type: MessageType, collection: [UInt8]) -> String {
        guard type.resource?.isNamespaced == true else { return "" }
        let rest = key.dropFirst(layout.prefix.count + collection.count + 1)
        return String(decoding: rest.prefix { $0 != UInt8(ascii: "/") }, as: UTF8.self)
    }

    /// Once a second, as long as anybody watches over HTTP: bookmarks and timeouts.
    private func startTicking() {
        Task { [weak self] in
            while true {
                do { try await Task.sleep(for: .seconds(1)) } catch { return }
                guard let self, self.tick() else { return }
            }
        }
    }

    /// Returns false if nobody needs the next tick.
    private func tick() -> Bool {
        let (sessions, position) = state.withLock { state in
            let timed = state.sessions.values.flatMap(\.values).filter(\.isTimed)
            if timed.isEmpty { state.isTicking = false }
            return (timed, state.position)
        }
        for session in sessions { session.tick(position) }
        return !sessions.isEmpty
    }
}
