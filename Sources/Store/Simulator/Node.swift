internal import StoreHistory

/// A machine in the sense of hardware: a disk, a clock, and a process that runs or does not.
final class Node {
    let index: Int
    var random: SeededRandom
    /// Nil: nothing is installed here.
    var member: MemberNumber?
    /// All numbers that its member has had, oldest first, since it was installed.
    var numbers: [MemberNumber] = []
    var founders: [MemberNumber] = []
    /// The members that there were when this one was added.
    var contacts: [Contact] = []
    let disk = SimulatedDisk()

    /// While it runs.
    var process: (any RunningProcess)?
    var isUp: Bool { process != nil }
    /// Counts the starts, to tell apart what was meant for the process before.
    var incarnation = 0
    var standing = Standing()
    var pausedUntil = Moment(0)
    /// Whether it stays down for a while.
    var isAway = false
    /// Whether a start is under way.
    var isStarting = false
    var isCutFromClients = false

    /// Commands that wait for the disk; the first is under way.
    var commands: [(ticket: DiskTicket, command: DiskCommand)] = []
    /// The next command takes so long.
    var stallMicroseconds: Int64 = 0
    /// Until then, any command may take that much longer.
    var slowUntil = Moment(0)
    var slowMicroseconds: Int64 = 0
    /// The process is to crash while the disk is at work.
    var plannedCrash: (loss: SimulatedDisk.Loss, kind: FaultKind)?
    /// Inputs until it crashes in the middle of a snapshot's installation.
    var inputsToInterruption: Int?
    /// And not before.
    var sparedUntil = Moment(0)

    /// Whether the disk holds something else than the process was told.
    var isDamaged = false
    /// Whether it did, ever since it was installed.
    var wasDamaged = false
    /// Whether a founder has been started again, with the same words, on an empty disk.
    var hasLostAll = false
    /// Whether a member here has ever taken part in the cluster.
    var hasTakenPart = false
    /// Whether its process has come to hold something else than others.
    var hasDiverged = false
    /// Whether the disk has refused something.
    var hasFailed = false
    /// Whether its member will not run again, as its disk is lost or of no use.
    var isRetired = false
    /// Whether the operator is about to put a member here.
    var isBeingReplaced = false
    /// Whether its member is about to be removed.
    var isLeaving = false

    /// When the tick that came last was due, or that is due now.
    var tickDue = Moment(0)
    /// Whether a tick is to come; none is while all is calm.
    var isTickPlanned = false
    /// What its clock showed at the last one.
    var tickClock = Moment(0)

    var clockOffset: Int64 = 0
    var clockPermille: Int64 = 1000

    init(index: Int, random: SeededRandom) { (self.index, self.random) = (index, random) }

    /// What its clock shows.
    func clock(_ now: Moment) -> Moment {
        Moment(now.microseconds / 1000 * clockPermille + clockOffset)
    }

    /// Lets the clock go faster or slower from now on.
    func skewClock(permille: Int64, _ now: Moment) {
        let shown = clock(now)
        clockPermille = permille
        clockOffset += shown.microseconds - clock(now).microseconds
    }

    /// Whether something is installed that should run.
    var isWanted: Bool { member != nil && !isLeaving }

    var name: String { member.map { "\($0)" } ?? "n\(index)" }
}

// MARK: Processes

extension World {
    func start(_ node: Node) {
        node.isStarting = false
        guard let member = node.member, !node.isUp, !node.isRetired,
            !node.isAway
        else { return }
        node.incarnation += 1
        (node.standing, node.hasDiverged) = (Standing(), false)
        trace.note(now, 1, member.number, text: "\(member) starts")
        let boot = Boot<NoDefect>(
            member: member, place: node.index, founders: node.founders, contacts: node.contacts,
            seed: node.random.next(), now: node.clock(now), tickMicroseconds: plan.tickMicroseconds,
            electionTicks: settings.electionTicks,
            segmentBytes: plan.segmentBytes, restFactor: settings.restFactor,
            progressTicks: settings.progressTicks(plan.tickMicroseconds))
        effects.removeAll()
        effects.standing = node.standing
        node.process = processes.start(boot, node.disk, &effects)
        planTick(node, at: after(node.random.between(1...plan.tickMicroseconds)))
        node.tickClock = node.clock(now)
        strikeAgain(node)
        carryOut(node)
    }

