// A leader makes its followers' logs the same as its own, and commits what a quorum has (3.5, 3.6).

/// What only a leader knows, and forgets when it steps down.
struct Leadership: Sendable {
    var followers = MemberMap<FollowerProgress>()
    /// The no-op of this term.
    var firstIndex = LogIndex.zero
    /// Nobody else voted, so that nobody would prevent us from leading this term a second time if
    /// we crashed before our vote is on disk. What we say before then must not be heard.
    var isElectedAlone = false
    var heartbeatTicksPassed = 0
    var uncommittedBytes = 0
    var transfer: Transfer?
    var reads = LeaderReads()

    struct Transfer: Sendable {
        var target: MemberID
        var ticksPassed = 0
    }
}

extension RaftMember {
    mutating func lead(_ actions: inout RaftActions) {
        become(.leader, &actions)
        leadership = Leadership()
        leadership.firstIndex = log.lastIndex.next
        leadership.isElectedAlone = isOnlyVoter
        leadership.uncommittedBytes = log.bytes(from: committed.next)
        meetFollowers(next: leadership.firstIndex)
        append([EntryHeader(term: term, kind: .noop, bytes: 0)], &actions)
    }

    /// Begins with members that are new, from `next` on.
    private mutating func meetFollowers(next: LogIndex) {
        for id in membership.members where id != self.id && leadership.followers[id] == nil {
            leadership.followers[id] = FollowerProgress(next: next)
        }
    }

    /// Forgets those who left. Until the final membership was committed they have been told of it,
    /// so that most of them know and do not campaign.
    mutating func dropFollowers() {
        for id in leadership.followers.ids where !membership.contains(id) {
            leadership.followers[id] = nil
            if leadership.transfer?.target == id { leadership.transfer = nil }
        }
    }

    // MARK: Proposals

    /// Adds entries to the log.
    ///
    /// - Parameter sizes: Bytes of each entry.
    /// - Returns: The index of the first; the term is the member's.
    package mutating func propose(
        _ sizes: [Int], _ actions: inout RaftActions
    ) throws(RaftRefusal) -> LogIndex {
        precondition(!sizes.isEmpty)
        try checkMayPropose()
        let bytes = sizes.reduce(0, +)
        let uncommitted = Int(log.lastIndex.number - committed.number)
        // One proposal of any size gets through if nothing else is under way.
        let isFirst = log.lastIndex == committed
        guard isFirst || leadership.uncommittedBytes + bytes <= configuration.uncommittedBytesMax,
            isFirst || uncommitted + sizes.count <= configuration.uncommittedEntriesMax
        else { throw .busy }
        let first = log.lastIndex.next
        append(sizes.map { EntryHeader(term: term, bytes: $0) }, &actions)
        return first
    }

    /// Size of the entries that a leader has not committed yet; zero at others.
    package var uncommittedBytes: Int { leadership.uncommittedBytes }

    package func checkMayPropose() throws(RaftRefusal) {
        guard isLeader else { throw .notLeader(leader: leader) }
        guard leadership.transfer == nil else { throw .transferring }
    }

    mutating func append(_ entries: [EntryHeader], _ actions: inout RaftActions) {
        let first = log.lastIndex.next
        actions.append(entries, at: first, term: term)
        for entry in entries {
            log.append(entry)
            leadership.uncommittedBytes += entry.bytes
        }
        if log.membershipIndex >= first { meetFollowers(next: first) }
        for position in leadership.followers.positions { replicate(to: position, &actions) }
    }

    // MARK: Sending

    /// Sends a follower what it lacks, as far as limits allow.
    ///
    /// - Parameter isKnocking: Sends at least a message without entries: it tells how far the log
    ///   is committed, and is refused if messages before it were lost.
    mutating func replicate(
        to position: Int, isKnocking: Bool = false, _ actions: inout RaftActions
    ) {
        guard !leadership.isElectedAlone || written >= leadership.firstIndex else { return }
        var isSent = false
        while leadership.followers[position].next <= log.lastIndex, mayAppend(to: position) {
            sendAppend(to: position, &actions)
            isSent = true
        }
        guard isKnocking, !isSent else { return }
        switch leadership.followers[position].phase {
        case .replicate, .probe(isWaiting: false): sendAppend(to: position, isEmpty: true, &actions)
        case .probe(isWaiting: true), .snapshot: break
        }
    }

    private func mayAppend(to position: Int) -> Bool {
        let follower = leadership.followers[position]
        switch follower.phase {
        case .probe(let isWaiting): return !isWaiting
        case .replicate:
            return follower.inFlight.count < configuration.appendsInFlightMax
                && follower.inFlight.bytes < configuration.bytesInFlightMax
        case .snapshot: return false
        }
    }

    private mutating func sendAppend(
        to position: Int, isEmpty: Bool = false, _ actions: inout RaftActions
    ) {
        let (id, follower) = (leadership.followers.ids[position], leadership.followers[position])
        let previous = LogIndex(follower.next.number - 1)
        guard let previousTerm = log.term(at: previous) else {
            return needSnapshot(position, &actions)
        }
        let bytesFree = configuration.bytesInFlightMax - follower.inFlight.bytes
        let (entries, bytes) = log.entries(
            from: follower.next, countMax: isEmpty ? 0 : configuration.appendEntriesMax,
            bytesMax: min(configuration.appendBytesMax, bytesFree))
        let through = previous.advanced(by: entries.count)
        send(
            .append(
                previous: EntryID(index: previous, term: previousTerm), entries: entries,
                committed: committed),
            to: id, &actions)
        leadership.followers[position].committedSent = committed
        if case .probe = follower.phase {
            leadership.followers[position].phase = .probe(isWaiting: true)
        } else if !entries.isEmpty {
            leadership.followers[position].next = through.next
            leadership.followers[position].inFlight.add(through: through, bytes: bytes)
        }
    }

