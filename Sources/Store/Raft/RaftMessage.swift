/// What members tell each other. Payloads of entries travel beside it: the edge has them by index.
package struct RaftMessage: Hashable, Sendable {
    package var from: MemberID
    package var to: MemberID
    /// The sender's term.
    package var term: Term
    package var body: Body

    package init(from: MemberID, to: MemberID, term: Term, body: Body) {
        (self.from, self.to, self.term, self.body) = (from, to, term, body)
    }

    package enum Body: Hashable, Sendable {
        /// Would you vote for me in the term after mine? Changes nothing at either side.
        case preVote(last: EntryID)
        /// - Parameter candidacy: The term for which the vote was asked.
        case preVoteAnswer(candidacy: Term, isGranted: Bool)
        /// Vote for me in my term.
        ///
        /// - Parameter isTransfer: The leader itself wants it: having one is no reason to refuse.
        case vote(last: EntryID, isTransfer: Bool)
        case voteAnswer(isGranted: Bool)
        /// These entries come after `previous`. Without any, it asks whether `previous` is there.
        case append(previous: EntryID, entries: [EntryHeader], committed: LogIndex)
        /// All through this index is on the sender's disk, and is the same as the leader's.
        case accepted(through: LogIndex)
        /// It has not got `previous`; the two logs may agree at `hint`, and do not agree after it.
        case rejected(previous: LogIndex, hint: EntryID)
        /// - Parameter round: Counts the leader's heartbeats, so that the answer to one that was
        ///   sent after a read had come proves that the leader still was one.
        case heartbeat(committed: LogIndex, round: UInt64)
        case heartbeatAnswer(round: UInt64)
        /// Your term is over.
        case staleTerm
        /// How far is the log committed?
        case read(ReadTicket)
        /// Nil if it cannot be told.
        case readAnswer(ReadTicket, LogIndex?)
        /// Campaign now: you have the whole log, and I am leaving.
        case timeoutNow
        /// Fetch this snapshot: what you need of the log is gone.
        case snapshotOffer(Snapshot)
    }

    /// Whether only the leader of the term says this.
    package var isFromLeader: Bool {
        switch body {
        case .append, .heartbeat, .timeoutNow, .snapshotOffer: true
        default: false
        }
    }
}

/// A read that a member asks of its leader.
package struct ReadTicket: Hashable, Sendable {
    /// Drawn anew whenever a member starts, so that an answer to a read before a restart does not
    /// pass for one to a read after it.
    package var incarnation: UInt64
    package var context: ReadContext

    package init(incarnation: UInt64, context: ReadContext) {
        (self.incarnation, self.context) = (incarnation, context)
    }
}

/// What a snapshot stands for: the log up to `last`.
package struct Snapshot: Hashable, Sendable {
    package var last: EntryID
    /// In force at `last`.
    package var membership: Membership

    package init(last: EntryID, membership: Membership) {
        (self.last, self.membership) = (last, membership)
    }
}

/// A message that no correct member sends. It changes nothing.
package enum RaftFault: Error, Hashable, Sendable {
    /// For somebody else, or from ourselves.
    case misdirected
    /// Numbers out of range, terms that go down, a membership that cannot be.
    case malformed
    /// Two members say that they lead in this term.
    case secondLeader(MemberID, Term)
    /// Acknowledges what the leader never had.
    case beyondLog(MemberID, LogIndex)
}
