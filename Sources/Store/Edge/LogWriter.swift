internal import Raft
internal import StoreCore
internal import Synchronization

/// Decides proposals and writes the log, on a thread of its own.
///
/// A round is what queued up during the sync before. The next one begins at once, without a timer.
/// Only a store of several members counts time.
final class LogWriter: Sendable {
    private let inbox: Monitor<Inbox>
    private let rounds: LogRounds
    private let writer: Worker
    /// Nil in a store of one member.
    private let listener: Worker?

    /// - Parameter isReady: Told when the log can be read and written, or why it cannot.
    init(
        _ shared: Shared, _ keeper: Keeper, _ fanOut: FanOut, _ directory: Directory,
        _ options: StoreOptions, _ recovered: RecoveredMember, _ identity: IdentityFile,
        isReady: @escaping @Sendable (StoreError?) -> Void
    ) {
        let inbox = Monitor(
            Inbox(
                ProposalQueue(
                    countMax: options.waitingProposalsMax, bytesMax: options.waitingBytesMax)))
        let rounds = LogRounds(
            inbox,
            LogWriting(shared, keeper, fanOut, directory, options, recovered, identity), keeper,
            options)
        (self.inbox, self.rounds) = (inbox, rounds)
        writer = Worker { rounds.write(isReady: isReady) }
        listener = options.cluster.map { cluster in
            Worker { rounds.listen(period: cluster.tickInterval * LogRounds.listenerTicks) }
        }
    }

    /// Queues a proposal. `completion` is called once it is durable, or refused.
    func propose(_ proposal: Proposal, completion: @escaping Completion) {
        let waiting = ProposalQueue.Waiting(
            proposal: proposal, bytes: proposal.waitingBytes, completion: completion)
        let (refusal, isHeard) = inbox.change { inbox -> ((StoreError?, Bool), wake: Bool) in
            guard !inbox.isClosed else { return ((.closed, false), wake: false) }
            let refusal = inbox.proposals.add(waiting)
            return (
                (refusal, inbox.listening == .all),
                wake: inbox.proposals.waiting.count == inbox.wakesAt
            )
        }
        if let refusal { completion(.failure(refusal)) }
        if isHeard { rounds.wakeListener() }
    }

    /// Queues something else. Returns whether there was room.
    func call(_ call: Inbox.Call) -> Bool {
        let (isTaken, isHeard) = inbox.change { inbox in
            ((inbox.add(call), inbox.isHeard), wake: true)
        }
        if isHeard { rounds.wakeListener() }
        return isTaken
    }

    /// Takes a frame from another member.
    func receive(_ frame: Inbox.Frame) {
        let isHeard = inbox.change { inbox in
            inbox.add(frame)
            return (inbox.isHeard, wake: true)
        }
        if isHeard { rounds.wakeListener() }
    }

    /// Carries out what waits, then ends.
    func stop() {
        inbox.change { inbox in
            inbox.isClosed = true
            return ((), wake: true)
        }
        rounds.stopListening()
        Worker.join([writer] + (listener.map { [$0] } ?? []))
    }
}
