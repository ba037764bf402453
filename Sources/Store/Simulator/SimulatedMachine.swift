package import StoreCore
package import StoreHistory

/// Names a member of the cluster, for good: one that comes back without its disk gets a new number.
package struct MemberNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: UInt64
    package init(_ number: UInt64) { self.number = number }
    package var description: String { "m\(number)" }
    package static func < (left: MemberNumber, right: MemberNumber) -> Bool {
        left.number < right.number
    }
}

/// Names a call while a client waits for its answer; never used again.
package struct RequestNumber: Hashable, Sendable, CustomStringConvertible {
    package let number: UInt64
    package init(_ number: UInt64) { self.number = number }
    package var description: String { "r\(number)" }
}

/// Names a disk command that is under way; the machine chooses it.
package struct DiskTicket: Hashable, Sendable {
    package let number: UInt64
    package init(_ number: UInt64) { self.number = number }
}

/// A process of the store, as a value: it boots from its disk, and then takes one input after the
/// other, each with the effects that it wants.
///
/// All that it knows of the world comes through here. It may read its disk at any time; everything
/// else that touches the disk is an effect, carried out in the order in which it was asked for, and
/// reported when done.
package protocol SimulatedMachine {
    /// Errors planted into the store, for the mutation gate; ``NoDefect`` if there are none.
    associatedtype Defect: Hashable & Sendable & CaseIterable
    /// Sees all machines of a world at once; ``NoObserver`` if there is none.
    associatedtype Observer: MachineObserver = NoObserver<Self> where Observer.Machine == Self

    /// Faults that it is meant to survive.
    static var tolerated: Set<FaultKind> { get }

    /// Starts, with whatever the disk holds: nothing at first, then what a crash has left.
    init(_ boot: Boot<Defect>, disk: SimulatedDisk, effects: inout Effects)

    /// - Parameter now: of the member's own clock, which may be wrong, jump and go back.
    mutating func step(
        _ input: Input, now: Moment, disk: SimulatedDisk, effects: inout Effects)

    /// How it is while nothing is under way; nil if something is, or it cannot tell.
    var calm: Calm? { get }
    /// Lets ticks pass of which nothing comes, no more than `calm` has.
    ///
    /// - Parameter now: At the last of them.
    mutating func pass(ticks: Int, now: Moment)
}

extension SimulatedMachine {
    package var calm: Calm? { nil }
    package mutating func pass(ticks: Int, now: Moment) {}
}

/// How things are with a machine that does nothing but to say to others that it is there.
package struct Calm: Sendable {
    /// What all who are calm have to be agreed about.
    package struct View: Hashable, Sendable {
        package var term: UInt64
        package var leader: MemberNumber
        /// The place of the newest entry.
        package var last: UInt64

        package init(term: UInt64, leader: MemberNumber, last: UInt64) {
            (self.term, self.leader, self.last) = (term, leader, last)
        }
    }

    package var view: View
    /// So many ticks come to nothing, if others stay calm as well.
    package var ticks: Int
    /// Who has answered lately, and is missed when he does not.
    package var others: [MemberNumber]
    /// For how many ticks it has not heard from one of those, or from its leader.
    package var ticksSilent: Int

    package init(view: View, ticks: Int, others: [MemberNumber], ticksSilent: Int) {
        (self.view, self.ticks) = (view, ticks)
        (self.others, self.ticksSilent) = (others, ticksSilent)
    }
}

/// Looks at the machines of a world after each step, for what must hold between them.
package protocol MachineObserver {
    associatedtype Machine
    init(founders: [MemberNumber])
    /// Returns what is broken, if anything is.
    mutating func note(step machine: Machine, of member: MemberNumber) -> String?
    /// The process is gone; its disk keeps what was synced.
    mutating func note(crashOf member: MemberNumber)
    /// The disk no longer holds what it was told to.
    ///
    /// - Parameter isOfWrite: Whether it has just said that something was written which was not.
    mutating func note(damageOf member: MemberNumber, isOfWrite: Bool)
    /// The member and its disk are gone for good.
    mutating func note(endOf member: MemberNumber)
}

package struct NoObserver<Machine>: MachineObserver {
    package init(founders: [MemberNumber]) {}
    package mutating func note(step machine: Machine, of member: MemberNumber) -> String? { nil }
    package mutating func note(crashOf member: MemberNumber) {}
    package mutating func note(damageOf member: MemberNumber, isOfWrite: Bool) {}
    package mutating func note(endOf member: MemberNumber) {}
}

/// What a process is told when it starts.
package struct Boot<Defect: Sendable>: Sendable {
    package var member: MemberNumber
    /// Where it is: by this, others reach it, whatever its number.
    package var place = 0
    /// The members that found the cluster, at places 0, 1 and so on; empty if this one joins a
    /// cluster that is there.
    package var founders: [MemberNumber]
    /// The members that there are, for one that joins.
    package var contacts: [Contact] = []
    /// For the member's own random choices; another one at each start.
    package var seed: UInt64
    package var now: Moment
    /// How often a tick comes, by the member's own clock.
    package var tickMicroseconds: Int64
    /// After how many ticks without a leader the earliest election may be called.
    package var electionTicks: Int
    /// How large a file of the log is.
    package var segmentBytes: Int
    /// How much rarer than usual all is done that need not be done at a certain time.
    package var restFactor = 1
    /// How often watches are told that nothing has happened.
    package var progressTicks = 10
    package var defect: Defect?
}

