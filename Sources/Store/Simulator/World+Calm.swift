internal import StoreHistory

// Clusters do nothing most of the time but to say that they are there. While nothing else happens,
// and nothing is wrong, nobody's ticks change anything but counters: they are left out, and made up
// for at once when something happens. Nothing is left out that could break a promise, as members
// who are calm are where they were after each round of heartbeats.

extension World {
    func planTick(_ node: Node, at moment: Moment) {
        node.isTickPlanned = true
        queue.add(.tick(node: node.index, incarnation: node.incarnation), at: moment)
    }

    func tickMicroseconds(of node: Node) -> Int64 {
        plan.tickMicroseconds * 1000 / node.clockPermille
    }

    /// Leaves ticks out from now on, if the tick that is due at a leader may be the first.
    func becomesCalm(at node: Node) -> Bool {
        guard node.standing.isLeader, phase == .chaos, operatorDesk.isIdle,
            clients.allSatisfy({ $0.call == nil }), let end = calmEnd, network.isSound(now)
        else { return false }
        isCalm = true
        calmView = node.process?.calm?.view
        calmCount += 1
        network.noteCalm()
        trace.note(now, 21, text: "all is calm")
        queue.add(.stir(calm: calmCount), at: end)
        return true
    }

    /// When the first of the ticks comes that changes something. Nil if not all is calm.
    private var calmEnd: Moment? {
        var view: Calm.View?
        var end = chaosEnd
        for node in nodes where node.isUp {
            guard node.commands.isEmpty, hasTicked(node), !node.isCutFromClients,
                !node.standing.isDisturbed, let calm = node.process?.calm,
                calm.view == view ?? calm.view, calm.ticks > 1,
                calm.ticksSilent <= max(1, settings.electionTicks / 5), areUp(calm.others)
            else { return nil }
            view = calm.view
            guard calm.ticks < Self.calmTicksMax else { continue }
            let begin = node.isTickPlanned ? now : node.tickDue
            let ticks = Int64(calm.ticks) * tickMicroseconds(of: node)
            end = min(end, Moment(begin.microseconds + ticks - 1))
        }
        return end
    }

    /// A tick that could have been left out has come: all is as it was, if that is so.
    func expectCalm(_ node: Node) {
        guard isCalm, node.process?.calm?.view != calmView || !node.commands.isEmpty else { return }
        let calm = node.process?.calm.map { "\($0)" } ?? "is not calm"
        violations.append(
            .invariant("\(node.name) \(calm) and has \(node.commands) at the disk in a calm"))
    }

    /// Whether it has not stood still, and its clock has not jumped, since the last tick.
    private func hasTicked(_ node: Node) -> Bool {
        let passed = node.clock(now).microseconds - node.tickClock.microseconds
        return node.pausedUntil <= now && passed <= plan.tickMicroseconds * 2
    }

    private func areUp(_ members: [MemberNumber]) -> Bool {
        members.allSatisfy { member in nodes.contains { $0.member == member && $0.isUp } }
    }

    private static var calmTicksMax: Int { 1_000_000 }

    /// Whether all can stay calm when this happens.
    func isOfCalm(_ event: WorldEvent) -> Bool {
        switch event {
        case .tick, .message: true
        case .stir(let calm): calm != calmCount
        case .operate: operatorDesk.isIdle
        case .timeout(Self.leaseClient, let request): pending[request] == nil
        case .timeout(let client, let request):
            client == Self.operatorClient
                ? operatorDesk.request != request : clients[client].call?.request != request
        case .silence(let client, let request, let since):
            clients[client].watch?.request != request || clients[client].heard != since
        default: false
        }
    }

    /// Makes up for the ticks that were left out; from now on they come again.
    func stir() {
        isCalm = false
        trace.note(now, 22, text: "the calm ends")
        for node in nodes where node.isUp && !node.isTickPlanned {
            passTicks(node)
            planTick(node, at: node.tickDue)
        }
    }

    /// Lets those pass that were due before now.
    func passTicks(_ node: Node) {
        guard node.isUp, !node.isTickPlanned, node.tickDue <= now else { return }
        let microseconds = tickMicroseconds(of: node)
        let ticks = (now.microseconds - node.tickDue.microseconds) / microseconds + 1
        node.tickDue.microseconds += ticks * microseconds
        let last = Moment(node.tickDue.microseconds - microseconds)
        node.tickClock = node.clock(last)
        node.process?.pass(ticks: Int(ticks), node.tickClock)
    }
}
