public import APIErrors
import Store
import StoreCore
import Synchronization
public import Wire

/// One client's watch: first what was there (if it asked for that), then what happened since the
/// revision that it named, then what happens.
public final class WatchSession: Sendable {
    /// What a watcher is told.
    public enum Item: Sendable {
        case event(EventType, ObjectEvent)
        /// An object that was there when the watch began.
        case initial(EncodedObject)
        case bookmark(Revision, endsInitialEvents: Bool)
        case error(APIError)
    }

    public let type: MessageType
    private let namespace: String?
    private let selection: Selection
    private let conversion: Conversion?
    private let store: Store
    private let hub: WatchHub
    private let state: Mutex<State>

    /// Changes that wait for a slow watcher; one more ends the watch, and it begins again.
    private static let waitingEventsMax = 10_000
    /// Changes that are taken from the log at a time.
    private static let historyEvents = 500

    fileprivate enum Phase {
        case initial(ListAnswer, endsWithBookmark: Bool)
        /// Reading history from the log up to where the live events begin.
        case history(through: Revision)
        case live
        case ended
    }

    /// Who is told that there is something to take.
    fileprivate enum Reader {
        case none
        /// Waits in ``next()``.
        case task(CheckedContinuation<Void, Never>)
        /// Is called, if it found nothing since the last call.
        case callback(@Sendable () -> Void, isAsleep: Bool)
    }

    fileprivate struct State {
        var phase: Phase
        /// Newest revision handed on. Never moves back.
        var position: Revision
        var live: [ObjectEvent] = []
        var notices: [Item] = []
        var reader = Reader.none
        var isOver = false
        var pace: WatchPace
    }

    /// - Parameters:
    ///   - after: Changes after this revision are told; nil to begin with what is there.
    ///   - list: Makes the list of what is there.
    init(
        _ operation: Operation, selection: Selection, after: Revision?, store: Store, hub: WatchHub,
        list: () throws(APIError) -> ListAnswer
    ) throws(APIError) {
        let options = operation.list
        type = operation.type
        namespace = operation.namespace
        self.selection = selection
        conversion = operation.conversion
        self.store = store
        self.hub = hub
        isTimed = options.timeoutSeconds != nil || options.allowsBookmarks
        let pace = WatchPace(
            timeoutSeconds: options.timeoutSeconds, sendsBookmarks: options.allowsBookmarks)
        state = Mutex(State(phase: .live, position: after ?? .none, pace: pace))
        let liveAfter = hub.add(self)
        if let after {
            let oldest = store.compactedRevision
            if after < oldest {
                fail(.tooOldResourceVersion(requested: after.number, oldest: oldest.number))
            } else if after < liveAfter {
                state.withLock { $0.phase = .history(through: liveAfter) }
            }
        } else {
            let answer = try list()
            let bookmarks = options.sendsInitialEvents == true && options.allowsBookmarks
            state.withLock { $0.phase = .initial(answer, endsWithBookmark: bookmarks) }
        }
    }

    /// Whether it has to be told the time.
    let isTimed: Bool

    deinit { state.withLock { $0.takeWaking() }?() }

    // MARK: What the hub says

    func offer(_ event: ObjectEvent) {
        guard namespace == nil || namespace == event.namespace else { return }
        wake { state in
            guard state.live.count < Self.waitingEventsMax else {
                state.isOver = true
                return true
            }
            state.live.append(event)
            return true
        }
    }

    func tick(_ position: Revision) {
        wake { state in
            switch state.pace.tick() {
            case nil: return false
            case .timeout: state.isOver = true
            case .bookmark:
                guard case .live = state.phase, state.live.isEmpty else { return false }
                state.notices.append(.bookmark(position, endsInitialEvents: false))
            }
            return true
        }
    }

    /// Ends the watch; what waits is still told.
    public func end() {
        hub.remove(self)
        wake { state in
            state.isOver = true
            return true
        }
    }

    private func fail(_ error: APIError) {
        wake { state in
            state.notices.append(.error(error))
            state.isOver = true
            return true
        }
    }

    private func wake(_ change: (inout State) -> Bool) {
        let waking = state.withLock { change(&$0) ? $0.takeWaking() : nil }
        waking?()
    }

    // MARK: What the watcher does

    /// Has `wake` called, from any thread, when there is something after ``take()`` found nothing.
    /// For a reader who is no task.
    public func onWake(_ wake: @escaping @Sendable () -> Void) {
        state.withLock { $0.reader = .callback(wake, isAsleep: false) }
    }

    /// What is to be told now, in order: nothing if there is nothing yet; nil once the watch is
    /// over. For one reader.
    public func take() -> [Item]? {
        while true {
            if let items = step() { return items.isEmpty ? nil : items }
            let isAsleep = state.withLock { state in
                guard !state.hasSomething else { return false }
                if case .callback(let wake, _) = state.reader {
                    state.reader = .callback(wake, isAsleep: true)
                }
                return true
            }
            if isAsleep { return [] }
        }
    }

