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

    private struct Member {
        let id: MemberID
        /// While it runs, and does not stand still.
        var process: ReplicaProcess?
        /// What it looked like when it was compared last.
        var look: Look?
        /// What is known of it while it does not run.
        var absent: RaftWitness?
        var hasCrashed = false
        var damages = 0
        var vote: (term: Term, candidate: MemberID)?
        /// On its disk when it crashed, even if the last write came to nothing.
        var sure: EntryID?
    }

    package init(founders: [MemberNumber]) {
        invariants = RaftInvariants(
            membership: Membership(voters: founders.map { MemberID($0.number) }))
    }

    private mutating func place(of number: MemberNumber) -> Int {
        let id = MemberID(number.number)
        if let place = members.firstIndex(where: { $0.id == id }) { return place }
        members.append(Member(id: id))
        return members.count - 1
    }

    package mutating func note(step machine: SimulatedReplica, of member: MemberNumber) -> String? {
        let (place, process) = (place(of: member), machine.process)
        if let broken = note(process.vote, place) { return broken }
        guard let look = process.look else {
            suspend(place)
            return nil
        }
        let last = members[place].process === process ? members[place].look : nil
        guard look != last else { return nil }
        let (id, absent) = (members[place].id, members[place].absent)
        let (isRestarted, sure) = (members[place].hasCrashed, members[place].sure)
        (members[place].look, members[place].process) = (look, process)
        (members[place].absent, members[place].hasCrashed) = (nil, false)
        if isRestarted { invariants.noteStart(of: id) }
        // A disk that lies may have lost what it has shown.
        if members[place].damages > 0 { invariants.excuse(id, through: look.last.index) }
        do throws(RaftViolation) {
            guard look.isWrittenAsFarAsItSays else {
                return "\(member) counts \(look.written) as written; there is \(look.durable)"
            }
            if isRestarted, let absent, let witness = process.witness {
                switch members[place].damages {
                case 0: try invariants.check(witness, restartedFrom: absent)
                // What one damage takes is found out, but for the last write: that may be torn.
                case 1:
                    guard let sure, absent.log.contains(sure) else { break }
                    guard sure.index <= look.base.index || witness.log.contains(sure) else {
                        return "\(member) has not noticed the loss of \(sure)"
                    }
                default: break
                }
            }
            try invariants.check(
                members.compactMap { $0.absent ?? $0.process?.witness }, changed: id,
                isLogSame: last?.hasLog(of: look) ?? false)
        } catch { return "\(error)" }
        return nil
    }

    /// A member has one vote a term, whatever happens to it.
    private mutating func note(
        _ vote: (term: Term, candidate: MemberID)?, _ place: Int
    ) -> String? {
        guard let vote else { return nil }
        defer { members[place].vote = vote }
        guard let last = members[place].vote, last.term == vote.term,
            last.candidate != vote.candidate
        else { return nil }
        return "\(members[place].id) has voted for \(last.candidate) and for \(vote.candidate)"
            + " in term \(vote.term)"
    }

    /// From here on its process cannot be asked.
    private mutating func suspend(_ place: Int) {
        guard let process = members[place].process else { return }
        members[place].absent = process.witness
        (members[place].process, members[place].look) = (nil, nil)
    }

    package mutating func note(crashOf member: MemberNumber) {
        let place = place(of: member)
        members[place].sure = members[place].process?.durableBefore
        suspend(place)
        members[place].hasCrashed = true
        guard let last = members[place].absent else { return }
        // Of what was not synced, nobody can tell.
        var log = last.log
        log.truncate(from: last.written.next)
        members[place].absent = RaftWitness(
            down: last.id, term: last.term, log: log,
            committed: min(last.committed, log.lastIndex))
    }

    package mutating func note(damageOf member: MemberNumber) {
        let place = place(of: member)
        members[place].damages += 1
        excuse(place)
    }

    private mutating func excuse(_ place: Int) {
        let member = members[place]
        let last = member.look?.last.index ?? member.absent?.log.lastIndex
        invariants.excuse(member.id, through: last ?? .zero)
    }

    package mutating func note(endOf member: MemberNumber) {
        let place = place(of: member)
        excuse(place)
        members.remove(at: place)
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
    /// Nil while it starts, or stands still as a snapshot takes the place of its log.
    var look: Look? {
        guard running != nil, !snapshot.isInstalling else { return nil }
        return running?.replica.look(durable: durable)
    }

    /// Nil while it starts.
    var witness: RaftWitness? { running?.replica.witness }
}

extension Replica {
    fileprivate func look(durable: EntryID) -> Look {
        Look(
            term: raft.term, isLeader: raft.isLeader, committed: raft.committed,
            written: raft.written, last: raft.log.last, base: raft.log.base, durable: durable,
            isDurableThere: raft.log.contains(durable))
    }

    fileprivate var witness: RaftWitness { RaftWitness(raft) }
}
