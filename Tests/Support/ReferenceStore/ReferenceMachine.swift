internal import Checksum
internal import StoreCore
package import StoreHistory
package import StoreSimulator

/// A store as plain as one can be that keeps its promises: Raft as in the paper's figure 2, one
/// log file that only grows, and every read through the log. It is here to try
/// the simulator: whole, nothing may be found in it; with a defect, the defect has to be found.
package struct ReferenceMachine: SimulatedMachine {
    package enum Defect: String, CaseIterable, Hashable, Sendable {
        case followerAcknowledgesBeforeSync, leaderCountsItselfBeforeSync, voteIsNotSynced
        case startTrustsTheCache, recordsAreNotChecked, directoryIsNotSynced
        case leaderCommitsAlone, commitsOldTermsByCount, takesEntriesWithoutCheck
        case votesForShorterLogs, votesTwice, acknowledgesBeforeCommit
        case readsWithoutTheLog, appliesOutcomeTwice, versionIsNotCounted
        case watchLosesWhatItMissed, watchSplitsRevisions, progressRunsAhead, watchRepeats
        case refusesWhatMayHappen, compactsTooMuch, ignoresCompaction
    }

    package static let tolerated: Set<FaultKind> = [
        .loss, .duplication, .reordering, .delay, .cloggedLink, .partition, .asymmetricPartition,
        .crash, .powerLoss, .tornWrite, .pause, .clockJump, .clockSkew, .rollingUpgrade,
        .writeFails, .syncFails, .slowDisk, .diskLoss, .memberAdded, .memberPromoted,
        .memberRemoved, .leadershipTransferred,
    ]

    enum Role {
        case follower, leader
        case candidate(votes: Set<MemberNumber>)
    }

    let boot: Boot<Defect>
    var random: SeededRandom
    var log: ReferenceLog
    var store = ReferenceStore()
    var role = Role.follower
    var commit = 0
    var ticksToElection = 0
    var ticks = 0
    var next: [MemberNumber: Int] = [:]
    var match: [MemberNumber: Int] = [:]
    /// Calls that this leader has put in the log, by place.
    var waiting: [Int: RequestNumber] = [:]

    package init(_ boot: Boot<Defect>, disk: SimulatedDisk, effects: inout Effects) {
        self.boot = boot
        random = SeededRandom(seed: boot.seed)
        log = ReferenceLog(disk, boot, &effects)
        store.defect = boot.defect
        waitForElection()
    }

    var others: [MemberNumber] { log.membership.everybody.filter { $0 != boot.member } }
    var isVoter: Bool { log.membership.voters.contains(boot.member) }
    func has(_ defect: Defect) -> Bool { boot.defect == defect }

    package mutating func step(
        _ input: Input, now: Moment, disk: SimulatedDisk, effects: inout Effects
    ) {
        switch input {
        case .tick: if log.isReady { tick(&effects) }
        case .message(let from, let bytes):
            if log.isReady, let message = ReferenceMessage(bytes) {
                receive(message, from, &effects)
            }
        case .disk(let ticket, .done):
            if log.finish(ticket, &effects) { advanceCommit(&effects) }
        case .disk(_, .failed): effects.halt = .diskFailed
        case .request(let number, let request): ask(number, request, &effects)
        case .disturb: break
        }
        log.flush(&effects)
        if log.isFull { effects.halt = .broken("the log is full") }
        note(&effects.standing)
    }

    private func note(_ standing: inout Standing) {
        standing.term = log.term
        if case .leader = role { standing.isLeader = true } else { standing.isLeader = false }
        standing.applied = UInt64(store.applied)
        standing.appliedTerm = log.term(at: store.applied)
        standing.hash = store.hash
        standing.revision = store.revision
    }

    // MARK: Elections

    private mutating func waitForElection() {
        ticksToElection = boot.electionTicks + random.below(boot.electionTicks)
    }

    private mutating func tick(_ effects: inout Effects) {
        ticks += 1
        if ticks % 10 == 0 { store.tellProgress(&effects) }
        if case .leader = role { return replicate(&effects) }
        ticksToElection -= 1
        if ticksToElection <= 0 { callElection(&effects) }
    }

    private mutating func callElection(_ effects: inout Effects) {
        waitForElection()
        guard isVoter else { return }
        log.note(term: log.term + 1, vote: boot.member)
        role = .candidate(votes: [])
        let question = ReferenceMessage.askVote(
            term: log.term, last: log.last, lastTerm: log.term(at: log.last))
        for other in log.membership.voters where other != boot.member {
            log.send(question, to: other, afterSync: true, &effects)
        }
        // Its own vote counts when it is on the disk, as those of others.
        log.send(.vote(term: log.term, granted: true), to: boot.member, afterSync: true, &effects)
    }

    private mutating func stepDown(to term: UInt64, _ effects: inout Effects) {
        if term > log.term { log.note(term: term, vote: nil) }
        if case .leader = role {
            for number in waiting.values.sorted(by: { $0.number < $1.number }) {
                let refusal = Reply.refused(.other("leader is lost"))
                effects.answers.append(
                    (number, .reply(has(.refusesWhatMayHappen) ? refusal : .unknown)))
            }
            waiting.removeAll()
        }
        role = .follower
    }

    private mutating func lead(_ effects: inout Effects) {
        role = .leader
        (next, match) = ([:], [:])
        for member in log.membership.everybody { next[member] = log.last + 1 }
        // An entry of its own term, by which it commits what others left.
        if !has(.commitsOldTermsByCount) { log.append(term: log.term, []) }
        replicate(&effects)
        advanceCommit(&effects)
    }

    // MARK: Messages

    private mutating func receive(
        _ message: ReferenceMessage, _ from: MemberNumber, _ effects: inout Effects
    ) {
        if message.term > log.term { stepDown(to: message.term, &effects) }
        switch message {
        case .askVote(let term, let last, let lastTerm):
            let isFresh = (lastTerm, last) >= (log.term(at: log.last), log.last)
            let isFree = log.vote == nil || log.vote == from || has(.votesTwice)
            let granted = term == log.term && isFree && (isFresh || has(.votesForShorterLogs))
            if granted {
                if log.vote != from { log.note(term: log.term, vote: from) }
                waitForElection()
            }
            let answer = ReferenceMessage.vote(term: log.term, granted: granted)
            log.send(answer, to: from, afterSync: !has(.voteIsNotSynced), &effects)
        case .vote(let term, let granted): count(term, granted, from, &effects)
        case .append(let term, let previous, let previousTerm, let commit, let entries):
            guard term == log.term else {
                let answer = ReferenceMessage.appended(term: log.term, isTaken: false, through: 0)
                return log.send(answer, to: from, afterSync: true, &effects)
            }
            stepDown(to: term, &effects)
            waitForElection()
            take(previous, previousTerm, commit, entries, from, &effects)
        case .takeOver(let term): if term == log.term { callElection(&effects) }
        case .appended(let term, let isTaken, let through):
            guard case .leader = role, term == log.term else { return }
            if isTaken {
                match[from] = max(match[from] ?? 0, through)
                next[from] = max(next[from] ?? 1, through + 1)
                advanceCommit(&effects)
            } else {
                next[from] = max(1, min((next[from] ?? 1) - 1, through + 1))
            }
            if (next[from] ?? 1) <= log.last { replicate(to: from, &effects) }
        }
    }

    private mutating func count(
        _ term: UInt64, _ granted: Bool, _ from: MemberNumber, _ effects: inout Effects
    ) {
        guard case .candidate(var votes) = role, term == log.term, granted else { return }
        votes.insert(from)
        role = .candidate(votes: votes)
        let count = log.membership.voters.count { votes.contains($0) }
        if count >= log.membership.majority { lead(&effects) }
    }

    private mutating func take(
        _ previous: Int, _ previousTerm: UInt64, _ commit: Int,
        _ entries: [ReferenceLog.Entry], _ from: MemberNumber, _ effects: inout Effects
    ) {
        let fits =
            previous <= log.last
            && (log.term(at: previous) == previousTerm || has(.takesEntriesWithoutCheck))
        guard fits else {
            let hint = min(log.last, max(0, previous - 1))
            let answer = ReferenceMessage.appended(term: log.term, isTaken: false, through: hint)
            return log.send(answer, to: from, afterSync: true, &effects)
        }
        var place = previous
        for entry in entries {
            place += 1
            if place <= log.last, log.term(at: place) == entry.term { continue }
            if place <= log.last { log.truncate(from: place) }
            log.append(term: entry.term, entry.payload)
        }
        let answer = ReferenceMessage.appended(term: log.term, isTaken: true, through: place)
        log.send(answer, to: from, afterSync: !has(.followerAcknowledgesBeforeSync), &effects)
        apply(through: min(commit, place), &effects)
    }

    // MARK: Replication

    private func replicate(_ effects: inout Effects) {
        for other in others { replicate(to: other, &effects) }
    }

    private func replicate(to member: MemberNumber, _ effects: inout Effects) {
        let first = next[member] ?? 1
        let entries = log.entries(from: first, countMax: 64)
        let message = ReferenceMessage.append(
            term: log.term, previous: first - 1, previousTerm: log.term(at: first - 1),
            commit: commit, entries)
        effects.messages.append((.member(member), message.bytes))
    }

    private mutating func advanceCommit(_ effects: inout Effects) {
        guard case .leader = role else { return }
        match[boot.member] = has(.leaderCountsItselfBeforeSync) ? log.last : log.durable
        let members = log.membership
        let places = members.voters.map { match[$0] ?? 0 }.sorted(by: >)
        let reached = has(.leaderCommitsAlone) ? log.durable : places[members.majority - 1]
        guard reached > commit else { return }
        guard log.term(at: reached) == log.term || has(.commitsOldTermsByCount) else { return }
        apply(through: reached, &effects)
        replicate(&effects)
        guard let last = log.memberships.last, last.place <= commit, !isVoter else { return }
        stepDown(to: log.term, &effects)  // it has removed itself
    }

    private mutating func apply(through place: Int, _ effects: inout Effects) {
        commit = max(commit, min(place, log.last))
        while store.applied < commit {
            let place = store.applied + 1
            let payload = log.payload(at: place)
            let number = waiting.removeValue(forKey: place)
            guard payload.first != 0 else {
                store.skip()
                if let number { effects.answers.append((number, .done)) }
                continue
            }
            let reply = store.apply(payload, &effects)
            if let number { effects.answers.append((number, .reply(reply))) }
        }
    }

    // MARK: Clients

    private mutating func ask(
        _ number: RequestNumber, _ request: Request, _ effects: inout Effects
    ) {
        switch request {
        case .hangUp: store.watches.removeAll { $0.number == number }
        case .change(let change):
            if let answer = take(change, number, &effects) {
                effects.answers.append((number, answer))
            }
        case .lease: effects.answers.append((number, .reply(.refused(.other("there are none")))))
        case .call(.watch(let watch)): store.open(watch, number, &effects)
        case .call(.range(let query, let isSerializable))
        where isSerializable || has(.readsWithoutTheLog):
            effects.answers.append((number, .reply(store.read(query))))
        case .call(let call):
            guard case .leader = role, log.isReady else {
                effects.answers.append((number, .reply(.refused(.other("no leader here")))))
                return
            }
            log.append(term: log.term, Array(HistoryText.text(call).utf8))
            if has(.acknowledgesBeforeCommit), case .transact(let transaction) = call {
                var ahead = store
                effects.answers.append((number, .reply(ahead.transact(transaction).reply)))
            } else {
                waiting[log.last] = number
            }
            replicate(&effects)
        }
    }

    // MARK: Members

    /// Returns the answer, unless it comes when the change is committed.
    private mutating func take(
        _ change: MemberChange, _ number: RequestNumber, _ effects: inout Effects
    ) -> Answer? {
        let refusal = Answer.reply(.refused(.other("not now")))
        guard case .leader = role, log.term(at: commit) == log.term else { return refusal }
        if case .transferLeadership(let member) = change {
            guard log.membership.voters.contains(member) else { return refusal }
            let message = ReferenceMessage.takeOver(term: log.term)
            if member != boot.member { effects.messages.append((.member(member), message.bytes)) }
            return .done
        }
        // One change at a time: it has to be committed before the next.
        guard let last = log.memberships.last, last.place <= commit else { return refusal }
        guard let members = log.membership.applying(change) else { return .done }
        if case .promote(let member) = change, (match[member] ?? 0) + 20 < log.last {
            return refusal
        }
        guard !members.voters.isEmpty else { return refusal }
        log.append(term: log.term, members.payload)
        waiting[log.last] = number
        replicate(&effects)
        return nil
    }
}
