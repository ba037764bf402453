// While nothing happens, time moves counters alone. Simulated years need not go through each of
// their heartbeats, if a member can tell that nothing but those would come.

extension RaftMember {
    /// Whether ticks, and heartbeats that are answered in time, change nothing but counters that
    /// each heartbeat sets back. So it stays until something else comes.
    package var isCalm: Bool {
        guard committed == log.lastIndex, written == log.lastIndex, votesFrom == .zero else {
            return false
        }
        switch role {
        case .leader:
            return leadership.transfer == nil && leadership.reads.count == 0
                && leadership.followers.positions.allSatisfy { isCalm(leadership.followers[$0]) }
        case .follower(let leader):
            return leader != nil && reads.asked.isEmpty && hearsFromLeader
        case .preCandidate, .candidate: return false
        }
    }

    /// For how many ticks it has waited for the leader, or for one of those who answer a leader.
    package var ticksSilent: Int {
        guard isLeader else { return electionTicksPassed }
        let ticks = leadership.followers.positions.map { leadership.followers[$0].ticksSilent }
        return ticks.filter { $0 < configuration.electionTicks }.max() ?? 0
    }

    /// Has all that there is, and answers; or has not been there for a while.
    private func isCalm(_ follower: FollowerProgress) -> Bool {
        if follower.ticksSilent >= configuration.electionTicks {
            // Snapshots are offered again and again.
            if case .snapshot = follower.phase { return false }
            return true
        }
        return follower.phase == .replicate && follower.inFlight.count == 0
            && follower.matched == log.lastIndex && follower.next == log.lastIndex.next
            && follower.committedSent == committed
    }
}
