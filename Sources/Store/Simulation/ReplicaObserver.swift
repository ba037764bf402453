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
        var isDamaged = false
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
        guard let look = process.look else {
            suspend(place)
            return nil
        }
        let last = members[place].process === process ? members[place].look : nil
        guard look != last else { return nil }
        (members[place].look, members[place].process) = (look, process)
        members[place].absent = nil
        let id = members[place].id
        // A disk that lies may have lost what it has shown.
        if members[place].isDamaged { invariants.excuse(id, through: look.last.index) }
        do throws(RaftViolation) {
            try invariants.check(
                members.compactMap { $0.absent ?? $0.process?.witness }, changed: id,
                isLogSame: last?.hasLog(of: look) ?? false)
        } catch { return "\(error)" }
        return nil
    }

    /// From here on its process cannot be asked.
    private mutating func suspend(_ place: Int) {
        guard let process = members[place].process else { return }
        members[place].absent = process.witness
        (members[place].process, members[place].look) = (nil, nil)
    }

    package mutating func note(crashOf member: MemberNumber) {
        let place = place(of: member)
        suspend(place)
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
        members[place].isDamaged = true
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

    func hasLog(of other: Look) -> Bool { last == other.last && base == other.base }
}

extension ReplicaProcess {
    /// Nil while it starts, or stands still as a snapshot takes the place of its log.
    var look: Look? {
        guard running != nil, !snapshot.isInstalling else { return nil }
        return running?.replica.look
    }

    /// Nil while it starts.
    var witness: RaftWitness? { running?.replica.witness }
}

extension Replica {
    fileprivate var look: Look {
        Look(
            term: raft.term, isLeader: raft.isLeader, committed: raft.committed,
            written: raft.written, last: raft.log.last, base: raft.log.base)
    }

    fileprivate var witness: RaftWitness { RaftWitness(raft) }
}
