/// What an observer who sees all members at once holds them to (figure 3.2). For tests and
/// simulations: show it all members after each step.
///
/// Keeps the log that has been committed, as far back as some member does.
package struct RaftInvariants: Sendable {
    /// What has been committed, by whomever.
    private var committed: RaftLog
    /// The latest term in which something was committed.
    private var committedIn = Term.none
    /// Who decided on the last of it: these, or those before, if the members have changed in the
    /// same step.
    private var deciders: Membership
    private var decidersBefore: Membership?
    /// The newest membership entry of each member's log when it was compared last.
    private var memberships: [MemberID: (index: LogIndex, membership: Membership)] = [:]
    /// Leaders of recent terms, and the end of what each one has on disk.
    private var reigns: [Term: Reign] = [:]
    /// In which term those who led when they were seen last did so, and what they had committed.
    private var leading: [MemberID: (term: Term, committed: LogIndex)] = [:]
    private var excused: [MemberID: LogIndex] = [:]

    private struct Reign: Sendable {
        var leader: MemberID
        var last: EntryID
    }

    /// - Parameter membership: What the cluster begins with, at `base`.
    package init(base: EntryID = .zero, membership: Membership) {
        committed = RaftLog(base: base, membership: membership)
        deciders = membership
    }

    /// How far something has been committed by anybody.
    package var committedIndex: LogIndex { committed.lastIndex }

    /// A fault took what this member had on disk, at most through `last`: until it has that much
    /// again, what it lacks is not held against the others.
    package mutating func excuse(_ member: MemberID, through last: LogIndex) {
        excused[member] = max(last, excused[member] ?? .zero)
    }

    /// Whether no such fault is unrepaired: a second one might lose what is committed.
    package var isNobodyExcused: Bool { excused.isEmpty }

    /// Checks all members after a step.
    ///
    /// - Parameters:
    ///   - changed: The only member that the step concerned, if there was one: then only it is
    ///     compared with the others.
    ///   - isLogSame: Whether its log is what it was when it was compared last.
    /// - Complexity: O(*m* *t* log *t*) in members and terms kept, times *m* if all may have
    ///   changed; and O(*n*) in entries newly committed.
    package mutating func check(
        _ witnesses: [RaftWitness], changed: MemberID? = nil, isLogSame: Bool = false
    ) throws(RaftViolation) {
        for place in witnesses.indices where changed == nil || witnesses[place].id == changed {
            if !isLogSame { try checkMatching(place, witnesses) }
            try checkAlone(witnesses[place])
        }
        for witness in witnesses { try checkComplete(witness) }
        try checkDurable(witnesses)
        forget(witnesses)
    }

    /// Checks a member whose log is what it was when it was compared last, and of which as much is
    /// on disk at least. Returns false if the others have to be looked at as well.
    package mutating func check(unchangedLogOf witness: RaftWitness) throws(RaftViolation) -> Bool {
        guard excused.isEmpty, witness.committed <= committed.lastIndex else { return false }
        try checkAlone(witness)
        try checkComplete(witness)
        return true
    }

    /// What can be told of a member by what was seen before.
    private mutating func checkAlone(_ witness: RaftWitness) throws(RaftViolation) {
        if witness.isLeader {
            try checkReign(of: witness)
        } else if !leading.isEmpty {
            leading[witness.id] = nil
        }
        try checkCommitted(by: witness)
        if memberships[witness.id]?.index != witness.log.membershipIndex {
            memberships[witness.id] = (witness.log.membershipIndex, witness.log.membership)
        }
        guard witness.log.membershipChanges(after: committed.lastIndex) < 2 else {
            throw .twoChangesAtOnce(witness.id, witness.log.membershipIndex)
        }
    }

    /// Leader completeness: who leads has all that was committed before.
    private func checkComplete(_ witness: RaftWitness) throws(RaftViolation) {
        guard witness.isLeader, witness.term >= committedIn, !holdsCommitted(witness.log) else {
            return
        }
        throw .leaderIncomplete(witness.id, witness.term, lacks: committed.last)
    }

    /// A member has started: it has not led yet.
    package mutating func noteStart(of member: MemberID) { leading[member] = nil }

    /// What a member took to be on its disk has to be there when it starts again after a crash.
    ///
    /// - Parameter before: What it was when it crashed.
    package func check(
        _ witness: RaftWitness, restartedFrom before: RaftWitness
    ) throws(RaftViolation) {
        let index = min(before.written, before.log.lastIndex)
        guard let term = before.log.term(at: index), index > witness.log.base.index else { return }
        guard witness.log.term(at: index) == term else {
            throw .lostWhatWasWritten(witness.id, EntryID(index: index, term: term))
        }
    }

    /// Election safety: at most one leader a term. A leader only appends to its log; in a crash it
    /// may lose of it what was not on disk. Only entries of its own term are committed by being
    /// counted (5.4.2 of the paper).
    private mutating func checkReign(of leader: RaftWitness) throws(RaftViolation) {
        let index = min(leader.written, leader.log.lastIndex)
        let last = EntryID(index: index, term: leader.log.term(at: index) ?? .none)
        let reign = reigns[leader.term] ?? Reign(leader: leader.id, last: last)
        guard reign.leader == leader.id else {
            throw .twoLeaders(reign.leader, leader.id, leader.term)
        }
        guard reign.last.index < leader.log.base.index || leader.log.contains(reign.last) else {
            throw .leaderOverwrote(leader.id, leader.term, reign.last)
        }
        reigns[leader.term] = Reign(leader: leader.id, last: last)
        defer { leading[leader.id] = (leader.term, leader.committed) }
        guard let before = leading[leader.id], before.term == leader.term else { return }
        guard leader.committed <= max(before.committed, leader.log.base.index)
            || leader.log.term(at: leader.committed) == leader.term
        else { throw .committedOldTerm(leader.id, leader.term, leader.committed) }
    }

    /// Log matching: if two logs have an entry of the same index and term, they are the same up to
    /// it.
    private func checkMatching(
        _ place: Int, _ witnesses: [RaftWitness]
    ) throws(RaftViolation) {
        for other in witnesses.indices where other != place {
            if case .broken(let index) = witnesses[place].log.agreement(with: witnesses[other].log) {
                throw .logsDiffer(witnesses[place].id, witnesses[other].id, index)
            }
        }
        if case .broken(let index) = witnesses[place].log.agreement(with: committed) {
            throw .appliedApart(witnesses[place].id, index)
        }
    }

    /// State machine safety: no two members commit different entries at the same index.
    private mutating func checkCommitted(by witness: RaftWitness) throws(RaftViolation) {
        let known = min(witness.committed, committed.lastIndex)
        guard holds(witness.log, known) else { throw .appliedApart(witness.id, known) }
        guard witness.committed > committed.lastIndex else { return }
        guard witness.log.base.index <= committed.lastIndex else {
            throw .appliedApart(witness.id, witness.log.base.index)
        }
        while committed.lastIndex < witness.committed {
            let header = witness.log.header(at: committed.lastIndex.next)
            guard header.term >= committed.lastTerm else {
                throw .appliedApart(witness.id, committed.lastIndex.next)
            }
            committed.append(header)
        }
        (committedIn, deciders) = (max(committedIn, witness.term), witness.log.membership)
        decidersBefore = memberships[witness.id].flatMap {
            $0.index == witness.log.membershipIndex ? nil : $0.membership
        }
    }

    /// What is committed is on the disks of a quorum of those who decided on it.
    private mutating func checkDurable(_ witnesses: [RaftWitness]) throws(RaftViolation) {
        guard committed.count > 0 else { return }
        let last = committed.lastIndex
        var durable: [MemberID] = []
        durable.reserveCapacity(witnesses.count)
        for place in witnesses.indices
        where witnesses[place].written >= last && holdsCommitted(witnesses[place].log) {
            let id = witnesses[place].id
            durable.append(id)
            if !excused.isEmpty, witnesses[place].written >= excused[id] ?? .zero {
                excused[id] = nil
            }
        }
        if !excused.isEmpty { durable += excused.keys.filter { !durable.contains($0) } }
        guard Self.isQuorum(durable, of: deciders)
                || decidersBefore.map({ Self.isQuorum(durable, of: $0) }) ?? false
        else { throw .notDurable(committed.last, on: durable.sorted()) }
    }

    private static func isQuorum(_ some: [MemberID], of membership: Membership) -> Bool {
        isMajority(some, of: membership.voters) && isMajority(some, of: membership.outgoingVoters)
    }

    /// Counted here once more, as the members' own count may be what is wrong.
    private static func isMajority(_ some: [MemberID], of group: [MemberID]) -> Bool {
        group.isEmpty || 2 * group.count(where: some.contains) > group.count
    }

    private func holdsCommitted(_ log: RaftLog) -> Bool { holds(log, committed.lastIndex) }

    /// Whether a log has what is committed through `index`: by log matching, one entry tells.
    private func holds(_ log: RaftLog, _ index: LogIndex) -> Bool {
        guard let term = committed.term(at: index) else { return true }
        return index < log.base.index || log.term(at: index) == term
    }

    private mutating func forget(_ witnesses: [RaftWitness]) {
        var oldest = witnesses.first?.log.base.index ?? .zero
        for place in witnesses.indices { oldest = min(oldest, witnesses[place].log.base.index) }
        if oldest > committed.base.index { committed.compact(to: min(oldest, committedIndex)) }
        guard reigns.count > Self.reignsMax else { return }
        let term = witnesses.map(\.term).min() ?? .none
        reigns = reigns.filter { $0.key >= term }
    }

    private static let reignsMax = 64
}

