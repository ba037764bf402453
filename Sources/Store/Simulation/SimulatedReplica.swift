internal import Raft
internal import Replica
internal import StoreCore
package import StoreHistory
package import StoreSimulator

/// The real store as a machine of a simulated world: the rooms `Raft`, `StoreCore` and `Replica` as
/// the server runs them, over a simulated disk and network.
package struct SimulatedReplica: SimulatedMachine {
    package typealias Defect = NoDefect

    package static let tolerated = Set(FaultKind.allCases)

    package typealias Observer = ReplicaObserver

    let process: ReplicaProcess

    package init(_ boot: Boot<Defect>, disk: SimulatedDisk, effects: inout Effects) {
        process = ReplicaProcess(boot, disk)
        process.run(at: boot.now, &effects) { process throws(StoreError) in try process.start() }
    }

    package mutating func step(
        _ input: Input, now: Moment, disk: SimulatedDisk, effects: inout Effects
    ) {
        process.run(at: now, &effects) { process throws(StoreError) in
            try process.take(input)
        }
    }
}

/// Holds the members to the invariants of Raft at every step.
package struct ReplicaObserver: MachineObserver {
    private var invariants: RaftInvariants
    private var witnesses: [MemberID: RaftWitness] = [:]
    private var damaged: Set<MemberID> = []

    package init(founders: [MemberNumber]) {
        invariants = RaftInvariants(
            membership: Membership(voters: founders.map { MemberID($0.number) }))
    }

    package mutating func note(step machine: SimulatedReplica, of member: MemberNumber) -> String? {
        let id = MemberID(member.number)
        guard let witness = machine.process.witness else { return nil }
        if let last = witnesses[id], last.isLike(witness) { return nil }
        witnesses[id] = witness
        // A disk that lies may have lost what it has shown.
        if damaged.contains(id) { invariants.excuse(id, through: witness.log.lastIndex) }
        do throws(RaftViolation) {
            try invariants.check(Array(witnesses.values), changed: id)
        } catch { return "\(error)" }
        return nil
    }

    package mutating func note(crashOf member: MemberNumber) {
        let id = MemberID(member.number)
        guard let last = witnesses[id] else { return }
        // Of what was not synced, nobody can tell.
        var log = last.log
        log.truncate(from: last.written.next)
        let committed = min(last.committed, log.lastIndex)
        witnesses[id] = RaftWitness(down: id, term: last.term, log: log, committed: committed)
    }

    package mutating func note(damageOf member: MemberNumber) {
        damaged.insert(MemberID(member.number))
        excuse(MemberID(member.number))
    }

    private mutating func excuse(_ member: MemberID) {
        invariants.excuse(member, through: witnesses[member]?.log.lastIndex ?? .zero)
    }

    package mutating func note(endOf member: MemberNumber) {
        excuse(MemberID(member.number))
        witnesses[MemberID(member.number)] = nil
    }
}

extension RaftWitness {
    /// Whether nothing has happened in between. A log that ends with the same entry is the same.
    fileprivate func isLike(_ other: RaftWitness) -> Bool {
        term == other.term && isLeader == other.isLeader && committed == other.committed
            && written == other.written && log.last == other.log.last
            && log.base == other.log.base
    }
}
