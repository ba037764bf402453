/// One member's part in the consensus about the log.
///
/// It knows indexes, terms and sizes; payloads, files, sockets and clocks are its caller's. Every
/// call takes what happened and fills `RaftActions` with what is to be done about it. Time is
/// counted in ticks; randomness comes from a seed. The same calls give the same actions.
///
/// - Source: Ongaro, *Consensus: Bridging Theory and Practice* (2014), whose sections are named
///   where it is followed. Pre-vote and check-quorum go together, as each disturbs without the
///   other. The disk is asynchronous: the leader sends entries while it writes them, and its own
///   `written` counts as a follower's acknowledgement does (10.2.1).
package struct RaftMember: Sendable {
    package let configuration: RaftConfiguration
    package internal(set) var hardState: HardState
    package internal(set) var role = RaftRole.follower(leader: nil)
    package internal(set) var log: RaftLog
    /// The log is committed through here.
    package internal(set) var committed: LogIndex
    /// The log is on this member's disk through here.
    package internal(set) var written: LogIndex

    /// It neither votes nor campaigns before its disk has had the log through here once.
    var votesFrom: LogIndex
    /// The term in which entries were last taken back: what was handed to the disk in an earlier
    /// one may since have been overwritten.
    var cutTerm = Term.none

    var electionTicksPassed = 0
    var electionTicksDrawn = 0
    var random: SplitMix
    /// Answers of a campaign, our own among them.
    var ballot = MemberMap<Bool>()
    /// Empty unless we lead.
    var leadership = Leadership()
    /// Reads asked of the leader.
    var reads: FollowerReads

    package var id: MemberID { configuration.id }
    package var term: Term { hardState.term }
    package var membership: Membership { log.membership }
    package var isLeader: Bool { role == .leader }
    /// The leader, as far as is known.
    package var leader: MemberID? {
        switch role {
        case .follower(let leader): leader
        case .leader: id
        case .preCandidate, .candidate: nil
        }
    }

    /// A member as it comes up: a follower that trusts nothing but what is given.
    ///
    /// A cluster begins with the same membership at the base of every first member's empty log; one
    /// that joins begins with `Membership.none` and hears the rest from the leader. Tick it at
    /// once: a member that is the only voter then elects itself.
    ///
    /// - Parameters:
    ///   - log: What is on disk.
    ///   - committed: What is known to be committed, at least all that is compacted.
    ///   - votesFrom: If the disk lost part of what it had acknowledged, the end of what it had:
    ///     before the log is whole again, its vote could elect one that lacks committed entries.
    ///   - seed: Another one at each start.
    package init(
        configuration: RaftConfiguration, hardState: HardState, log: RaftLog, committed: LogIndex,
        votesFrom: LogIndex = .zero, seed: UInt64
    ) {
        precondition(configuration.isSound, "limits are positive")
        precondition(hardState.term >= log.lastTerm, "the term is at least that of the log")
        precondition(committed >= log.base.index && committed <= log.lastIndex)
        self.configuration = configuration
        self.hardState = hardState
        self.log = log
        self.committed = committed
        written = log.lastIndex
        self.votesFrom = log.lastIndex < votesFrom ? votesFrom : .zero
        random = SplitMix(seed: seed)
        reads = FollowerReads(incarnation: random.next())
        drawElectionTimeout()
    }

    // MARK: Time

    /// A tick has passed.
    package mutating func tick(_ actions: inout RaftActions) {
        if isLeader { return tickAsLeader(&actions) }
        electionTicksPassed += 1
        expireReads(&actions)
        let isAlone = isOnlyVoter && leader == nil
        guard mayCampaign, isAlone || electionTicksPassed >= electionTicksDrawn else { return }
        campaign(.preVote, &actions)
    }

    var isOnlyVoter: Bool {
        membership.voters == [id] && membership.outgoingVoters.allSatisfy { $0 == id }
    }

    /// The process stood still for longer than an election timeout: what it believed of others is
    /// old. A leader steps down, and a follower takes no leader for granted.
    package mutating func notePaused(_ actions: inout RaftActions) {
        follow(nil, in: term, &actions)
        drawElectionTimeout()
    }

    /// A member's connection broke: what was sent to it may be lost.
    ///
    /// If it led, its process is gone as a rule, and there is nothing to wait for: a member that
    /// is heard of by a majority all the same stays leader, as they do not vote.
    package mutating func noteUnreachable(_ id: MemberID) {
        if isLeader { return noteFollowerUnreachable(id) }
        guard leader == id, electionTicksPassed < configuration.electionTicks else { return }
        electionTicksPassed = configuration.electionTicks
        let ticks = min(configuration.unreachableTicks, configuration.electionTicks)
        electionTicksDrawn = electionTicksPassed + 1 + Int(random.next() % UInt64(ticks))
    }

    mutating func drawElectionTimeout() {
        let ticks = configuration.electionTicks
        electionTicksPassed = 0
        electionTicksDrawn = ticks + 1 + Int(random.next() % UInt64(ticks))
    }

    // MARK: Messages

    /// A message has come, perhaps late, repeated or out of order.
    ///
    /// - Throws: If no correct member would send it; then nothing has changed.
    package mutating func receive(
        _ message: RaftMessage, _ actions: inout RaftActions
    ) throws(RaftFault) {
        try check(message)
        switch message.body {
        case .preVote(let last):
            // Changes nothing here, so it goes before the comparison of terms.
            return answerPreVote(of: message, last: last, &actions)
        case .preVoteAnswer(let candidacy, let isGranted) where message.term <= term:
            guard role == .preCandidate, candidacy == term.next else { return }
            return count(vote: isGranted, of: message.from, &actions)
        case .vote(_, let isTransfer)
        where message.term > term && hearsFromLeader && !isTransfer:
            // A member that was cut off, or removed, does not disturb those who have a leader
            // (4.2.3).
            return
        default:
            break
        }
        if message.term > term {
            follow(message.isFromLeader ? message.from : nil, in: message.term, &actions)
        } else if message.term < term {
            return answerStale(message, &actions)
        }
        perform(message, &actions)
    }

    /// A message of our own term.
    private mutating func perform(_ message: RaftMessage, _ actions: inout RaftActions) {
        if message.isFromLeader {
            if leader != message.from { follow(message.from, in: term, &actions) }
            electionTicksPassed = 0
        } else if isLeader {
            noteHeard(from: message.from)
        }
        let from = message.from
        switch message.body {
        case .preVote, .preVoteAnswer, .staleTerm: break
        case .vote(let last, _): answerVote(of: from, last: last, &actions)
        case .voteAnswer(let isGranted):
            guard role == .candidate else { return }
            count(vote: isGranted, of: from, &actions)
        case .append(let previous, let entries, let committed):
            append(entries, after: previous, committed: committed, from: from, &actions)
        case .accepted(let through): noteAccepted(by: from, through: through, &actions)
        case .rejected(let previous, let hint):
            noteRejected(by: from, previous: previous, hint: hint, &actions)
        case .heartbeat(let committed, let round):
            commit(through: committed, &actions)
            send(.heartbeatAnswer(round: round), to: from, &actions)
        case .heartbeatAnswer(let round): noteHeartbeatAnswered(by: from, round: round, &actions)
        case .read(let ticket): answerRead(ticket, from: from, &actions)
        case .readAnswer(let ticket, let index): finishRead(ticket, index, &actions)
        case .timeoutNow: if mayCampaign { campaign(.transfer, &actions) }
        case .snapshotOffer(let snapshot): consider(snapshot, from: from, &actions)
        }
    }

    /// Somebody lives in an earlier term. A deposed leader has to learn of it, and a candidate that
    /// is behind in terms would otherwise never be heard.
    private func answerStale(_ message: RaftMessage, _ actions: inout RaftActions) {
        switch message.body {
        case .vote: send(.voteAnswer(isGranted: false), to: message.from, &actions)
        case _ where message.isFromLeader: send(.staleTerm, to: message.from, &actions)
        default: break
        }
    }

    func send(_ body: RaftMessage.Body, to: MemberID, _ actions: inout RaftActions) {
        actions.messages.append(RaftMessage(from: id, to: to, term: term, body: body))
    }

    /// Says it once the disk has what this and earlier calls handed to it.
    func sendAfterWrite(_ body: RaftMessage.Body, to: MemberID, _ actions: inout RaftActions) {
        actions.messagesAfterWrite.append(RaftMessage(from: id, to: to, term: term, body: body))
    }

    // MARK: Roles

    /// Becomes a follower, of `leader` if it is known.
    mutating func follow(_ leader: MemberID?, in term: Term, _ actions: inout RaftActions) {
        precondition(term >= self.term, "terms go up")
        let isNewTerm = term > self.term
        if isNewTerm { persist(HardState(term: term), &actions) }
        if isNewTerm || role != .follower(leader: leader) { failReads(&actions) }
        if role != .follower(leader: nil) || leader != nil { drawElectionTimeout() }
        leadership = Leadership()
        become(.follower(leader: leader), &actions)
    }

    mutating func become(_ role: RaftRole, _ actions: inout RaftActions) {
        guard self.role != role else { return }
        self.role = role
        actions.role = role
    }

    mutating func persist(_ hardState: HardState, _ actions: inout RaftActions) {
        self.hardState = hardState
        actions.hardState = hardState
    }
}

/// A small generator (Steele, Lea, Flood, 2014), so that a member is a value of its inputs.
struct SplitMix: Sendable {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
