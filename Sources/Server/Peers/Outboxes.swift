import Synchronization

/// What waits for each member: filled by any thread, emptied by the network's.
final class Outboxes: Sendable {
    /// Which connection a member's frames go over: another one if it was forgotten in between.
    struct Route: Equatable {
        let number: Int
        let address: String
    }

    private struct Outbox {
        var route: Route
        var queue = FrameQueue()
    }

    private struct State {
        var outboxes: [UInt64: Outbox] = [:]
        var connected: Set<UInt64> = []
        var counts = PeerCounts()
        var routesMade = 0
        /// Routes are others than when they were last looked at.
        var hasChanged = false
        /// The network's thread is about to look.
        var isWoken = false
        var isClosed = false

        /// At an address there is one member. A second one is the first under another number: two
        /// connections to the same place would close each other there.
        mutating func route(_ member: UInt64, to address: String) {
            for (other, outbox) in outboxes where other != member {
                guard outbox.route.address == address else { continue }
                var gone = outbox
                outboxes.removeValue(forKey: other)
                counts.framesDropped += gone.queue.removeAll()
            }
            routesMade += 1
            outboxes[member, default: Outbox(route: Route(number: 0, address: address))].route =
                Route(number: routesMade, address: address)
            hasChanged = true
        }

        func hasRoom(for address: String, membersMax: Int) -> Bool {
            outboxes.count < membersMax || outboxes.values.contains { $0.route.address == address }
        }
    }

    private let limits: PeerLimits
    private let state = Mutex(State())

    init(limits: PeerLimits) { self.limits = limits }

    // MARK: Any thread

    /// - Parameter wake: Has the network's thread look, soon. Called if it must, never once
    ///   ``close()`` has returned.
    func offer(_ frame: [UInt8], to member: UInt64, at address: String, wake: () -> Void) {
        state.withLock { state in
            let known = state.outboxes[member]?.route.address
            guard !state.isClosed, (1...limits.frameBytesMax).contains(frame.count),
                  known != nil || state.hasRoom(for: address, membersMax: limits.membersMax) else {
                state.counts.framesDropped += 1
                return
            }
            if known != address { state.route(member, to: address) }
            if state.outboxes[member]?.queue.offer(frame, limits: limits) != true {
                state.counts.framesDropped += 1
            }
            wakeOnce(&state, wake)
        }
    }

    func remove(_ member: UInt64, wake: () -> Void) {
        state.withLock { state in
            guard var outbox = state.outboxes.removeValue(forKey: member), !state.isClosed else {
                return
            }
            state.counts.framesDropped += outbox.queue.removeAll()
            state.hasChanged = true
            wakeOnce(&state, wake)
        }
    }

    private func wakeOnce(_ state: inout State, _ wake: () -> Void) {
        guard !state.isWoken else { return }
        state.isWoken = true
        wake()
    }

    var connected: [UInt64] { state.withLock { $0.connected.sorted() } }
    var counts: PeerCounts { state.withLock { $0.counts } }

    /// From now on all is dropped.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    // MARK: The network's thread

    /// Begins to look. Returns the members and their routes if they are others than last time.
    func look() -> [UInt64: Route]? {
        state.withLock { state in
            state.isWoken = false
            guard state.hasChanged else { return nil }
            state.hasChanged = false
            return state.outboxes.mapValues(\.route)
        }
    }

    func move(to writer: inout FrameWriter, for member: UInt64, bytesMax: Int) {
        state.withLock { state in
            guard let moved = state.outboxes[member]?.queue.move(to: &writer, bytesMax: bytesMax)
            else { return }
            state.counts.framesSent += moved.frames
            state.counts.bytesSent += moved.bytes
        }
    }

    /// The connection is gone, and with it `unwritten` frames that had been taken.
    func noteGone(_ member: UInt64, unwritten: Int) {
        state.withLock { state in
            state.connected.remove(member)
            state.counts.framesSent -= unwritten
            state.counts.framesDropped += unwritten
        }
    }

    /// What waits has waited too long.
    func dropWaiting(for member: UInt64) {
        state.withLock { state in
            state.counts.framesDropped += state.outboxes[member]?.queue.removeAll() ?? 0
        }
    }

    func note(connected member: UInt64) {
        state.withLock { _ = $0.connected.insert(member) }
    }

    func noteReceived(byteCount: Int) {
        state.withLock { state in
            state.counts.framesReceived += 1
            state.counts.bytesReceived += byteCount
        }
    }
}
