internal import StoreHistory

extension World {
    /// Lets something go wrong, and plans the next time.
    func strike() {
        guard phase == .chaos else { return }
        callClients()
        queue.add(.nemesis, at: after(faultRandom.between(plan.restMicroseconds)))
        guard !plan.kinds.isEmpty else { return }
        let kind = faultRandom.pick(plan.kinds)
        trace.note(now, 12, faults[kind] == 0 ? 0 : 1, text: "fault: \(kind.rawValue)")
        switch kind {
        case .loss, .duplication, .reordering, .delay, .cloggedLink, .largeLost, .partition,
            .asymmetricPartition:
            strikeNetwork(kind)
        case .crash, .powerLoss, .tornWrite, .pause, .clockJump, .clockSkew, .rollingUpgrade:
            strikeProcess(kind)
        case .bitRot, .lostWrite, .misdirectedWrite, .writeFails, .syncFails, .diskFull,
            .slowDisk, .diskLoss:
            strikeDisk(kind)
        case .memberAdded, .memberPromoted, .memberRemoved, .leadershipTransferred:
            strikeMembership(kind)
        // These have times of their own.
        case .snapshotInterrupted, .deposition, .stateDiverged, .voterCrash, .founderLost, .exchanged,
            .leaseExpired:
            break
        }
    }

    /// Lets some clients call while something goes wrong, if they are such clients.
    func callClients() {
        guard settings.clientsComeAtFaults else { return }
        for client in clients.dropFirst() where faultRandom.chance(permille: 500) {
            wake(client.number, at: after(faultRandom.between(0...electionMicroseconds)))
        }
    }

    func relieve(_ relief: Relief, after range: ClosedRange<Int64>) {
        queue.add(.relief(relief), at: after(faultRandom.between(range)))
    }

    func relieve(_ relief: Relief) {
        switch relief {
        case .loss: network.lossPermille = 0
        case .duplication: network.duplicationPermille = 0
        case .delay: network.delayPermille = 0
        case .jitter: network.jitterMicroseconds = network.calmJitterMicroseconds
        case .partition:
            network.mend()
            for node in nodes { node.isCutFromClients = false }
        case .largeLost(let index): network.limit(from: index, to: .max)
        case .fullDisk(let index): nodes[index].disk.isFull = false
        case .skew(let index): nodes[index].skewClock(permille: 1000, now)
        }
    }

    // MARK: Network

    private func strikeNetwork(_ kind: FaultKind) {
        switch kind {
        case .loss:
            network.lossPermille = faultRandom.pick([20, 100, 400])
            relieve(.loss, after: 500_000...3_000_000)
        case .duplication:
            network.duplicationPermille = faultRandom.pick([50, 300])
            relieve(.duplication, after: 500_000...3_000_000)
        case .delay:
            network.delayPermille = faultRandom.pick([50, 500])
            relieve(.delay, after: 500_000...3_000_000)
        case .reordering:
            network.jitterMicroseconds = faultRandom.pick([10_000, 80_000])
            relieve(.jitter, after: 500_000...3_000_000)
        case .cloggedLink:
            let (from, to) = (faultRandom.below(nodes.count), faultRandom.below(nodes.count))
            network[from, to].cloggedUntil = min(
                chaosEnd, after(faultRandom.between(200_000...3_000_000)))
        case .largeLost:
            let leader = nodes.first { $0.isUp && $0.standing.isLeader }
            let node =
                faultRandom.chance(permille: 700) ? leader ?? nodes[0] : faultRandom.pick(nodes)
            let bytes = faultRandom.pick([80, 150, 1000])
            loseLarge(from: node, above: bytes, 300_000...4_000_000)
        default: partition(isSymmetric: kind == .partition)
        }
    }

    /// Entries are lost for a while, and heartbeats are not.
    func loseLarge(from node: Node, above bytes: Int, _ range: ClosedRange<Int64>) {
        network.limit(from: node.index, to: bytes)
        relieve(.largeLost(node: node.index), after: range)
    }

