internal import StoreCore
package import StoreHistory

/// A cluster, its clients, and everything between them, in one thread. What happens follows from
/// the seed alone.
package final class World {
    /// The operator's place among the clients.
    static var operatorClient: Int { -1 }

    let settings: SimulationSettings
    var now = Moment(0)
    var queue = EventQueue<WorldEvent>()
    var trace: Trace
    var phase = Phase.chaos
    var eventCount = 0
    /// Whether ticks are left out, as nothing comes of them.
    var isCalm = false
    var calmCount = 0
    var calmView: Calm.View?

    var nodes: [Node] = []
    var network: Network
    var clients: [SimulatedClient] = []
    var pending: [RequestNumber: PendingRequest] = [:]
    var requestCount: UInt64 = 0
    var memberCount: UInt64
    var operatorDesk = OperatorDesk()
    var leaseDesk = LeaseDesk()

    var networkRandom: SeededRandom
    var faultRandom: SeededRandom
    var diskRandom: SeededRandom
    var memoryRandom: SeededRandom
    var leaseRandom: SeededRandom
    var plan: FaultPlan
    var faults = FaultCounts()
    var effects = Effects()

    package private(set) var history = History()
    var violations: [SimulationViolation] = []
    let processes: any Processes
    /// Who led in which term.
    var leaders: [UInt64: MemberNumber] = [:]
    /// What a member had in it when it had applied up to here.
    var applied: [UInt64: AppliedState] = [:]
    var healed = Moment(0)
    var deadline = Moment(0)

    /// - Parameter print: Is told all that happens.
    package convenience init<Machine: SimulatedMachine>(
        of machine: Machine.Type, seed: UInt64, settings: SimulationSettings,
        defect: Machine.Defect? = nil, print: ((String) -> Void)? = nil
    ) {
        let founders = (1...settings.members).map { MemberNumber(UInt64($0)) }
        let processes = ProcessesOf<Machine>(founders: founders, defect: defect)
        self.init(of: processes, founders, seed, settings, print)
    }

    private init(
        of processes: any Processes, _ founders: [MemberNumber], _ seed: UInt64,
        _ settings: SimulationSettings, _ print: ((String) -> Void)?
    ) {
        var random = SeededRandom(seed: seed)
        (self.settings, self.processes) = (settings, processes)
        trace = Trace(print: print)
        networkRandom = random.split()
        faultRandom = random.split()
        diskRandom = random.split()
        let nodeCount = settings.members + settings.sparesMax
        memberCount = UInt64(settings.members)
        memoryRandom = SeededRandom(seed: ~seed)
        leaseRandom = SeededRandom(seed: ~seed &+ 1)
        plan = FaultPlan(
            settings, tolerated: processes.tolerated, &faultRandom, disturbing: &memoryRandom)
        network = Network(
            nodes: nodeCount, calmJitterMicroseconds: plan.calmJitterMicroseconds)
        for index in 0..<nodeCount {
            let node = Node(index: index, random: random.split())
            if index < settings.members {
                (node.member, node.founders) = (founders[index], founders)
                node.numbers = [founders[index]]
            }
            nodes.append(node)
        }
        for number in 0...settings.clients {
            clients.append(SimulatedClient(number: number, random: random.split(), plan))
        }
    }

    /// Runs it to its end.
    package func run() -> SimulationReport {
        begin()
        while phase != .done, violations.isEmpty, let (at, event) = queue.takeNext() {
            now = at
            eventCount += 1
            handle(event)
        }
        if violations.isEmpty || phase == .done {
            violations += HistoryCheck.violations(in: history).map { .history($0) }
        }
        return SimulationReport(
            simulatedMicroseconds: now.microseconds, events: eventCount,
            operations: history.operations.count, faults: faults, traceHash: trace.hash,
            violations: violations, history: violations.isEmpty ? nil : history)
    }

    private func begin() {
        for node in nodes where node.member != nil {
            let late: ClosedRange<Int64> = plan.foundsSlowly ? 0...8_000_000 : 0...200_000
            queue.add(.start(node: node.index), at: after(node.random.between(late)))
        }
        for client in clients {
            wake(client.number, at: after(100_000))
        }
        queue.add(.nemesis, at: after(plan.foundsSlowly ? 100_000 : 2_000_000))
        if plan.keepsOneAway { queue.add(.swapAway, at: after(3_000_000)) }
        if plan.contests { queue.add(.contest, at: after(3_000_000)) }
        if plan.deposes { queue.add(.depose, at: after(3_000_000)) }
        if plan.disturbs {
            let rest = memoryRandom.between(3...9) * 1_000_000
            queue.add(.disturb, at: after(rest * settings.faultRestFactor))
            queue.add(.disturb, at: Moment(chaosEnd.microseconds - 1))
        }
        queue.add(.operate, at: after(1_000_000))
        if plan.leaseMilliseconds != nil { queue.add(.leases, at: after(1_500_000)) }
        queue.add(.heal, at: chaosEnd)
    }

    /// When faults end, those that last as well.
    var chaosEnd: Moment { Moment((2 + settings.chaosSeconds) * 1_000_000) }

    func after(_ microseconds: Int64) -> Moment { Moment(now.microseconds + microseconds) }

    private func handle(_ event: WorldEvent) {
        if let node = nodeConcerned(event), node.pausedUntil > now {
            queue.add(event, at: node.pausedUntil)
            return
        }
        if isCalm, !isOfCalm(event) { stir() }
        switch event {
        case .tick(let index, let incarnation): tick(nodes[index], incarnation)
        case .stir: break
        case .message(let to, let from, let member, let bytes, let serial):
            receive(nodes[to], from: from, member, bytes, serial)
        case .disk(let index, let incarnation): finishDiskCommand(nodes[index], incarnation)
        case .start(let index): start(nodes[index])
        case .request(let index, let number, let request): ask(nodes[index], number, request)
        case .answer(let number, let answer): deliver(answer, to: number)
        case .disconnected(let number): disconnect(number)
        case .wake(let client): wake(client)
        case .timeout(let client, let number): timeOut(client, number)
        case .silence(let client, let number, let since): noteSilence(client, number, since)
        case .nemesis: strike()
        case .relief(let relief): relieve(relief)
        case .upgrade(let index): upgrade(nodes[index])
        case .secondCrash(let index, let incarnation): crashAgain(nodes[index], incarnation)
        case .swapAway: swapAway()
        case .depose: depose()
        case .disturb: disturb()
        case .contest: contest()
        case .restore(let indexes, let term): restore(indexes.map { nodes[$0] }, term)
        case .cut(let indexes, let isSymmetric): cut(indexes, isSymmetric: isSymmetric)
        case .fail(let index, let incarnation, let loss): fail(nodes[index], incarnation, loss)
        case .failVoter(let index, let incarnation): failVoter(nodes[index], incarnation)
        case .operate: operate()
        case .leases: keepLeases()
        case .heal: heal()
        case .check: check()
        }
    }

    /// The node whose process would have to run for the event to happen.
    private func nodeConcerned(_ event: WorldEvent) -> Node? {
        switch event {
        case .tick(let index, _), .message(let index, _, _, _, _), .disk(let index, _),
            .request(let index, _, _):
            nodes[index]
        default: nil
        }
    }

    // MARK: History

    func invoke(client: Int, _ call: Call) -> Int {
        history.invoke(client: client, call, at: now)
    }

    func complete(_ number: Int, _ reply: Reply) { history.complete(number, reply, at: now) }

    func noteDelivery(_ number: Int, _ content: WatchRecord.Content) {
        history.deliver(number, content, at: now)
    }
}
