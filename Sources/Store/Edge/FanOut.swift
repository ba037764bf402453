internal import Replica
internal import StoreCore
internal import Synchronization

/// The thread that tells watches of what became durable, and then gives answers to those who
/// proposed.
final class FanOut: Sendable {
    struct Inbox: Sendable {
        var rounds: [Round] = []
        var added: [Watcher] = []
        var cancelled: Set<WatchID> = []
        var progressAsked: Set<WatchID> = []
        var nextID: UInt64 = 1
        var isClosed = false

        var hasMessages: Bool {
            !rounds.isEmpty || !added.isEmpty || !cancelled.isEmpty || !progressAsked.isEmpty
                || isClosed
        }
    }

    struct Watcher: Sendable {
        let id: WatchID
        let range: KeyRange
        let previousValues: Bool
        let deliver: @Sendable (Result<WatchBatch, StoreError>) -> Void
        /// Told of everything up to here.
        var position: Revision
    }

    /// Rounds that may wait before the writer does.
    private static let roundsMax = 16

    private let inbox = Monitor(Inbox())
    private let worker: Worker

    init(_ shared: Shared) {
        let inbox = inbox
        let start = shared.state.withLock { $0.durable }
        worker = Worker {
            var telling = FanOutTelling(History(shared), delivered: start)
            while true {
                let isBehind = telling.hasWatchersBehind
                let messages = inbox.wait { inbox -> Inbox? in
                    guard inbox.hasMessages || isBehind else { return nil }
                    return inbox.takeAll()
                }
                // The writer may be waiting for room.
                inbox.change { _ in ((), wake: true) }
                telling.take(messages)
                if messages.isClosed { return }
            }
        }
    }

    /// Hands over what became durable. Waits if much is waiting.
    func send(_ round: Round) {
        inbox.wait { inbox -> Void? in inbox.rounds.count < Self.roundsMax ? () : nil }
        inbox.change { inbox in
            inbox.rounds.append(round)
            return ((), wake: true)
        }
    }

    func add(
        _ range: KeyRange, after: Revision, previousValues: Bool,
        _ deliver: @escaping @Sendable (Result<WatchBatch, StoreError>) -> Void
    ) throws(StoreError) -> WatchID {
        let id = inbox.change { inbox -> (WatchID?, wake: Bool) in
            guard !inbox.isClosed else { return (nil, wake: false) }
            let id = WatchID(number: inbox.nextID)
            inbox.nextID += 1
            inbox.added.append(
                Watcher(
                    id: id, range: range, previousValues: previousValues, deliver: deliver,
                    position: after))
            return (id, wake: true)
        }
        guard let id else { throw .closed }
        return id
    }

    func cancel(_ watch: WatchID) {
        inbox.change { inbox in
            inbox.cancelled.insert(watch)
            return ((), wake: true)
        }
    }

    func requestProgress(_ watch: WatchID) {
        inbox.change { inbox in
            inbox.progressAsked.insert(watch)
            return ((), wake: true)
        }
    }

    /// Tells everybody of what is left, then ends.
    func stop() {
        inbox.change { inbox in
            inbox.isClosed = true
            return ((), wake: true)
        }
        worker.join()
    }
}

extension FanOut.Inbox {
    fileprivate mutating func takeAll() -> FanOut.Inbox {
        let taken = self
        (rounds, added, cancelled, progressAsked) = ([], [], [], [])
        return taken
    }
}

/// The state of the telling thread: who watches, and how far each has been told.
struct FanOutTelling {
    private let history: History
    private var watchers: [FanOut.Watcher] = []
    private var progressAsked: Set<WatchID> = []
    /// The newest revision that was told of.
    private var delivered: Revision
    /// Events that a watch catches up with before others get their turn.
    private static let eventsMax = 1000

    init(_ history: History, delivered: Revision) {
        (self.history, self.delivered) = (history, delivered)
    }