    private func partition(isSymmetric: Bool) {
        let present = nodes.filter(\.isWanted)
        guard present.count > 1 else { return }
        var some: Set<Int> = []
        if let leader = present.first(where: \.standing.isLeader),
            faultRandom.chance(permille: 400)
        {
            some = [leader.index]
        } else {
            for _ in 0..<(1 + faultRandom.below(present.count - 1)) {
                some.insert(faultRandom.pick(present).index)
            }
        }
        network.cut(some, isSymmetric: isSymmetric)
        if isSymmetric, faultRandom.chance(permille: 300) {
            for index in some { nodes[index].isCutFromClients = true }
        }
        relieve(.partition, after: 500_000...6_000_000)
    }

    // MARK: Processes

    private func strikeProcess(_ kind: FaultKind) {
        let running = nodes.filter(\.isUp)
        guard !running.isEmpty else { return }
        var node = faultRandom.pick(running)
        // Most of what is difficult begins with the loss of a leader.
        if let leader = running.first(where: \.standing.isLeader), faultRandom.chance(permille: 300)
        {
            node = leader
        }
        switch kind {
        case .crash, .powerLoss, .tornWrite:
            // Now and then, all at once.
            let struck = faultRandom.chance(permille: 150) ? running : [node]
            for node in struck { planCrash(node, kind, isNow: struck.count > 1) }
        case .pause:
            node.pausedUntil = min(chaosEnd, after(faultRandom.between(100_000...5_000_000)))
            faults.add(.pause)
        case .clockJump:
            let far = faultRandom.chance(permille: 300)
            node.clockOffset += faultRandom.between(
                far ? -3_600_000_000...3_600_000_000 : -2_000_000...2_000_000)
            faults.add(.clockJump)
        case .clockSkew:
            node.skewClock(permille: faultRandom.between(800...1250), now)
            faults.add(.clockSkew)
            relieve(.skew(node: node.index), after: 1_000_000...10_000_000)
        default: queue.add(.upgrade(node: 0), at: now)
        }
    }

    private func planCrash(_ node: Node, _ kind: FaultKind, isNow: Bool) {
        let loss: SimulatedDisk.Loss =
            switch kind {
            case .crash: .nothing
            case .powerLoss: .unsynced
            default: .torn
            }
        if !isNow, loss == .torn || faultRandom.chance(permille: 700) {
            node.plannedCrash = (loss, kind)  // while the disk is at work
            return
        }
        faults.add(kind == .tornWrite ? .crash : kind)
        crash(node, loss)
        startLater(node, 50_000...3_000_000)
    }

    /// Plans a loss of power soon after a start, before what was found in the cache is safe.
    func strikeAgain(_ node: Node) {
        guard phase == .chaos, plan.kinds.contains(.powerLoss), node.incarnation > 1,
            faultRandom.chance(permille: 200)
        else { return }
        queue.add(
            .secondCrash(node: node.index, incarnation: node.incarnation),
            at: after(100 + faultRandom.between(0...50) << Int64(faultRandom.below(14))))
    }

    func crashAgain(_ node: Node, _ incarnation: Int) {
        guard node.isUp, node.incarnation == incarnation, phase == .chaos else { return }
        let struck = faultRandom.chance(permille: 400) ? nodes.filter(\.isUp) : [node]
        for node in struck {
            faults.add(.powerLoss)
            crash(node, .unsynced)
            startLater(node, 50_000...1_000_000)
        }
    }

    /// Lets a bare majority work, and then another one: the leader goes when the node comes back
    /// that was away. What only the two that stayed can know has to be on the disk of the one left.
    func swapAway() {
        guard phase == .chaos else { return }
        callClients()
        let rest = faultRandom.between(500_000...5_000_000)
        queue.add(.swapAway, at: after(rest * settings.faultRestFactor))
        let losesPower = plan.kinds.contains(.powerLoss)
        let loss: SimulatedDisk.Loss = losesPower ? .unsynced : .nothing
        let running = nodes.filter(\.isUp)
        bringBack()
        // With another one gone for good, or not there yet, nobody could do anything.
        guard isFoundingOver, !nodes.contains(where: \.isBeingReplaced),
            let leaver = running.first(where: \.standing.isLeader) ?? running.first
        else { return }
        let stayers = running.filter { $0.index != leaver.index }
        let struck = faultRandom.chance(permille: 500) ? [leaver] + stayers : [leaver]
        for node in struck {
            faults.add(losesPower ? .powerLoss : .crash)
            crash(node, loss)
            if node.index != leaver.index { startLater(node, 20_000...300_000) }
        }
        leaver.isAway = true
    }

