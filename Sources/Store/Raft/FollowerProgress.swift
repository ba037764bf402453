/// What a leader knows of another member, and what is on the way to it.
struct FollowerProgress: Sendable {
    enum Phase: Hashable {
        /// Where its log agrees with ours is not known: one message at a time.
        case probe(isWaiting: Bool)
        /// It takes what it gets: one message follows another.
        case replicate
        /// It needs what we have not got any more. Offered anew from time to time.
        case snapshot(Snapshot?, ticks: Int)
    }

    /// It has our log through here on its disk.
    var matched = LogIndex.zero
    /// The next entry to send.
    var next: LogIndex
    var phase = Phase.probe(isWaiting: false)
    var inFlight = SendWindow()
    /// How far it has been told that the log is committed.
    var committedSent = LogIndex.zero
    /// The latest heartbeat that it answered.
    var round: UInt64 = 0
    var ticksSilent = 0

    init(next: LogIndex) { self.next = next }

    mutating func probe(from next: LogIndex) {
        phase = .probe(isWaiting: false)
        self.next = next
        inFlight.clear()
        // What was on the way may be lost.
        committedSent = .zero
    }

    mutating func noteAccepted(through index: LogIndex) {
        matched = max(matched, index)
        switch phase {
        case .probe, .snapshot:
            phase = .replicate
            next = matched.next
        case .replicate:
            inFlight.free(through: index)
            next = max(next, matched.next)
        }
    }
}

/// Messages that have not been answered, oldest first.
struct SendWindow: Sendable {
    private var sends: [(through: LogIndex, bytes: Int)] = []
    private(set) var bytes = 0

    var count: Int { sends.count }

    mutating func add(through index: LogIndex, bytes added: Int) {
        sends.append((index, added))
        bytes += added
    }

    mutating func free(through index: LogIndex) {
        let freed = sends.prefix { $0.through <= index }
        bytes -= freed.reduce(0) { $0 + $1.bytes }
        sends.removeFirst(freed.count)
    }

    mutating func clear() {
        sends.removeAll(keepingCapacity: true)
        bytes = 0
    }
}

/// What there is to tell of a follower.
package struct FollowerStatus: Hashable, Sendable {
    package var id: MemberID
    /// It has the leader's log through here on its disk.
    package var matched: LogIndex
    /// Whether it was heard of within an election timeout.
    package var isActive: Bool
    package var needsSnapshot: Bool
}
