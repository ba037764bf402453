internal import StoreCore
internal import StoreHistory

extension World {
    /// Ends all faults, on a majority at least. From now on everything has to get going again.
    func heal() {
        trace.note(now, 16, text: "faults end")
        phase = .healing
        (healed, deadline) = (now, after(settings.progressMicrosecondsMax))
        if !isFoundingOver {
            let patience = SimulationSettings.foundingTicks * plan.tickMicroseconds
            deadline = Moment(deadline.microseconds + patience)
        }
        network.heal()
        for node in nodes { heal(node) }
        for client in clients {
            wake(client.number, at: now)
            // Whoever has had patience until now finds out sooner whether its watch is alive.
            guard let watch = client.watch else { continue }
            queue.add(
                .silence(client: client.number, watch.request, client.heard), at: after(3_000_000))
        }
        queue.add(.check, at: after(100_000))
    }

    private func heal(_ node: Node) {
        (node.disk.isFull, node.isAway) = (false, false)
        (node.disk.failsNextWrite, node.disk.failsNextSync) = (false, false)
        (node.disk.losesNextWrite, node.disk.misdirectsNextWrite) = (false, false)
        (node.plannedCrash, node.inputsToInterruption) = (nil, nil)
        (node.stallMicroseconds, node.isCutFromClients) = (0, false)
        node.slowUntil = Moment(0)
        node.pausedUntil = Moment(0)
        node.skewClock(permille: 1000, now)
        if isLeftDown(node) {
            if node.isUp { crash(node, .unsynced) }
        } else if !node.isUp, node.member != nil, !node.isRetired {
            startLater(node, 1000...100_000)
        }
    }

    /// One node stays down for a while, if all others are well.
    private func isLeftDown(_ node: Node) -> Bool {
        guard plan.leavesOneDown, node.index == plan.frail.first, operatorDesk.isIdle,
            isFoundingOver
        else { return false }
        return nodes.filter(\.isWanted).count == settings.members
            && !nodes.contains { $0.isDamaged || $0.isBeingReplaced }
    }

    /// Looks whether it is time for the next phase, or too late.
    func check() {
        guard phase != .done else { return }
        queue.add(.check, at: after(100_000))
        switch phase {
        case .healing:
            let stuck = clients.dropFirst().filter { $0.progressed <= healed }.map(\.number)
            if stuck.isEmpty { return settle() }
            if now > deadline { violations.append(.noProgress(clients: stuck)) }
        case .settling:
            guard let reason = unsettled() else { return readAll() }
            if now > deadline { violations.append(.unsettled(reason)) }
        case .reading:
            let isWaiting = clients.contains { $0.call != nil || !$0.lastCalls.isEmpty }
            if !isWaiting { phase = .done }
            if now > deadline { violations.append(.noProgress(clients: [0])) }
        case .chaos, .done: return
        }
    }

    /// Lets everybody come to rest.
    private func settle() {
        trace.note(now, 17, text: "all clients have got on")
        phase = .settling
        deadline = after(settings.settlingMicrosecondsMax)
        for node in nodes where !node.isUp && node.member != nil && !node.isRetired {
            startLater(node, 1000...100_000)
        }
        if plan.addsLast { addLast() }
    }

    /// Lets one more member in, which gets a log that may be damaged.
    private func addLast() {
        let frail = plan.frail.map { nodes[$0] }.first { $0.isWanted && !$0.isRetired }
        if plan.rotsLast, mayDamage, let frail, let member = frail.member,
            !nodes.contains(where: { $0.isBeingReplaced || $0.isDamaged })
        {
            for _ in 0..<6 { rot(frail) }
            operatorDesk.steps.append(.change(.transferLeadership(to: member), nil))
        }
        strikeMembership(.memberAdded)
    }

    /// Why members are not all equal yet; nil if they are.
    private func unsettled() -> String? {
        guard operatorDesk.isIdle else { return "the operator waits for \(operatorDesk.steps)" }
        if clients.contains(where: { $0.call != nil }) { return "a call has no answer" }
        let present = nodes.filter(\.isWanted)
        if let down = present.first(where: { !$0.isUp }) { return "\(down.name) is down" }
        if let other = present.first(where: \.standing.isDisturbed) {
            return "nobody has found out that \(other.name) holds something else"
        }
        guard let first = present.first?.standing else { return "there is no member" }
        for node in present
        where node.standing.applied != first.applied
            || node.standing.hash != first.hash
        {
            return "members differ: "
                + present.map {
                    "\($0.name) at \($0.standing.applied) has \($0.standing.hash)"
                }.joined(separator: ", ")
        }
        if let reason = leasesLeft() { return reason }
        guard clients[0].told >= first.revision else {
            return "the observer was told up to \(clients[0].told) of \(first.revision)"
        }
        return nil
    }

    /// Reads everything from every member.
    private func readAll() {
        trace.note(now, 18, text: "all members are equal")
        phase = .reading
        deadline = after(settings.progressMicrosecondsMax)
        for node in nodes.filter(\.isWanted) {
            for isSerializable in [false, true] {
                clients[0].lastCalls.append(
                    .init(
                        call: .range(RangeQuery(.all), isSerializable: isSerializable),
                        node: node.index))
            }
        }
        wake(0, at: now)
    }
}
