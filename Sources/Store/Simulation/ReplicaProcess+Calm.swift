internal import Raft
internal import Replica
internal import StoreCore
internal import StoreHistory
internal import StoreSimulator

// While nothing happens, ticks move counters alone, and the world lets them pass at once. Whatever
// a tick may do has to be foreseen here.

extension ReplicaProcess {
    /// Nil while anything is under way.
    var calm: Calm? {
        guard let running, let leader = running.replica.raft.leader, isIdle,
            var ticks = running.replica.calmTicks(core)
        else { return nil }
        ticks = min(ticks, Self.ticksLeft(of: ticksPerScrub, tickCount))
        if let checkpoint = ticksToCheckpoint { ticks = min(ticks, checkpoint - 1) }
        if !watches.isEmpty { ticks = min(ticks, Self.ticksLeft(of: boot.progressTicks, tickCount)) }
        if seenByHouse != running.replica.published.index {
            ticks = min(ticks, Self.ticksLeft(of: houseTicks, tickCount))
        }
        let view = Calm.View(
            term: running.replica.raft.term.number, leader: MemberNumber(leader.number),
            last: running.replica.last.index.number)
        let others = running.replica.raft.followers.filter(\.isActive)
        return Calm(
            view: view, ticks: ticks, others: others.map { MemberNumber($0.id.number) },
            ticksSilent: running.replica.raft.ticksSilent)
    }

    /// How many ticks pass before the one that is a multiple of `period`.
    private static func ticksLeft(of period: Int, _ count: Int) -> Int {
        period - 1 - count % period
    }

    private var isIdle: Bool {
        !isHalted && !isEnding && takesPart && !core.hasLeases && exchange.wish == nil && !exchange.hasFound
            && identityWork.underway.isEmpty && found == nil && inputs.isEmpty && !isSynced && commands.isEmpty
            && blocked.isEmpty && nextBytes == nil && changes.isEmpty && questions.isEmpty
            && !snapshot.isReceiving && !snapshot.isServing(tickCount) && isHouseKept
    }

    private var isHouseKept: Bool {
        pruneStart == nil && reclaim == nil && !looksForVictim && checkpoint.writer == nil
            && !checkpoint.isWaiting && !checkpoint.isWanted
    }

    func pass(ticks: Int, now: Moment) {
        self.now = now
        lastTick = now
        tickCount += ticks
        ticksToCheckpoint? -= ticks
        running?.replica.pass(ticks: ticks)
    }
}
