// A linearizable read writes nothing (6.4): the leader notes how far the log is committed, proves
// by a round of heartbeats that it still leads, and the read waits until that much is applied. All
// reads that come during one round share the next.

/// Reads at the leader, its own and its followers'.
struct LeaderReads: Sendable {
    struct Read: Sendable {
        var asker: MemberID
        var ticket: ReadTicket
    }
    struct Batch: Sendable {
        /// Answers to this heartbeat or a later one prove it.
        var round: UInt64
        var index: LogIndex
        var reads: [Read]
    }

    /// The latest round of heartbeats sent.
    var round: UInt64 = 0
    /// Came after the latest round was sent.
    var waiting: [Read] = []
    /// Oldest first.
    var confirming: [Batch] = []
    var count = 0
}

/// Reads that a follower asked of its leader, and when it gives up on them.
struct FollowerReads: Sendable {
    let incarnation: UInt64
    /// Ticks left of each.
    var asked: [ReadContext: Int] = [:]
}

extension RaftMember {
    /// Asks how far the log is committed. The answer comes in `readsReady` or `readsFailed`, within
    /// two election timeouts.
    package mutating func read(_ context: ReadContext, _ actions: inout RaftActions) {
        let ticket = ReadTicket(incarnation: reads.incarnation, context: context)
        if isLeader {
            enter(LeaderReads.Read(asker: id, ticket: ticket), &actions)
        } else if let leader, reads.asked.count < configuration.readsMax {
            reads.asked[context] = configuration.electionTicks
            send(.read(ticket), to: leader, &actions)
        } else {
            actions.readsFailed.append(context)
        }
    }

    // MARK: At the leader

    mutating func answerRead(
        _ ticket: ReadTicket, from asker: MemberID, _ actions: inout RaftActions
    ) {
        let read = LeaderReads.Read(asker: asker, ticket: ticket)
        if isLeader { enter(read, &actions) } else { answer(read, nil, &actions) }
    }

    private mutating func enter(_ read: LeaderReads.Read, _ actions: inout RaftActions) {
        guard leadership.reads.count < configuration.readsMax else {
            return answer(read, nil, &actions)
        }
        leadership.reads.waiting.append(read)
        leadership.reads.count += 1
        beginReads(&actions)
    }

    /// Begins a round for reads that wait, unless others are under way. A new leader does not know
    /// how far the log is committed before an entry of its own is.
    mutating func beginReads(_ actions: inout RaftActions) {
        guard committed >= leadership.firstIndex, leadership.reads.confirming.isEmpty,
            !leadership.reads.waiting.isEmpty
        else { return }
        beginRound(&actions)
    }

    /// Sends heartbeats. Those at regular times take reads along, and so make up for lost ones.
    mutating func beginRound(_ actions: inout RaftActions) {
        leadership.heartbeatTicksPassed = 0
        leadership.reads.round += 1
        let round = leadership.reads.round
        if committed >= leadership.firstIndex, !leadership.reads.waiting.isEmpty {
            leadership.reads.confirming.append(
                LeaderReads.Batch(round: round, index: committed, reads: leadership.reads.waiting))
            leadership.reads.waiting = []
        }
        for position in leadership.followers.positions {
            let committed = min(committed, leadership.followers[position].matched)
            send(
                .heartbeat(committed: committed, round: round),
                to: leadership.followers.ids[position], &actions)
        }
        confirmReads(&actions)
    }

    mutating func confirmReads(_ actions: inout RaftActions) {
        guard !leadership.reads.confirming.isEmpty else { return }
        let proven = membership.quorum { member in
            member == id ? leadership.reads.round : leadership.followers[member]?.round ?? 0
        }
        while let batch = leadership.reads.confirming.first, let proven, batch.round <= proven {
            leadership.reads.confirming.removeFirst()
            leadership.reads.count -= batch.reads.count
            for read in batch.reads { answer(read, batch.index, &actions) }
        }
        beginReads(&actions)
    }

    private func answer(
        _ read: LeaderReads.Read, _ index: LogIndex?, _ actions: inout RaftActions
    ) {
        guard read.asker == id else {
            return send(.readAnswer(read.ticket, index), to: read.asker, &actions)
        }
        let context = read.ticket.context
        guard let index else { return actions.readsFailed.append(context) }
        actions.readsReady.append(RaftActions.ReadReady(context: context, index: index))
    }

    // MARK: At a follower

    mutating func finishRead(
        _ ticket: ReadTicket, _ index: LogIndex?, _ actions: inout RaftActions
    ) {
        guard ticket.incarnation == reads.incarnation,
            reads.asked.removeValue(forKey: ticket.context) != nil
        else { return }
        guard let index else { return actions.readsFailed.append(ticket.context) }
        actions.readsReady.append(RaftActions.ReadReady(context: ticket.context, index: index))
    }

    mutating func expireReads(_ actions: inout RaftActions) {
        guard !reads.asked.isEmpty else { return }
        let expired = reads.asked.filter { $0.value == 1 }.keys.sorted()
        for context in expired { reads.asked[context] = nil }
        reads.asked = reads.asked.mapValues { $0 - 1 }
        actions.readsFailed += expired
    }

    // MARK: At both

    /// The leader or the term is another one: nobody will answer these.
    mutating func failReads(_ actions: inout RaftActions) {
        actions.readsFailed += reads.asked.keys.sorted()
        reads.asked = [:]
        let open = leadership.reads.confirming.flatMap(\.reads) + leadership.reads.waiting
        leadership.reads = LeaderReads()
        for read in open { answer(read, nil, &actions) }
    }
}