    func startLater(_ node: Node, _ microseconds: ClosedRange<Int64>) {
        guard !node.isStarting else { return }
        node.isStarting = true
        queue.add(.start(node: node.index), at: after(faultRandom.between(microseconds)))
    }

    /// Ends a process, and with it all connections of clients to it.
    func crash(_ node: Node, _ loss: SimulatedDisk.Loss) {
        trace.note(now, 2, UInt64(node.index), text: "\(node.name) crashes, losing \(loss)")
        let isTorn = node.disk.crash(loss, underway: node.commands.first?.command, &diskRandom)
        if isTorn { faults.add(.tornWrite) }
        end(node)
    }

    private func end(_ node: Node) {
        if let member = node.member { processes.note(crashOf: member) }
        node.process = nil
        node.disk.hide()
        node.incarnation += 1
        node.commands.removeAll()
        (node.plannedCrash, node.inputsToInterruption) = (nil, nil)
        node.pausedUntil = Moment(0)
        let lost = pending.filter { $0.value.node == node.index }.keys.sorted {
            $0.number < $1.number
        }
        for number in lost {
            queue.add(.disconnected(number), at: after(networkRandom.between(200...5000)))
        }
    }

    func tick(_ node: Node, _ incarnation: Int) {
        guard node.incarnation == incarnation else { return }
        (node.tickDue, node.isTickPlanned) = (now, false)
        let isOfCalm = isCalm || becomesCalm(at: node)
        if isOfCalm, settings.leavesTicksOut { return }
        planTick(node, at: after(tickMicroseconds(of: node)))
        node.tickClock = node.clock(now)
        step(node, .tick)
        if isOfCalm { expectCalm(node) }
    }

    func step(_ node: Node, _ input: Input) {
        guard let process = node.process else { return }
        effects.removeAll()
        effects.standing = node.standing
        process.step(input, node.clock(now), node.disk, &effects)
        carryOut(node)
    }

    /// Does what a machine wants done.
    private func carryOut(_ node: Node) {
        var wanted = Effects()
        swap(&wanted, &effects)
        for (to, bytes) in wanted.messages { send(from: node, to: to, bytes) }
        for (number, answer) in wanted.answers { send(answer, from: node, to: number) }
        for key in wanted.endedKeys { noteLeaseEnd(key) }
        if let reason = wanted.halt {
            halt(node, reason)
        } else if !wanted.disk.isEmpty {
            let isIdle = node.commands.isEmpty
            node.commands += wanted.disk
            if isIdle { beginDiskCommand(node) }
        }
        swap(&wanted, &effects)
        observe(node)
        examine(node, effects.standing)
        interrupt(node)
    }

    private func observe(_ node: Node) {
        guard let member = node.member, let broken = node.process?.broken(after: member)
        else { return }
        violations.append(.invariant(broken))
    }

    /// The disk holds something else than the process was told.
    func noteDamage(_ node: Node, isOfWrite: Bool) {
        (node.isDamaged, node.wasDamaged) = (true, true)
        if let member = node.member { processes.note(damageOf: member, isOfWrite: isOfWrite) }
    }

    /// Crashes a process in the middle of a snapshot's installation, if that is planned.
    private func interrupt(_ node: Node) {
        guard node.isUp, node.standing.isInstallingSnapshot else {
            node.inputsToInterruption = nil
            return
        }
        if node.inputsToInterruption == nil, plan.interruptsSnapshots, phase == .chaos,
            node.sparedUntil <= now
        {
            node.inputsToInterruption = faultRandom.below(12)
        }
        guard let left = node.inputsToInterruption else { return }
        node.inputsToInterruption = left - 1
        guard left == 0 else { return }
        faults.add(.snapshotInterrupted)
        if settings.faultRestFactor > 1 {
            node.sparedUntil = after(faultRandom.between(plan.restMicroseconds))
        }
        crash(node, faultRandom.pick([.nothing, .unsynced, .torn]))
        startLater(node, 50_000...2_000_000)
    }

