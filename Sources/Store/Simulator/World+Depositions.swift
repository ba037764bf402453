internal import StoreHistory

// A leader with much under way is cut off from the others, though not from its clients, for long
// enough that another is elected; and comes back, or goes down, with a log that nobody wants.

extension World {
    /// How long it takes, by the world's own ticks, before others may elect a leader.
    var electionMicroseconds: Int64 {
        plan.tickMicroseconds * Int64(settings.electionTicks)
    }

    func depose() {
        guard phase == .chaos else { return }
        callClients()
        let election = electionMicroseconds
        let isHasty = faultRandom.chance(permille: 300)
        let rest = faultRandom.between(election...(isHasty ? 3 : 8) * election)
        queue.add(.depose, at: after(rest * settings.faultRestFactor))
        let present = nodes.filter(\.isWanted)
        let reigning = present.filter { $0.isUp && $0.standing.isLeader }
        guard present.count > 2, !network.isCut,
            let leader = reigning.max(by: { $0.standing.term < $1.standing.term })
        else { return }
        let kept = companions(of: leader, present)
        let begin = cutOff([leader] + kept, from: present)
        trace.note(
            now, 19, UInt64(leader.index),
            text: "\(leader.name) is cut off with \(kept.map(\.name))")
        let group = [leader] + kept
        if plan.maySlowDisks, faultRandom.chance(permille: 300) {
            faultRandom.pick(group).stallMicroseconds =
                faultRandom.between(election / 4...4 * election)
        }
        if plan.maySlowDisks, faultRandom.chance(permille: 300) {
            for node in group { slow(node, election...5 * election) }
        }
        if plan.maySkewClocks, faultRandom.chance(permille: 500) {
            // It takes itself for the leader for longer than the others do.
            leader.skewClock(permille: faultRandom.between(400...800), now)
            faults.add(.clockSkew)
            relieve(.skew(node: leader.index), after: election...4 * election)
        }
        // Now and then, nobody has noticed yet.
        let shortest = faultRandom.chance(permille: 250) ? election / 10 : election
        queue.add(
            .restore(nodes: group.map(\.index), term: leader.standing.term),
            at: after(begin + faultRandom.between(shortest...4 * shortest)))
    }

    /// Returns in how many microseconds they are.
    private func cutOff(_ group: [Node], from present: [Node]) -> Int64 {
        let isSymmetric = faultRandom.chance(permille: 800)
        // The leader goes on for a while, and what it is told by then stays with it alone: the
        // others' disks stall, or they do not get it.
        let begin: Int64
        if plan.maySlowDisks, faultRandom.chance(permille: 200) {
            begin = faultRandom.between(5000...electionMicroseconds / 2)
            for node in present where !group.contains(where: { $0 === node }) {
                node.stallMicroseconds = faultRandom.between(10_000...electionMicroseconds)
            }
        } else if plan.mayLoseLarge, faultRandom.chance(permille: 450) {
            begin = faultRandom.between(electionMicroseconds / 4...electionMicroseconds)
            loseLarge(from: group[0], above: 80, begin...begin + electionMicroseconds)
        } else {
            network.cut(Set(group.map(\.index)), isSymmetric: isSymmetric)
            return 0
        }
        queue.add(
            .cut(nodes: group.map(\.index), isSymmetric: isSymmetric),
            at: after(begin))
        return begin
    }

    func cut(_ nodes: [Int], isSymmetric: Bool) {
        guard phase == .chaos else { return }
        network.cut(Set(nodes), isSymmetric: isSymmetric)
    }

    /// Some who stay with the leader, too few to decide anything.
    private func companions(of leader: Node, _ present: [Node]) -> [Node] {
        var rest = present.filter { $0.index != leader.index }
        var kept: [Node] = []
        for _ in 0..<faultRandom.below((present.count - 1) / 2 + 1)
        where kept.count + 1 < (present.count + 1) / 2 {
            kept.append(rest.remove(at: faultRandom.below(rest.count)))
        }
        return kept
    }

    /// Lets a leader come back that was cut off in `term`, and those who stayed with it.
    func restore(_ group: [Node], _ term: UInt64) {
        guard phase == .chaos else { return }
        if nodes.contains(where: { $0.isUp && $0.standing.isLeader && $0.standing.term > term }) {
            faults.add(.deposition)
        }
        let loss: SimulatedDisk.Loss? =
            plan.kinds.contains(.powerLoss)
            ? .unsynced : plan.kinds.contains(.crash) ? .nothing : nil
        guard let loss else { return network.mend() }
        switch faultRandom.below(10) {
        case 0..<2:
            // Not before it is back: what it wrote alone is there when it starts.
            network.mend()
            fail(group[0], loss)
        case 2..<5:
            network.mend()
            failSoon([faultRandom.pick(group)], loss)
        case 5..<7:
            network.mend()
            failSoon(nodes.filter(\.isUp), loss)
        case 7:
            // The one that followed goes before it has got far.
            let heir = nodes.first {
                $0.isUp && $0.standing.isLeader && $0.standing.term > term
            }
            network.mend()
            if let heir { fail(heir, loss) }
        default: network.mend()
        }
    }

    private func fail(_ node: Node, _ loss: SimulatedDisk.Loss) {
        guard node.isUp else { return }
        faults.add(loss == .nothing ? .crash : .powerLoss)
        crash(node, loss)
        startLater(node, 1000...electionMicroseconds)
    }

    /// Within a moment, or within an election.
    private func failSoon(_ nodes: [Node], _ loss: SimulatedDisk.Loss) {
        let microseconds = 100 + faultRandom.between(0...60) << Int64(faultRandom.below(14))
        for node in nodes {
            queue.add(
                .fail(node: node.index, incarnation: node.incarnation, loss),
                at: after(microseconds))
        }
    }

    func fail(_ node: Node, _ incarnation: Int, _ loss: SimulatedDisk.Loss) {
        guard node.incarnation == incarnation, phase == .chaos else { return }
        fail(node, loss)
    }
}
