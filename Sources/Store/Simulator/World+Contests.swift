internal import StoreHistory

// Elections in which several stand, called again and again as leaders go; and those who vote go
// down when they have, and are back before all votes are counted.

extension World {
    func contest() {
        guard phase == .chaos else { return }
        callClients()
        let election = plan.tickMicroseconds * Int64(settings.electionTicks)
        let rest = faultRandom.between(2 * election...6 * election)
        queue.add(.contest, at: after(rest * settings.faultRestFactor))
        let leader = nodes.first { $0.isUp && $0.isWanted && $0.standing.isLeader }
        guard let leader else { return }
        faults.add(.crash)
        crash(leader, .nothing)
        startLater(leader, 1000...2 * election)
    }

    /// A member has gone on to a term in which nobody leads yet: it votes, for others or itself.
    func noteCampaign(_ node: Node, in term: UInt64) {
        guard plan.contests, phase == .chaos, leaders[term] == nil,
            faultRandom.chance(permille: 300)
        else { return }
        // Its vote takes a moment to get to the disk.
        let microseconds = 100 + faultRandom.between(0...60) << Int64(faultRandom.below(8))
        queue.add(
            .failVoter(node: node.index, incarnation: node.incarnation), at: after(microseconds))
    }

    func failVoter(_ node: Node, _ incarnation: Int) {
        guard node.isUp, node.incarnation == incarnation, phase == .chaos else { return }
        faults.add(.voterCrash)
        crash(node, plan.kinds.contains(.powerLoss) ? .unsynced : .nothing)
        startLater(node, 500...30_000)
    }
}
