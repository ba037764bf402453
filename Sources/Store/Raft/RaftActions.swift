/// What a member wants done. Filled by every call, and emptied by the caller before the next.
///
/// To the disk: `hardState` first, then `appended`. To the network: `messages` at once, and
/// `messagesAfterWrite` when both of this and all earlier calls are on disk. The order of messages
/// is not promised to anyone; losing, repeating and delaying them is safe. While a disk stalls, one
/// answer to an append comes with each heartbeat: of those that wait, the latest is enough.
package struct RaftActions: Equatable, Sendable {
    package var hardState: HardState?
    package var appended: Appended?
    package var messages: [RaftMessage] = []
    package var messagesAfterWrite: [RaftMessage] = []
    /// The log is committed through here. Moves up only. A follower may learn so before its own
    /// disk has the entries.
    package var committed: LogIndex?
    /// What has been committed through the index when the read came is known; once it is applied,
    /// the read is linearizable.
    package var readsReady: [ReadReady] = []
    /// Nobody can tell: ask again, or another member.
    package var readsFailed: [ReadContext] = []
    /// The member's new role, if it changed.
    package var role: RaftRole?
    /// These followers need entries that are compacted away. For each, call `offerSnapshot`.
    package var snapshotsNeeded: [MemberID] = []
    /// The leader has this snapshot: fetch it, and call `snapshotInstalled`. May come repeatedly.
    package var snapshotOffered: Offer?

    package init() {}

    package var isEmpty: Bool {
        guard messages.isEmpty, messagesAfterWrite.isEmpty, committed == nil, readsReady.isEmpty,
            readsFailed.isEmpty, snapshotsNeeded.isEmpty
        else { return false }
        // `== nil` would copy what may be there.
        if case _? = hardState { return false }
        if case _? = appended { return false }
        if case _? = role { return false }
        if case _? = snapshotOffered { return false }
        return true
    }

    /// Entries for the disk. Whatever the log had from `first` on is void.
    ///
    /// A follower takes their payloads from the message just received, a leader from its proposals.
    /// A leader writes payloads of no-ops and memberships itself.
    package struct Appended: Equatable, Sendable {
        package var first: LogIndex
        package var entries: [EntryHeader]
        /// The member's term (not the entries'), which `written` gets back.
        package var term: Term

        package var through: LogIndex { first.advanced(by: entries.count - 1) }
    }

    package struct ReadReady: Equatable, Sendable {
        package var context: ReadContext
        package var index: LogIndex
    }

    package struct Offer: Equatable, Sendable {
        package var from: MemberID
        package var snapshot: Snapshot
    }

    mutating func append(_ entries: [EntryHeader], at first: LogIndex, term: Term) {
        guard let earlier = appended, first > earlier.first else {
            appended = Appended(first: first, entries: entries, term: term)
            return
        }
        let kept = earlier.entries.prefix(Int(first.number - earlier.first.number))
        appended = Appended(first: earlier.first, entries: kept + entries, term: term)
    }
}

package enum RaftRole: Hashable, Sendable {
    /// Also a learner, and a member that is not, or no longer, part of the cluster.
    case follower(leader: MemberID?)
    /// Asks whether it could win.
    case preCandidate
    case candidate
    case leader
}

/// Why the leader does not take a proposal. Nothing has happened.
package enum RaftRefusal: Error, Hashable, Sendable {
    case notLeader(leader: MemberID?)
    /// Leadership is being handed over.
    case transferring
    /// Too much is not committed yet.
    case busy
    /// A new leader has not committed anything yet.
    case notReady
    /// One change of the membership at a time.
    case changeInProgress
    case alreadyMember(MemberID)
    case notMember(MemberID)
    case notLearner(MemberID)
    case notVoter(MemberID)
    case tooManyMembers(max: Int)
    /// It lacks so many entries, or has not been heard of lately.
    case learnerBehind(MemberID, entries: Int)
    case noVoterLeft
    /// Too few of the voters to come have been heard of lately.
    case quorumAtRisk
    /// Leadership goes to another voter only.
    case cannotLead(MemberID)
}
