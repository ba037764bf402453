/// A member's name and limits.
package struct RaftConfiguration: Sendable {
    package var id: MemberID
    /// A follower that hears nothing campaigns after more ticks than this, at most twice as many; a
    /// leader that hears of no quorum for so long steps down.
    package var electionTicks = 10
    package var heartbeatTicks = 1
    /// A follower whose connection to the leader broke campaigns after one to so many ticks.
    package var unreachableTicks = 4
    /// Entries of one message, and their size.
    package var appendEntriesMax = 1024
    package var appendBytesMax = 1 << 20
    /// Messages to one follower that it has not answered, and the size of their entries.
    package var appendsInFlightMax = 64
    package var bytesInFlightMax = 8 << 20
    /// What may be proposed before it is committed.
    package var uncommittedEntriesMax = 65_536
    package var uncommittedBytesMax = 64 << 20
    /// Reads under way at a leader, its followers' among them, or asked of it by a follower.
    package var readsMax = 65_536
    package var membersMax = 16
    /// A learner that lacks more is not promoted.
    package var learnerLagEntriesMax = 1024

    package init(id: MemberID) { self.id = id }

    var isSound: Bool {
        min(heartbeatTicks, unreachableTicks) > 0 && electionTicks > heartbeatTicks
            && min(appendEntriesMax, appendBytesMax, appendsInFlightMax, bytesInFlightMax) > 0
            && min(uncommittedEntriesMax, uncommittedBytesMax, readsMax, membersMax) > 0
            && learnerLagEntriesMax >= 0
    }
}
