internal import Raft
package import StoreCore

// While nothing happens, time moves counters alone: see `RaftMember.isCalm`.

extension Replica {
    /// How many ticks change nothing but counters, if nothing comes but heartbeats and their
    /// answers; nil if something is under way.
    package func calmTicks(_ core: borrowing StoreState) -> Int? {
        guard raft.isCalm, isAtRest, published == last, applied == last.index, ahead.isEmpty,
            !needsRebuild, raft.isLeader == isDeciding, localsWaiting.isEmpty,
            messagesWaiting.isEmpty, readsWaiting.isEmpty, readsReady.isEmpty
        else { return nil }
        guard raft.isLeader else { return comparison.questionOpen == nil ? .max : nil }
        guard raft.membership.members.count > 1 else { return .max }
        let present = raft.followers.filter(\.isActive).map(\.id)
        return comparison.calmTicks(term: raft.term, at: core.published, present)
    }

    /// Lets so many of them pass.
    package mutating func pass(ticks: Int) {
        if raft.isLeader { comparison.pass(ticks: ticks) }
    }
}