/// A member as an observer sees it.
package struct RaftWitness: Sendable {
    package var id: MemberID
    package var term: Term
    package var isLeader: Bool
    package var log: RaftLog
    package var committed: LogIndex
    /// The log is on disk through here.
    package var written: LogIndex

    fileprivate init(
        id: MemberID, term: Term, isLeader: Bool, log: RaftLog, committed: LogIndex,
        written: LogIndex
    ) {
        (self.id, self.term, self.isLeader) = (id, term, isLeader)
        (self.log, self.committed, self.written) = (log, committed, written)
    }

    /// A member that is down: all that it has is on its disk.
    package init(down id: MemberID, term: Term, log: RaftLog, committed: LogIndex) {
        self.init(
            id: id, term: term, isLeader: false, log: log, committed: committed,
            written: log.lastIndex)
    }
}

extension RaftMember {
    /// What an observer sees of it.
    package var witness: RaftWitness {
        RaftWitness(
            id: id, term: term, isLeader: isLeader, log: log, committed: committed,
            written: written)
    }
}

/// A promise of Raft that was broken.
package enum RaftViolation: Error, Hashable, Sendable {
    case twoLeaders(MemberID, MemberID, Term)
    case leaderOverwrote(MemberID, Term, EntryID)
    case leaderIncomplete(MemberID, Term, lacks: EntryID)
    case logsDiffer(MemberID, MemberID, LogIndex)
    /// A member committed something else than what was committed.
    case appliedApart(MemberID, LogIndex)
    case notDurable(EntryID, on: [MemberID])
    /// A leader counted for an entry of another one.
    case committedOldTerm(MemberID, Term, LogIndex)
    /// A log has two changes of members that are not committed.
    case twoChangesAtOnce(MemberID, LogIndex)
    case lostWhatWasWritten(MemberID, EntryID)
}
