internal import StoreHistory

/// The processes of all nodes. The world asks for no more than this, so that it need not be
/// generic: what the compiler does not specialize, it cannot make fast.
protocol Processes: AnyObject {
    var tolerated: Set<FaultKind> { get }
    func start(_ node: Int, _ boot: Boot<NoDefect>, _ disk: SimulatedDisk, _ effects: inout Effects)
    func step(
        _ node: Int, _ input: Input, _ now: Moment, _ disk: SimulatedDisk,
        _ effects: inout Effects)
    func end(_ node: Int)

    /// What is broken between members after a step, if anything is.
    func broken(after node: Int, _ member: MemberNumber) -> String?
    func note(crashOf member: MemberNumber)
    func note(damageOf member: MemberNumber)
    func note(endOf member: MemberNumber)
}

/// Processes of one kind, all with the same defect, and who observes them.
final class ProcessesOf<Machine: SimulatedMachine>: Processes {
    private var machines: [Machine?]
    private var observer: Machine.Observer
    private let defect: Machine.Defect?

    init(nodes: Int, founders: [MemberNumber], defect: Machine.Defect?) {
        machines = [Machine?](repeating: nil, count: nodes)
        observer = Machine.Observer(founders: founders)
        self.defect = defect
    }

    var tolerated: Set<FaultKind> { Machine.tolerated }

    func start(
        _ node: Int, _ boot: Boot<NoDefect>, _ disk: SimulatedDisk, _ effects: inout Effects
    ) {
        let boot = Boot(
            member: boot.member, founders: boot.founders, seed: boot.seed, now: boot.now,
            tickMicroseconds: boot.tickMicroseconds, electionTicks: boot.electionTicks,
            segmentBytes: boot.segmentBytes, defect: defect)
        machines[node] = Machine(boot, disk: disk, effects: &effects)
    }

    func step(
        _ node: Int, _ input: Input, _ now: Moment, _ disk: SimulatedDisk,
        _ effects: inout Effects
    ) {
        machines[node]?.step(input, now: now, disk: disk, effects: &effects)
    }

    func end(_ node: Int) { machines[node] = nil }

    func broken(after node: Int, _ member: MemberNumber) -> String? {
        guard let machine = machines[node] else { return nil }
        return observer.note(step: machine, of: member)
    }

    func note(crashOf member: MemberNumber) { observer.note(crashOf: member) }
    func note(damageOf member: MemberNumber) { observer.note(damageOf: member) }
    func note(endOf member: MemberNumber) { observer.note(endOf: member) }
}
