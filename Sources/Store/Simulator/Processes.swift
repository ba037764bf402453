internal import StoreHistory

/// Starts the processes of a world. The world asks for no more than this, so that it need not be
/// generic: what the compiler does not specialize, it cannot make fast.
protocol Processes: AnyObject {
    var tolerated: Set<FaultKind> { get }
    func start(
        _ boot: Boot<NoDefect>, _ disk: SimulatedDisk, _ effects: inout Effects
    ) -> any RunningProcess

    func note(crashOf member: MemberNumber)
    func note(damageOf member: MemberNumber, isOfWrite: Bool)
    func note(endOf member: MemberNumber)
}

/// A process from its start to its end.
protocol RunningProcess: AnyObject {
    func step(_ input: Input, _ now: Moment, _ disk: SimulatedDisk, _ effects: inout Effects)

    var calm: Calm? { get }
    func pass(ticks: Int, _ now: Moment)

    /// What is broken between members after a step of this one, if anything is.
    func broken(after member: MemberNumber) -> String?
}

/// Processes of one kind, all with the same defect, and who observes them.
final class ProcessesOf<Machine: SimulatedMachine>: Processes {
    fileprivate var observer: Machine.Observer
    private let defect: Machine.Defect?

    init(founders: [MemberNumber], defect: Machine.Defect?) {
        observer = Machine.Observer(founders: founders)
        self.defect = defect
    }

    var tolerated: Set<FaultKind> { Machine.tolerated }

    func start(
        _ boot: Boot<NoDefect>, _ disk: SimulatedDisk, _ effects: inout Effects
    ) -> any RunningProcess {
        let boot = Boot(
            member: boot.member, place: boot.place, founders: boot.founders,
            contacts: boot.contacts, seed: boot.seed, now: boot.now,
            tickMicroseconds: boot.tickMicroseconds, electionTicks: boot.electionTicks,
            segmentBytes: boot.segmentBytes, restFactor: boot.restFactor,
            progressTicks: boot.progressTicks, defect: defect)
        return ProcessOf(Machine(boot, disk: disk, effects: &effects), among: self)
    }

    func note(crashOf member: MemberNumber) { observer.note(crashOf: member) }
    func note(damageOf member: MemberNumber, isOfWrite: Bool) {
        observer.note(damageOf: member, isOfWrite: isOfWrite)
    }
    func note(endOf member: MemberNumber) { observer.note(endOf: member) }
}

private final class ProcessOf<Machine: SimulatedMachine>: RunningProcess {
    private var machine: Machine
    private let processes: ProcessesOf<Machine>

    init(_ machine: Machine, among processes: ProcessesOf<Machine>) {
        (self.machine, self.processes) = (machine, processes)
    }

    func step(_ input: Input, _ now: Moment, _ disk: SimulatedDisk, _ effects: inout Effects) {
        machine.step(input, now: now, disk: disk, effects: &effects)
    }

    var calm: Calm? { machine.calm }
    func pass(ticks: Int, _ now: Moment) { machine.pass(ticks: ticks, now: now) }

    func broken(after member: MemberNumber) -> String? {
        processes.observer.note(step: machine, of: member)
    }
}
