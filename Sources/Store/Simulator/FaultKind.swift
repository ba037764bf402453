/// Everything that goes wrong in a simulated world.
package enum FaultKind: String, Hashable, Sendable, CaseIterable {
    // Network
    case loss, duplication, reordering, delay
    case cloggedLink = "clogged link"
    case partition
    case asymmetricPartition = "asymmetric partition"
    /// And another one elected meanwhile.
    case deposition = "busy leader cut off"
    /// What does not fit into a small packet is lost, and the rest gets through.
    case largeLost = "large messages lost"
    // Process
    case crash
    case pause
    case clockJump = "clock jump"
    case clockSkew = "clock skew"
    /// Of a member that has just voted, or just become a candidate.
    case voterCrash = "crash of a voter"
    case rollingUpgrade = "rolling upgrade"
    case snapshotInterrupted = "snapshot install interrupted"
    // Disk
    case powerLoss = "crash that loses what was not synced"
    case tornWrite = "torn write"
    case bitRot = "bit rot"
    case lostWrite = "lost write"
    case misdirectedWrite = "misdirected write"
    case writeFails = "EIO on write"
    case syncFails = "EIO on sync"
    case diskFull = "disk full"
    case slowDisk = "slow disk"
    case diskLoss = "loss of a whole disk and rejoin"
    /// It is started again with the words with which the cluster began.
    case founderLost = "founder that has lost its disk"
    // Memory
    /// A member holds something else than the others.
    case stateDiverged = "state diverged"
    // Time
    /// Nobody has kept it alive: its keys go.
    case leaseExpired = "lease that ends"
    // Members
    /// Of a member that asks for another number itself.
    case exchanged = "member let in anew"
    case memberAdded = "member added"
    case memberPromoted = "member promoted"
    case memberRemoved = "member removed"
    case leadershipTransferred = "leadership transferred"

    /// Whether a member's disk no longer holds what the member was told it holds. Kept to fewer
    /// than half of the members at a time, as no store survives more.
    var isDamage: Bool {
        switch self {
        case .bitRot, .lostWrite, .misdirectedWrite, .diskLoss: true
        default: false
        }
    }

    /// Whether it needs others to recover from, or to hand over to.
    var needsOthers: Bool {
        switch self {
        case .memberAdded, .memberPromoted, .memberRemoved, .leadershipTransferred,
            .snapshotInterrupted, .partition, .asymmetricPartition, .cloggedLink,
            .deposition, .stateDiverged, .largeLost, .voterCrash, .founderLost, .exchanged:
            true
        default: isDamage
        }
    }
}

/// How often each kind of fault has struck: not how often it was planned, but how often something
/// was lost, refused, changed or cut off by it.
package struct FaultCounts: Sendable, Equatable {
    private var counts: [FaultKind: Int] = [:]

    package init() {}

    package subscript(kind: FaultKind) -> Int { counts[kind] ?? 0 }
    mutating func add(_ kind: FaultKind) { counts[kind, default: 0] += 1 }

    package mutating func add(_ other: FaultCounts) {
        counts.merge(other.counts) { $0 + $1 }
    }
}
