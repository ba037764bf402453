internal import Raft
internal import Replica
package import StoreSimulator

/// Holds the members to the invariants of Raft at every step.
///
/// Looks at the running members themselves: a copy of each one's log would have to be made anew
/// whenever an entry is added.
package struct ReplicaObserver: MachineObserver {
    private var invariants: RaftInvariants
    private var members: [Member] = []
    /// Who has whose vote, those included that are gone: a founder may come again.
    private var votes: [MemberID: (term: Term, candidate: MemberID)] = [:]

    /// An object, as it is looked at and changed in part at every step.
    private final class Member {
        let id: MemberID
        /// While it runs, and does not stand still.
        var process: ReplicaProcess?
        /// What it looked like when it was compared last.
        var look: Look?
        /// What is known of it while it does not run.
        var absent: RaftWitness?
        var hasCrashed = false
        var damages = 0
        /// On its disk when it crashed, even if the last write came to nothing.
        var sure: EntryID?

        init(id: MemberID) { self.id = id }
    }

    package init(founders: [MemberNumber]) {
        invariants = RaftInvariants(
            membership: Membership(voters: founders.map { MemberID($0.number) }))
    }

    private mutating func seen(_ number: MemberNumber) -> Member {
        for member in members where member.id.number == number.number { return member }
        members.append(Member(id: MemberID(number.number)))
        return members[members.count - 1]
    }

    package mutating func note(step machine: SimulatedReplica, of member: MemberNumber) -> String? {
        let (seen, process) = (seen(member), machine.process)
        if let broken = note(process.vote, seen.id) { return broken }
        guard let look = process.look else {
            Self.suspend(seen)
            return nil
        }
        let last = seen.process === process ? seen.look : nil
        guard look != last else { return nil }
        let (absent, isRestarted) = (seen.absent, seen.hasCrashed)
        (seen.look, seen.process) = (look, process)
        (seen.absent, seen.hasCrashed) = (nil, false)
        if isRestarted { invariants.noteStart(of: seen.id) }
        // A disk that lies may have lost what it has shown.
        if seen.damages > 0 { invariants.excuse(seen.id, through: look.last.index) }
        do throws(RaftViolation) {
            guard look.isWrittenAsFarAsItSays else {
                return "\(member) counts \(look.written) as written; there is \(look.durable)"
            }
            if isRestarted, let absent, let witness = process.witness {
                switch seen.damages {
                case 0: try invariants.check(witness, restartedFrom: absent)
                // What one damage takes is found out, but for the last write: that may be torn.
                case 1:
                    guard let sure = seen.sure, absent.log.contains(sure) else { break }
                    guard sure.index <= look.base.index || witness.log.contains(sure) else {
                        return "\(member) has not noticed the loss of \(sure)"
                    }
                default: break
                }
            }
            let isLogSame = last?.hasLog(of: look) ?? false
            if isLogSame, let last, look.written >= last.written, let witness = process.witness,
                try invariants.check(unchangedLogOf: witness)
            {
                return nil
            }
            try invariants.check(
                members.compactMap { $0.absent ?? $0.process?.witness }, changed: seen.id,
                isLogSame: isLogSame)
        } catch { return "\(error)" }
        return nil
    }

    /// A member has one vote a term, whatever happens to it.
    private mutating func note(
        _ vote: (term: Term, candidate: MemberID)?, _ member: MemberID
    ) -> String? {
        guard let vote else { return nil }
        let last = votes.updateValue(vote, forKey: member)
        guard let last, last.term == vote.term, last.candidate != vote.candidate
        else { return nil }
        return "\(member) has voted for \(last.candidate) and for \(vote.candidate)"
            + " in term \(vote.term)"
    }

    /// From here on its process cannot be asked.
    private static func suspend(_ seen: Member) {
        guard let process = seen.process else { return }
        seen.absent = process.witness
        (seen.process, seen.look) = (nil, nil)
    }

    package mutating func note(crashOf member: MemberNumber) {
        let seen = seen(member)
        seen.sure = seen.process?.durableBefore
        Self.suspend(seen)
        seen.hasCrashed = true
        guard let last = seen.absent else { return }
        // Of what was not synced, nobody can tell.
        var log = last.log
        log.truncate(from: last.written.next)
        seen.absent = RaftWitness(
            down: last.id, term: last.term, log: log,
            committed: min(last.committed, log.lastIndex))
    }

    package mutating func note(damageOf member: MemberNumber, isOfWrite: Bool) {
        let seen = seen(member)
        seen.damages += 1
        if isOfWrite { seen.process?.noteLoss() }
        excuse(seen)
    }

    private mutating func excuse(_ seen: Member) {
        let last = seen.look?.last.index ?? seen.absent?.log.lastIndex
        invariants.excuse(seen.id, through: last ?? .zero)
    }

    package mutating func note(endOf member: MemberNumber) {
        let seen = seen(member)
        excuse(seen)
        members.removeAll { $0 === seen }
    }
}

/// Enough of a member to tell whether something has happened: a log that ends with the same entry
/// is the same.
struct Look: Equatable {
    var term: Term
    var isLeader: Bool
    var committed: LogIndex
    var written: LogIndex
    var last: EntryID
    var base: EntryID
    /// The newest entry that has been synced, void or not.
    var durable: EntryID
    var isDurableThere: Bool

    /// Entries up to the newest synced one are on disk, if that is the log's own; else some of
    /// those before it.
    var isWrittenAsFarAsItSays: Bool {
        durable.index < base.index || written < durable.index
            || written == durable.index && isDurableThere
    }

    func hasLog(of other: Look) -> Bool { last == other.last && base == other.base }
}

extension ReplicaProcess {
    /// Nil while it starts, waits to take part, or stands still as a snapshot takes the place of its log.
    var look: Look? {
        guard takesPart, running != nil, !snapshot.isInstalling else { return nil }
        return running?.replica.look(durable: durable)
    }

    /// Nil while it starts.
    var witness: RaftWitness? { takesPart ? running?.replica.witness : nil }
}

extension Replica {
    fileprivate func look(durable: EntryID) -> Look {
        Look(
            term: raft.term, isLeader: raft.isLeader, committed: raft.committed,
            written: raft.written, last: raft.log.last, base: raft.log.base, durable: durable,
            isDurableThere: raft.log.contains(durable))
    }

    fileprivate var witness: RaftWitness { raft.witness }
}