    /// What is to be told next, in order; nil once the watch is over. For one reader.
    public func next() async -> [Item]? {
        while true {
            guard let items = take() else { return nil }
            if !items.isEmpty { return items }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let goesOn = state.withLock { state in
                        if state.hasSomething { return true }
                        state.reader = .task(continuation)
                        return false
                    }
                    if goesOn { continuation.resume() }
                }
            } onCancel: {
                end()
            }
        }
    }

    /// Items; none if the watch is over; nil if there is nothing yet.
    private func step() -> [Item]? {
        switch state.withLock({ $0.phase }) {
        case .initial(let list, let endsWithBookmark):
            return initial(list, endsWithBookmark)
        case .history(let through): return history(through)
        case .live: return live()
        case .ended: return []
        }
    }

    private func initial(_ list: ListAnswer, _ endsWithBookmark: Bool) -> [Item]? {
        var items: [Item] = []
        do throws(APIError) {
            try list.forEachObject { object throws(APIError) in items.append(.initial(object)) }
        } catch { return finish([.error(error)]) }
        if endsWithBookmark { items.append(.bookmark(list.revision, endsInitialEvents: true)) }
        state.withLock { state in
            state.position = list.revision
            state.phase = .live
        }
        return items.isEmpty ? nil : items
    }

    private func history(_ through: Revision) -> [Item]? {
        let position = state.withLock { $0.position }
        do throws(StoreError) {
            let batch = try store.events(
                in: hub.range(of: type, namespace: namespace), after: position, through: through,
                limit: Self.historyEvents, previousValues: true)
            let oldest = store.compactedRevision
            // What was before a change may have gone since, and the change looks different then.
            if position < oldest { throw .compacted(requested: position, oldest: oldest) }
            state.withLock { state in
                state.position = batch.through
                if batch.through >= through { state.phase = .live }
            }
            let items = hub.events(of: batch).compactMap(item)
            return items.isEmpty ? nil : items
        } catch {
            guard case .compacted(let asked, let oldest) = error else {
                return finish([.error(APIError(store: error))])
            }
            return finish([.error(.tooOldResourceVersion(
                requested: asked.number, oldest: oldest.number))])
        }
    }

    private func live() -> [Item]? {
        let (events, notices, isOver) = state.withLock { state in
            let position = state.position
            let events = state.live.filter { $0.revision > position }
            state.live.removeAll(keepingCapacity: true)
            if let last = events.last { state.position = last.revision }
            defer { state.notices = [] }
            if !events.isEmpty { state.pace.wasActive() }
            return (events, state.notices, state.isOver)
        }
        let items = events.compactMap(item) + notices
        if isOver { return finish(items) }
        return items.isEmpty ? nil : items
    }

    private func item(_ event: ObjectEvent) -> Item? {
        guard let type = event.seen(through: selection) else { return nil }
        guard let conversion else { return .event(type, event) }
        do throws(APIError) { return .event(type, try conversion.served(event)) } catch {
            return .error(error)
        }
    }

    private func finish(_ items: [Item]) -> [Item] {
        hub.remove(self)
        state.withLock { $0.phase = .ended }
        return items
    }
}

extension WatchSession.State {
    fileprivate var hasSomething: Bool { !live.isEmpty || !notices.isEmpty || isOver }

    /// What wakes the reader, if it sleeps.
    fileprivate mutating func takeWaking() -> (@Sendable () -> Void)? {
        switch reader {
        case .task(let continuation):
            reader = .none
            return { continuation.resume() }
        case .callback(let wake, isAsleep: true):
            reader = .callback(wake, isAsleep: false)
            return wake
        case .callback, .none: return nil
        }
    }
}

/// When a watch says that it is still there, and when it ends. Knows seconds only as ticks.
struct WatchPace: Sendable {
    enum Action: Equatable { case bookmark, timeout }

    private static let ticksIdleMax = 60
    private var ticksLeft: Int?
    private var ticksIdle = 0
    private let sendsBookmarks: Bool

    init(timeoutSeconds: Int?, sendsBookmarks: Bool) {
        ticksLeft = timeoutSeconds
        self.sendsBookmarks = sendsBookmarks
    }

    mutating func wasActive() { ticksIdle = 0 }

    mutating func tick() -> Action? {
        if let left = ticksLeft {
            ticksLeft = left - 1
            if left <= 1 { return .timeout }
        }
        ticksIdle += 1
        guard sendsBookmarks, ticksIdle == Self.ticksIdleMax else { return nil }
        ticksIdle = 0
        return .bookmark
    }
}
