import StoreCore
import StoreHistory
import Synchronization

/// Takes down what clients ask and get, with one clock for all.
final class Recorder: Sendable {
    /// What a client knows of a key: what was last seen of it by anybody, and before that.
    struct Knowledge: Sendable {
        var revision = Revision.none
        var before = Revision.none
    }

    fileprivate struct State {
        var history: History
        var figures = Figures()
        var knowledge: [[UInt8]: Knowledge] = [:]
        var newest: Revision
        /// By client: when its last change was acknowledged, or when it began.
        var lastAcknowledged: [Int: Moment] = [:]
        var newestAcknowledged: Moment
        var nextValue = 0
    }

    private let state: Mutex<State>
    private let scope: HistoryScope
    private static let began = ContinuousClock.now

    init(scope: HistoryScope) {
        self.scope = scope
        state = Mutex(
            State(
                history: History(scope: scope), newest: scope.start, newestAcknowledged: Self.now))
    }

    /// Microseconds since the program started.
    static var now: Moment {
        let (seconds, attoseconds) = (ContinuousClock.now - began).components
        return Moment(seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    }

    var history: History { state.withLock { $0.history } }
    /// The newest revision before the first call.
    var start: Revision { scope.start }
    var operationCount: Int { state.withLock { $0.history.operations.count } }
    /// The newest revision that anybody has seen.
    var newest: Revision { state.withLock { $0.newest } }

    /// A value that nobody else puts.
    func newValue() -> [UInt8] {
        state.withLock { state in
            state.nextValue += 1
            return Array("v\(state.nextValue)".utf8)
        }
    }

    func knowledge(of key: [UInt8]) -> Knowledge {
        state.withLock { $0.knowledge[key] ?? Knowledge() }
    }

    // MARK: Calls

    /// Makes a call, and takes it down.
    func record(
        client: Int, _ call: Call, _ perform: () async -> Reply
    ) async -> Reply {
        let number = state.withLock { state in
            state.history.invoke(client: client, call, at: Self.now)
        }
        let reply = await perform()
        state.withLock { state in
            let now = Self.now
            // What is unknown has not ended.
            if reply != .unknown { state.history.complete(number, reply, at: now) }
            state.learn(call, reply)
            state.count(client, call, reply, at: now)
        }
        return reply
    }

    /// Takes down a watch. Returns its number, for ``deliver(_:_:)``.
    func watch(client: Int, _ call: WatchCall) -> Int {
        state.withLock { $0.history.invoke(client: client, .watch(call), at: Self.now) }
    }

    func deliver(_ number: Int, _ content: WatchRecord.Content) {
        state.withLock { state in
            state.history.deliver(number, content, at: Self.now)
            if case .events(let events) = content { state.figures.events += events.count }
        }
    }

    // MARK: Figures

    /// A client begins to call.
    func begins(client: Int) {
        state.withLock { state in
            state.lastAcknowledged[client] = Self.now
            state.newestAcknowledged = Self.now
        }
    }

    func ends(client: Int) { state.withLock { $0.lastAcknowledged[client] = nil } }

    /// Figures since the last call of this.
    func takeFigures() -> Figures {
        state.withLock { state in
            var figures = state.figures
            let now = Self.now
            for last in state.lastAcknowledged.values {
                figures.longestWait = max(figures.longestWait, now.since(last))
            }
            figures.longestOutage = max(figures.longestOutage, now.since(state.newestAcknowledged))
            state.figures = Figures()
            return figures
        }
    }

    /// The clients of which no change was acknowledged since `moment`.
    func clientsWaiting(since moment: Moment) -> [Int] {
        state.withLock { state in
            state.lastAcknowledged.filter { $0.value <= moment }.map(\.key).sorted()
        }
    }
}

/// What clients saw in some time.
struct Figures: Sendable {
    var operations = 0
    /// Changes that were.
    var acknowledged = 0
    var unknown = 0
    var refused = 0
    /// Compares that did not hold.
    var failed = 0
    var events = 0
    /// Microseconds in which no client at all got a change acknowledged, and in which one did not.
    var (longestOutage, longestWait) = (Int64(0), Int64(0))
    var refusals: [String: Int] = [:]

    mutating func add(_ other: Figures) {
        operations += other.operations
        acknowledged += other.acknowledged
        unknown += other.unknown
        refused += other.refused
        failed += other.failed
        events += other.events
        longestOutage = max(longestOutage, other.longestOutage)
        longestWait = max(longestWait, other.longestWait)
        refusals.merge(other.refusals, uniquingKeysWith: +)
    }
}

extension Moment {
    func since(_ earlier: Moment) -> Int64 { microseconds - earlier.microseconds }
}

extension Recorder.State {
    fileprivate mutating func learn(_ call: Call, _ reply: Reply) {
        switch (call, reply) {
        case (.transact(let transaction), .transacted(let reply)):
            newest = max(newest, reply.revision)
            guard reply.isChange else { return }
            for step in reply.succeeded ? transaction.success : transaction.failure {
                switch step {
                case .put(let key, _, _, _): note(key, reply.revision)
                case .delete(let range, _): if let key = range.onlyKey { note(key, .none) }
                case .range: continue
                }
            }
        case (.transact(let transaction), .done):
            for case .delete(let range, _) in transaction.success {
                if let key = range.onlyKey { note(key, .none) }
            }
        case (.range(let query, _), .seen(let entry)):
            if let key = query.range.onlyKey { note(key, entry?.modRevision ?? .none) }
        case (.range(let query, _), .found(let found, let revision)):
            newest = max(newest, revision)
            guard query.revision == nil else { return }
            for entry in found.entries { note(entry.key, entry.modRevision) }
            if let key = query.range.onlyKey, found.entries.isEmpty { note(key, .none) }
        default: return
        }
    }

    private mutating func note(_ key: [UInt8], _ revision: Revision) {
        let old = knowledge[key]?.revision ?? .none
        if revision != old { knowledge[key] = .init(revision: revision, before: old) }
    }

    fileprivate mutating func count(
        _ client: Int, _ call: Call, _ reply: Reply, at now: Moment
    ) {
        figures.operations += 1
        switch reply {
        case .unknown: figures.unknown += 1
        case .refused(.other(let reason)):
            figures.refused += 1
            figures.refusals[reason, default: 0] += 1
        case .refused: figures.refused += 1
        case .failed: figures.failed += 1
        case .done: acknowledge(client, at: now)
        case .transacted(let reply):
            if reply.isChange { acknowledge(client, at: now) }
            if !reply.succeeded { figures.failed += 1 }
        case .found, .seen, .compacted, .watched: break
        }
    }

    private mutating func acknowledge(_ client: Int, at now: Moment) {
        figures.acknowledged += 1
        figures.longestOutage = max(figures.longestOutage, now.since(newestAcknowledged))
        newestAcknowledged = now
        guard let last = lastAcknowledged[client] else { return }
        figures.longestWait = max(figures.longestWait, now.since(last))
        lastAcknowledged[client] = now
    }
}
