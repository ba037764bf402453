internal import StoreCore

/// A file that is no segment any more, or not yet.
struct SpareFile: Sendable {
    let path: String
    let bytes: Int
}

/// What the keeper has to do, and in which order.
struct KeeperWork: Sendable {
    /// The segment made ready, or why there is none.
    var next: Result<Segment, StoreError>?
    /// Bytes that the next segment has to have, if one is to be made.
    var wanted: Int?
    /// A segment made ready that turned out to be too small.
    var tooSmall: Segment?
    /// The newest segment that is in use.
    var newest: UInt32
    var wantsReserves = true
    var pruning: Pruning?
    private(set) var pruneRounds = 0
    var looksForVictim = true
    var reclaim: Reclaim?
    var retired: [Segment] = []
    /// Files of retired segments that nobody reads any more.
    var unused: [SpareFile] = []
    /// Bytes of segments begun since the last checkpoint; what the next start has to replay.
    var bytesSinceCheckpoint: Int
    var checkpointing = Checkpointing.none
    var isStopped = false
    /// The disk has failed: what the index says may not be on it.
    var hasFailed = false

    enum Checkpointing: Sendable {
        case none
        case writing
        /// All is written; it counts once the log is durable as far as it has seen.
        case waiting
        case ready
    }

    init(next: Result<Segment, StoreError>?, newest: UInt32, bytesSinceCheckpoint: Int) {
        (self.next, self.newest) = (next, newest)
        self.bytesSinceCheckpoint = bytesSinceCheckpoint
    }

    /// Pruning after one compaction.
    struct Pruning: Sendable, Equatable {
        /// The key at which it goes on.
        var start: [UInt8]
        var round: Int
    }

    /// A segment whose survivors are being copied.
    struct Reclaim: Sendable {
        let segment: Segment
        var offset = SegmentHeader.byteCount
        /// Whether the log is being written; then there is nothing to do.
        var isInFlight = false
    }

    enum Step {
        case make(UInt32, bytesMin: Int)
        case addFiles([SpareFile])
        case fillReserves
        case prune(Pruning)
        case choose
        case copy(Reclaim)
        case dispose(Segment)
        case writeCheckpoint
        case finishCheckpoint
        case stop
    }

    /// The most urgent thing; nil if there is nothing to do.
    mutating func nextStep() -> Step? {
        if isStopped { return .stop }
        if !unused.isEmpty {
            defer { unused = [] }
            return .addFiles(unused)
        }
        if let wanted { return .make(newest + 1, bytesMin: wanted) }
        if let segment = retired.popLast() { return .dispose(segment) }
        if wantsReserves {
            wantsReserves = false
            return .fillReserves
        }
        if let pruning { return .prune(pruning) }
        if case .ready = checkpointing { return .finishCheckpoint }
        if case .writing = checkpointing { return .writeCheckpoint }
        if let reclaim { return reclaim.isInFlight ? nil : .copy(reclaim) }
        guard looksForVictim else { return nil }
        looksForVictim = false
        return .choose
    }

    mutating func takeTooSmall() -> Segment? {
        defer { tooSmall = nil }
        return tooSmall
    }

    /// Begins to prune, from the beginning again if that was under way: each compaction is a round
    /// of its own, lest a leaf of the one before passes for done.
    mutating func prune() {
        pruneRounds += 1
        pruning = Pruning(start: [], round: pruneRounds)
    }

    /// One leaf is done; a compaction in between has put it all back to the beginning.
    mutating func pruned(_ done: Pruning, _ next: [UInt8]?) {
        guard pruning == done else { return }
        pruning = next.map { Pruning(start: $0, round: done.round) }
        if pruning == nil { looksForVictim = true }
    }

    /// The survivors of a stretch are durable, or the retirement that follows the last.
    mutating func copied(to resume: Int?, _ result: Result<Decided, StoreError>) {
        guard case .success = result, let done = reclaim else {
            // Refused for want of space, or since the store closes: tried again when that changes.
            reclaim = nil
            return
        }
        if let resume {
            reclaim?.offset = resume
            reclaim?.isInFlight = false
        } else {
            retired.append(done.segment)
            reclaim = nil
            looksForVictim = true
        }
    }
}