/// A member, and where it is.
package struct Contact: Sendable {
    package var member: MemberNumber
    package var place: Int
}

package enum NoDefect: CaseIterable, Hashable, Sendable {}

package enum Input: Sendable {
    case tick
    case message(from: MemberNumber, [UInt8])
    case disk(DiskTicket, DiskResult)
    case request(RequestNumber, Request)
    /// Something that it has in memory becomes something else.
    case disturb(choosing: Int)
}

package enum Request: Sendable {
    case call(Call)
    case change(MemberChange)
    case lease(LeaseRequest)
    /// The client does not wait for this one any more; a watch ends.
    case hangUp
}

/// What clients want of a lease. Its keys are put by calls.
package enum LeaseRequest: Hashable, Sendable {
    case grant(LeaseID, milliseconds: Int64)
    case keepAlive(LeaseID)
    case revoke(LeaseID)
}

/// A change of the cluster's members. One that is in effect already is done.
package enum MemberChange: Hashable, Sendable {
    case addLearner(MemberNumber, place: Int)
    case promote(MemberNumber)
    case remove(MemberNumber)
    case transferLeadership(to: MemberNumber)
}

package enum Answer: Sendable {
    /// The last answer to a call. `.unknown` if it may have happened or may yet happen;
    /// `.refused` only if it never will.
    case reply(Reply)
    /// One of many answers to a watch; the last is `.ended`.
    case watch(WatchRecord.Content)
    /// A change of members, or of a lease, is done.
    case done
}

package enum DiskCommand: Sendable {
    /// Makes a file of that many zeros. What it takes of the disk is taken now.
    case create(String, bytes: Int)
    /// Writes within a file. It does not grow.
    case write(String, offset: Int, [UInt8])
    /// Makes what was written to a file durable.
    case sync(String)
    case rename(String, to: String)
    case remove(String)
    /// Makes the names durable: what was created, renamed and removed.
    case syncDirectory
}

package enum DiskResult: Hashable, Sendable {
    case done
    case failed(DiskError)
}

package enum DiskError: Error, Hashable, Sendable {
    case io
    case noSpace
    /// There is no such file, or the place lies beyond its end.
    case missing
}

/// Why a process ends by itself.
package enum Halt: Hashable, Sendable {
    /// The disk refused; it will be started again after a reboot of its machine.
    case diskFailed
    /// What it stores is damaged beyond its own help; it will be replaced by a new member.
    case damaged(String)
    /// It holds something else than the others; it will be replaced by a new member.
    case differs(String)
    /// It has given its number up: it is to be started again, under this one, with what is on disk.
    case givenUp(MemberNumber, GivingUp)
    /// It is no member of the cluster any more.
    case removed
    /// It found its own promises broken: always a violation.
    case broken(String)
}

/// Why a member takes another number.
package enum GivingUp: Hashable, Sendable {
    case damaged(String)
    case differs(String)
    /// The cluster has begun without it, or it has lost what it had.
    case lost
    /// It has done so in an earlier life, which ended before anybody was told.
    case earlier
}

/// Whoever gets a message.
package enum Recipient: Hashable, Sendable {
    /// Nobody, if the member is nowhere.
    case member(MemberNumber)
    /// Whoever is there, under whatever number.
    case place(Int)
}

/// What a machine wants done after a step.
package struct Effects: Sendable {
    package var messages: [(to: Recipient, bytes: [UInt8])] = []
    package var disk: [(ticket: DiskTicket, command: DiskCommand)] = []
    package var answers: [(to: RequestNumber, answer: Answer)] = []
    /// The last thing to happen: messages and answers go out, disk commands do not.
    package var halt: Halt?
    /// Keys that were seen to go whose names are those of keys with leases.
    package var endedKeys: [[UInt8]] = []
    /// How things stand with the machine; stays as it is until it is set again.
    package var standing = Standing()

    package init() {}

    mutating func removeAll() {
        if !messages.isEmpty { messages.removeAll(keepingCapacity: true) }
        if !disk.isEmpty { disk.removeAll(keepingCapacity: true) }
        if !answers.isEmpty { answers.removeAll(keepingCapacity: true) }
        halt = nil
        if !endedKeys.isEmpty { endedKeys.removeAll() }
    }
}

/// What the world wants to know of a machine, to compare it with others.
package struct Standing: Hashable, Sendable {
    package var term: UInt64 = 0
    package var isLeader = false
    /// Through which place of the log it has applied, and the term of the entry there.
    package var applied: UInt64 = 0
    package var appliedTerm: UInt64 = 0
    /// Of everything that is in the store at `applied`: equal for all members that are there.
    package var hash: UInt64 = 0
    package var revision = Revision.start
    /// A snapshot from another member is being put in place.
    package var isInstallingSnapshot = false
    /// It has something else in memory than it should.
    package var isDisturbed = false
    /// Whether it takes part in the cluster: one of the first members waits for the others before.
    package var takesPart = true
    /// Whether it has found that members hold different things.
    package var isAlarmed = false
    /// How many leases it knows of.
    package var leaseCount = 0

    package init() {}
}