    private func halt(_ node: Node, _ reason: Halt) {
        trace.note(now, 3, UInt64(node.index), text: "\(node.name) halts: \(reason)")
        switch reason {
        case .diskFailed:
            guard node.hasFailed || node.isDamaged else { return broken(node, reason) }
            node.hasFailed = false
            // Nobody can tell what of the cache is on the disk: its machine is started anew.
            crash(node, faultRandom.pick([.unsynced, .torn]))
            startLater(node, 200_000...2_000_000)
        case .damaged:
            guard node.wasDamaged else { return broken(node, reason) }
            end(node)
            if settings.members > 1 { replace(node) }
        case .differs:
            guard node.hasDiverged else { return broken(node, reason) }
            end(node)
            replace(node)
        case .givenUp(let successor, let cause):
            guard mayGiveUp(node, cause) else { return broken(node, reason) }
            end(node)
            succeed(node, by: successor)
        case .removed:
            guard node.isLeaving || node.isBeingReplaced else { return broken(node, reason) }
            end(node)
        case .broken: broken(node, reason)
        }
    }

    private func mayGiveUp(_ node: Node, _ cause: GivingUp) -> Bool {
        switch cause {
        case .damaged: node.wasDamaged
        case .differs: node.hasDiverged
        // It has come too late.
        case .earlier: true
        case .lost: node.hasLostAll || nodes.contains { $0 !== node && $0.hasTakenPart }
        }
    }

    private func broken(_ node: Node, _ reason: Halt) {
        violations.append(.halted(member: node.name, reason))
    }

    // MARK: What holds at every step

    private func examine(_ node: Node, _ standing: Standing) {
        guard node.isUp, let member = node.member else { return }
        let before = node.standing
        guard standing != before else { return }
        node.standing = standing
        if standing.takesPart { node.hasTakenPart = true }
        if standing.term > before.term, before.term > 0 { noteCampaign(node, in: standing.term) }
        if standing.isLeader, standing.term != before.term || !before.isLeader {
            trace.note(now, 4, standing.term, text: "\(member) leads in term \(standing.term)")
            let other = leaders[standing.term] ?? member
            if other != member {
                violations.append(.twoLeaders(term: standing.term, other, member))
            }
            leaders[standing.term] = member
        }
        if standing.isAlarmed, faults[.stateDiverged] == 0 {
            violations.append(.invariant("\(member) finds that members differ, and none does"))
        }
        guard standing.applied != before.applied else { return }
        if standing.applied < before.applied {
            violations.append(.wentBack(member, from: before.applied, to: standing.applied))
        }
        compareApplied(member, standing)
    }

    private func compareApplied(_ member: MemberNumber, _ standing: Standing) {
        let mine = AppliedState(member: member, term: standing.appliedTerm, hash: standing.hash)
        guard let other = applied[standing.applied] else {
            applied[standing.applied] = mine
            return
        }
        if other.term != mine.term || other.hash != mine.hash {
            violations.append(.diverged(at: standing.applied, other.member, member))
        }
    }

    // MARK: Disk

    private func beginDiskCommand(_ node: Node) {
        guard let first = node.commands.first else { return }
        var microseconds: Int64 =
            switch first.command {
            case .write(_, _, let bytes): 10 + Int64(bytes.count) / 500 + diskRandom.between(0...40)
            case .sync, .syncDirectory: diskRandom.between(80...600)
            case .create(_, let bytes): 20 + Int64(bytes) / 500
            case .rename, .remove: diskRandom.between(10...60)
            }
        if node.stallMicroseconds > 0 {
            microseconds += node.stallMicroseconds
            node.stallMicroseconds = 0
            faults.add(.slowDisk)
        } else if node.slowUntil > now {
            microseconds += diskRandom.between(0...node.slowMicroseconds)
            faults.add(.slowDisk)
        }
        queue.add(.disk(node: node.index, incarnation: node.incarnation), at: after(microseconds))
    }