    /// Starts who is away.
    func bringBack() {
        for node in nodes where node.isAway {
            node.isAway = false
            startLater(node, 1000...200_000)
        }
    }

    /// Starts one member after the other anew.
    func upgrade(_ node: Node) {
        guard phase == .chaos else { return }
        if node.isUp {
            faults.add(.rollingUpgrade)
            crash(node, .nothing)
            startLater(node, 200_000...800_000)
        }
        guard node.index + 1 < nodes.count else { return }
        queue.add(.upgrade(node: node.index + 1), at: after(2_500_000))
    }

    /// Lets a member hold something else than the others, which they have to find out. Fewer than
    /// half at a time do, as nobody could tell who is right.
    func disturb() {
        guard phase == .chaos else { return }
        let rest = memoryRandom.between(2...12) * 1_000_000
        queue.add(.disturb, at: after(rest * settings.faultRestFactor))
        guard mayDamage else { return }
        let frail = plan.frail.map { nodes[$0] }.filter {
            $0.isUp && $0.isWanted && !$0.isBeingReplaced && !$0.standing.isDisturbed
        }
        guard !frail.isEmpty else { return }
        let node = frail.first(where: \.standing.isLeader) ?? memoryRandom.pick(frail)
        step(node, .disturb(choosing: memoryRandom.below(1000)))
        guard node.standing.isDisturbed else { return }
        node.hasDiverged = true
        faults.add(.stateDiverged)
        trace.note(now, 20, UInt64(node.index), text: "\(node.name) holds something else")
    }

    // MARK: Disks

    private func strikeDisk(_ kind: FaultKind) {
        if kind.isDamage { return damage(kind) }
        let running = nodes.filter(\.isUp)
        guard !running.isEmpty else { return }
        let node = faultRandom.pick(running)
        switch kind {
        case .writeFails: node.disk.failsNextWrite = true
        case .syncFails: node.disk.failsNextSync = true
        case .slowDisk:
            if faultRandom.chance(permille: 500) {
                node.stallMicroseconds = faultRandom.between(1_000_000...5_000_000)
            } else {
                slow(node, 200_000...4_000_000)
            }
        default:
            node.disk.isFull = true
            relieve(.fullDisk(node: node.index), after: 1_000_000...6_000_000)
        }
    }

    /// Lets a disk be slow for a while.
    func slow(_ node: Node, _ range: ClosedRange<Int64>) {
        node.slowUntil = min(chaosEnd, after(faultRandom.between(range)))
        node.slowMicroseconds = faultRandom.pick([5000, 50_000, 400_000])
    }

    func rot(_ node: Node) {
        guard let place = node.disk.rot(&faultRandom) else { return }
        noteDamage(node, isOfWrite: false)
        faults.add(.bitRot)
        trace.note(
            now, 13, UInt64(place.offset),
            text: "\(node.name) has a bit flipped in \(place.file) at \(place.offset)")
    }

    /// Whether no more members than those with frail disks lack something, so that the others are
    /// enough to let them in again.
    var mayDamage: Bool {
        isFoundingOver
            && !nodes.prefix(settings.members).contains {
                $0.isBeingReplaced && !plan.frail.contains($0.index)
            }
    }

    private func damage(_ kind: FaultKind) {
        guard !plan.frail.isEmpty, mayDamage else { return }
        let node = nodes[faultRandom.pick(plan.frail)]
        guard node.isWanted, !node.isBeingReplaced else { return }
        switch kind {
        case .lostWrite: node.disk.losesNextWrite = true
        case .misdirectedWrite: node.disk.misdirectsNextWrite = true
        case .bitRot: rot(node)
        default:
            faults.add(.diskLoss)
            crash(node, .unsynced)
            if let member = node.member { processes.note(endOf: member) }
            if faultRandom.chance(permille: 500) { return startAnew(node) }
            node.disk.wipe()
            replace(node)
        }
    }
}