    var hasWatchersBehind: Bool { watchers.contains { $0.position < delivered } }

    mutating func take(_ messages: FanOut.Inbox) {
        watchers += messages.added
        if !messages.cancelled.isEmpty {
            watchers.removeAll { messages.cancelled.contains($0.id) }
        }
        progressAsked.formUnion(messages.progressAsked)
        for round in messages.rounds { tell(round) }
        catchUp()
        tellProgress()
        guard messages.isClosed else { return }
        for watcher in watchers { watcher.deliver(.failure(.closed)) }
        watchers = []
    }

    /// Tells those who have asked how far they are, and are up to date.
    private mutating func tellProgress() {
        guard !progressAsked.isEmpty else { return }
        for watcher in watchers
        where watcher.position >= delivered && progressAsked.contains(watcher.id) {
            watcher.deliver(.success(WatchBatch(events: [], through: delivered)))
        }
        progressAsked.formIntersection(watchers.filter { $0.position < delivered }.map(\.id))
    }

    /// Tells those who are up to date; then the answers, so that who gets one finds it watched.
    private mutating func tell(_ round: Round) {
        if !watchers.isEmpty, !round.changes.isEmpty {
            do throws(StoreError) {
                let wantsPrevious = watchers.contains { $0.previousValues }
                try tell(try round.events(withPrevious: wantsPrevious), through: round.revision)
            } catch {
                // The log does not hold what was just written to it. Nobody may believe otherwise.
                history.note(error)
                for watcher in watchers { watcher.deliver(.failure(error)) }
                watchers = []
            }
        }
        delivered = max(delivered, round.revision)
        for answer in round.answers {
            if case .failure(let error) = answer.result { history.note(error) }
            answer.completion(
                answer.result.map { Decided(decision: $0, segments: round.segments) })
        }
    }

    private mutating func tell(
        _ events: [WatchEvent], through revision: Revision
    ) throws(StoreError) {
        for place in watchers.indices where watchers[place].position >= delivered {
            let watcher = watchers[place]
            guard watcher.position < revision else { continue }
            watchers[place].position = revision
            let wanted = watcher.wanted(events)
            guard !wanted.isEmpty else { continue }
            watcher.deliver(.success(WatchBatch(events: wanted, through: revision)))
        }
    }

    /// Brings everyone who is behind a step forward.
    private mutating func catchUp() {
        // Taken out together: one after the other they would take the square of their number.
        var failed: Set<WatchID> = []
        for place in watchers.indices where watchers[place].position < delivered {
            do throws(StoreError) {
                let batch = try history.events(
                    in: watchers[place].range, after: watchers[place].position,
                    through: delivered, limit: Self.eventsMax,
                    previousValues: watchers[place].previousValues)
                watchers[place].position = batch.through
                if !batch.events.isEmpty { watchers[place].deliver(.success(batch)) }
            } catch {
                history.note(error)
                watchers[place].deliver(.failure(error))
                failed.insert(watchers[place].id)
            }
        }
        if !failed.isEmpty { watchers.removeAll { failed.contains($0.id) } }
    }
}

extension FanOut.Watcher {
    /// The events that it is to be told of. Usually all of them: then nothing is copied.
    fileprivate func wanted(_ events: [WatchEvent]) -> [WatchEvent] {
        if range == .all, let first = events.first, first.revision > position { return events }
        return events.filter { event in
            event.revision > position && event.entry.withKey { range.contains($0) }
        }
    }
}

extension Round {
    fileprivate func events(withPrevious: Bool) throws(StoreError) -> [WatchEvent] {
        var events: [WatchEvent] = []
        events.reserveCapacity(changes.count)
        for change in changes {
            var previous: StoredEntry?
            if withPrevious, let place = change.previous {
                previous = try StoredEntry(place, in: segments)
            }
            events.append(
                WatchEvent(entry: try StoredEntry(change.place, in: segments), previous: previous))
        }
        return events
    }
}