    // MARK: Answers

    /// What a leader knows of the others, in their order; empty if we do not lead.
    package var followers: [FollowerStatus] {
        leadership.followers.positions.map { position in
            let (id, follower) = (
                leadership.followers.ids[position], leadership.followers[position]
            )
            let needsSnapshot = if case .snapshot = follower.phase { true } else { false }
            return FollowerStatus(
                id: id, matched: follower.matched, isActive: isActive(id),
                needsSnapshot: needsSnapshot)
        }
    }

    mutating func noteHeard(from id: MemberID) {
        guard let position = leadership.followers.position(of: id) else { return }
        leadership.followers[position].ticksSilent = 0
    }

    mutating func noteAccepted(
        by id: MemberID, through index: LogIndex, _ actions: inout RaftActions
    ) {
        guard isLeader, let position = leadership.followers.position(of: id) else { return }
        if case .snapshot(let snapshot, _) = leadership.followers[position].phase,
            index < log.base.index
        {
            // It has what it was offered, but by now that is not enough.
            if let snapshot, index >= snapshot.last.index { needSnapshot(position, &actions) }
            return
        }
        leadership.followers[position].noteAccepted(through: index)
        advanceCommitted(&actions)
        // The membership may have changed, and we may have stepped down.
        guard let position = leadership.followers.position(of: id) else { return }
        tellCommitted(to: position, &actions)
        if leadership.transfer?.target == id { handOver(&actions) }
    }

    mutating func noteRejected(
        by id: MemberID, previous: LogIndex, hint: EntryID, _ actions: inout RaftActions
    ) {
        guard isLeader, let position = leadership.followers.position(of: id) else { return }
        let follower = leadership.followers[position]
        switch follower.phase {
        case .probe where previous.next == follower.next: break
        case .replicate where previous >= follower.matched: break
        case .probe, .replicate, .snapshot: return  // old
        }
        // It may have lost what it had acknowledged: then it counts no more.
        let matched = min(follower.matched, hint.index)
        let agreed = log.last(upTo: hint.index, termMax: hint.term)
        leadership.followers[position].matched = matched
        leadership.followers[position].probe(
            from: max(agreed?.index.next ?? log.base.index, matched.next))
        replicate(to: position, isKnocking: true, &actions)
    }

    mutating func noteHeartbeatAnswered(
        by id: MemberID, round: UInt64, _ actions: inout RaftActions
    ) {
        guard isLeader, let position = leadership.followers.position(of: id) else { return }
        leadership.followers[position].round = max(leadership.followers[position].round, round)
        if case .probe = leadership.followers[position].phase {
            leadership.followers[position].phase = .probe(isWaiting: false)
        }
        if leadership.followers[position].matched < log.lastIndex {
            replicate(to: position, isKnocking: true, &actions)
        }
        confirmReads(&actions)
    }

    /// What was on the way to a follower is taken to be lost.
    mutating func noteFollowerUnreachable(_ id: MemberID) {
        guard let position = leadership.followers.position(of: id) else { return }
        let follower = leadership.followers[position]
        guard follower.phase == .replicate else { return }
        leadership.followers[position].probe(from: follower.matched.next)
    }

    // MARK: Committing

    /// Commits what a quorum has on disk, if it is of our own term: an entry of an earlier term may
    /// be on a majority and still be overwritten (figure 3.7; figure 8 of the paper).
    mutating func advanceCommitted(_ actions: inout RaftActions) {
        let reached = membership.quorum { member in
            member == id ? written : leadership.followers[member]?.matched ?? .zero
        }
        guard let reached, reached > committed, log.term(at: reached) == term else { return }
        leadership.uncommittedBytes -= log.bytes(from: committed.next, through: reached)
        commit(through: reached, &actions)
        for position in leadership.followers.positions { tellCommitted(to: position, &actions) }
        settleMembership(&actions)
        if isLeader { beginReads(&actions) }
    }

    /// Tells a follower how far the log is committed, with entries if it lacks some.
    private mutating func tellCommitted(to position: Int, _ actions: inout RaftActions) {
        let follower = leadership.followers[position]
        guard follower.phase == .replicate else { return }
        let isKnocking = follower.committedSent < committed && mayAppend(to: position)
        replicate(to: position, isKnocking: isKnocking, &actions)
    }

    // MARK: Time

    mutating func tickAsLeader(_ actions: inout RaftActions) {
        for position in leadership.followers.positions {
            leadership.followers[position].ticksSilent += 1
        }
        guard membership.hasQuorum(where: isActive) else {
            // Somebody else may lead by now, and clients should find them (6.2).
            return follow(nil, in: term, &actions)
        }
        tickTransfer()
        tickSnapshots(&actions)
        leadership.heartbeatTicksPassed += 1
        guard leadership.heartbeatTicksPassed >= configuration.heartbeatTicks else { return }
        beginRound(&actions)
        handOver(&actions)
    }

    /// The leader's disk has more. If it is the only voter, only now may others hear of it.
    mutating func noteWritten(_ actions: inout RaftActions) {
        advanceCommitted(&actions)
        guard leadership.isElectedAlone else { return }
        for position in leadership.followers.positions { replicate(to: position, &actions) }
    }

    /// Whether a member was heard of within an election timeout.
    func isActive(_ member: MemberID) -> Bool {
        guard member != id else { return true }
        guard let follower = leadership.followers[member] else { return false }
        return follower.ticksSilent < configuration.electionTicks
    }
}