    func finishDiskCommand(_ node: Node, _ incarnation: Int) {
        guard node.incarnation == incarnation, let first = node.commands.first else { return }
        if let crash = crashDue(node, first.command) {
            faults.add(crash.kind == .tornWrite ? .crash : crash.kind)
            self.crash(node, crash.loss)
            startLater(node, 50_000...3_000_000)
            return
        }
        let endsAfter = endsAtNames(node, first.command)
        let (result, struck) = node.disk.carryOut(first.command, &diskRandom)
        if endsAfter {
            faults.add(.crash)
            self.crash(node, .nothing)
            startLater(node, 50_000...1_000_000)
            return
        }
        if let struck {
            faults.add(struck)
            if struck.isDamage {
                noteDamage(node, isOfWrite: true)
            } else {
                node.hasFailed = true
            }
            trace.note(now, 5, UInt64(node.index), text: "\(node.name) disk: \(struck.rawValue)")
        }
        node.commands.removeFirst()
        beginDiskCommand(node)
        trace.note(
            now, 6, first.ticket.number,
            text: "\(node.name) disk \(Self.text(first.command)): \(result)")
        step(node, .disk(first.ticket, result))
    }

    /// The crash that comes while the disk carries out a command, if one does.
    private func crashDue(
        _ node: Node, _ command: DiskCommand
    ) -> (loss: SimulatedDisk.Loss, kind: FaultKind)? {
        if let crash = node.plannedCrash, crash.loss != .torn || command.canBeTorn,
            faultRandom.chance(permille: 400)
        {
            return crash
        }
        // Names that are not durable yet: what is put in place, and what takes its place.
        guard endsAtNames(node, command) else { return nil }
        return (faultRandom.pick([.unsynced, .unsynced, .torn, .nothing]), .powerLoss)
    }

    /// Whether a process ends here, before or after names become durable.
    private func endsAtNames(_ node: Node, _ command: DiskCommand) -> Bool {
        guard plan.nameCrashPermille > 0, phase == .chaos, case .syncDirectory = command else {
            return false
        }
        switch node.disk.unsyncedNamesKind {
        case .none: return false
        case .new: return faultRandom.chance(permille: plan.nameCrashPermille / 4)
        case .moved: return faultRandom.chance(permille: plan.nameCrashPermille)
        }
    }

    private static func text(_ command: DiskCommand) -> String {
        switch command {
        case .write(let name, let offset, let bytes):
            "write \(name) \(offset)..<\(offset + bytes.count)"
        case .create(let name, let bytes): "create \(name) of \(bytes)"
        case .sync(let name): "sync \(name)"
        case .rename(let name, let new): "rename \(name) to \(new)"
        case .remove(let name): "remove \(name)"
        case .syncDirectory: "sync directory"
        }
    }
}

extension DiskCommand {
    /// Whether a crash while it is under way is likely to leave a part.
    fileprivate var canBeTorn: Bool {
        switch self {
        case .write(_, _, let bytes): bytes.count > SimulatedDisk.sectorBytes
        case .sync: true
        case .create, .rename, .remove, .syncDirectory: false
        }
    }
}

// MARK: Messages

extension World {
    func send(from node: Node, to recipient: Recipient, _ bytes: [UInt8]) {
        guard let from = node.member, let target = self.node(of: recipient) else { return }
        var link = network[node.index, target.index]
        link.sent += 1
        network[node.index, target.index] = link
        guard !link.isCut else {
            faults.add(network[target.index, node.index].isCut ? .partition : .asymmetricPartition)
            return
        }
        guard bytes.count <= link.bytesMax else { return faults.add(.largeLost) }
        if network.lossPermille > 0, networkRandom.chance(permille: network.lossPermille) {
            return faults.add(.loss)
        }
        let message = WorldEvent.message(
            to: target.index, from: node.index, from, bytes, serial: link.sent)
        queue.add(message, at: arrival(link))
        if network.duplicationPermille > 0,
            networkRandom.chance(permille: network.duplicationPermille)
        {
            faults.add(.duplication)
            queue.add(message, at: arrival(link))
        }
    }

    private func node(of recipient: Recipient) -> Node? {
        switch recipient {
        case .member(let member): nodes.first { $0.member == member }
        case .place(let index): nodes.indices.contains(index) ? nodes[index] : nil
        }
    }

    private func arrival(_ link: Network.Link) -> Moment {
        var microseconds = 150 + networkRandom.between(0...network.jitterMicroseconds)
        if network.delayPermille > 0, networkRandom.chance(permille: network.delayPermille) {
            microseconds += networkRandom.between(20_000...400_000)
            faults.add(.delay)
        }
        if link.cloggedUntil > now {
            faults.add(.cloggedLink)
            return Moment(link.cloggedUntil.microseconds + microseconds)
        }
        return after(microseconds)
    }

    func receive(
        _ node: Node, from: Int, _ member: MemberNumber, _ bytes: [UInt8], _ serial: UInt64
    ) {
        guard node.isUp else { return }
        if serial < network[from, node.index].delivered { faults.add(.reordering) }
        network[from, node.index].delivered = max(serial, network[from, node.index].delivered)
        trace.note(
            now, 7, Trace.digest(bytes),
            text: "\(member) -> \(node.name) message of \(bytes.count) bytes")
        if isCalm { passTicks(node) }
        step(node, .message(from: member, bytes))
        // The last heartbeats and their answers, as a rule; but now and then, what they overtook.
        let isOld = settings.leavesTicksOut || serial <= network[from, node.index].sentBefore
        if isCalm, isOld, node.process?.calm == nil { stir() }
    }

    // MARK: Clients' connections

    /// Sends a request to a node. Returns its number.
    func request(_ request: Request, of client: Int, to node: Int) -> RequestNumber {
        requestCount += 1
        let number = RequestNumber(requestCount)
        pending[number] = PendingRequest(client: client, node: node)
        queue.add(
            .request(node: node, number, request), at: after(networkRandom.between(100...1000)))
        return number
    }

    /// Forgets a request, and tells the node.
    func hangUp(_ number: RequestNumber) {
        guard let there = pending.removeValue(forKey: number) else { return }
        queue.add(
            .request(node: there.node, number, .hangUp),
            at: after(networkRandom.between(1001...2000)))
    }

    func ask(_ node: Node, _ number: RequestNumber, _ request: Request) {
        if case .hangUp = request {
            return step(node, .request(number, request))  // a broken connection is noticed, too
        }
        guard !node.isCutFromClients else { return }
        guard node.isUp else {
            queue.add(.disconnected(number), at: after(networkRandom.between(100...1000)))
            return
        }
        trace.note(
            now, 8, number.number, text: "\(number) asks \(node.name): \(Self.text(request))")
        step(node, .request(number, request))
    }

    private static func text(_ request: Request) -> String {
        switch request {
        case .call(let call): HistoryText.text(call)
        case .change(let change): "\(change)"
        case .lease(let lease): "\(lease)"
        case .hangUp: "hang up"
        }
    }

    func send(_ answer: Answer, from node: Node, to number: RequestNumber) {
        guard var there = pending[number], there.node == node.index else { return }
        // A connection that has lost something is broken.
        guard !node.isCutFromClients else { return hangUp(number) }
        let soonest = after(networkRandom.between(100...1000))
        there.answered = max(soonest, Moment(there.answered.microseconds + 1))
        pending[number] = there
        queue.add(.answer(number, answer), at: there.answered)
    }
}
