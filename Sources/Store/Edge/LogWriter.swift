internal import StoreCore
internal import Synchronization

/// The thread that decides proposals, writes the log and waits for the disk.
///
/// A round is what queued up during the sync before. The next one begins at once, without a timer.
final class LogWriter: Sendable {
    private let queue: Monitor<ProposalQueue>
    private let worker: Worker

    init(
        _ shared: Shared, _ keeper: Keeper, _ fanOut: FanOut, _ options: StoreOptions, end: LogEnd
    ) {
        let queue = Monitor(
            ProposalQueue(countMax: options.waitingProposalsMax, bytesMax: options.waitingBytesMax))
        self.queue = queue
        worker = Worker {
            var writing = LogWriting(shared, keeper, options, end: end)
            var taken: [ProposalQueue.Waiting]? = Self.take(queue, after: &writing)
            while let waiting = taken {
                do throws(StoreError) {
                    fanOut.send(try writing.carryOut(waiting))
                } catch {
                    Self.fail(waiting, queue, error, options)
                    return
                }
                taken = Self.take(queue, after: &writing)
            }
        }
    }

    /// Queues a proposal. `completion` is called once it is durable, or refused.
    func propose(_ proposal: Proposal, completion: @escaping Completion) {
        let waiting = ProposalQueue.Waiting(
            proposal: proposal, bytes: proposal.waitingBytes, completion: completion)
        let refusal = queue.change { queue in
            let wasEmpty = queue.waiting.isEmpty
            return (queue.add(waiting), wake: wasEmpty)
        }
        if let refusal { completion(.failure(refusal)) }
    }

    /// Carries out what waits, then ends.
    func stop() {
        queue.change { queue in
            queue.isClosed = true
            return ((), wake: true)
        }
        worker.join()
    }

    /// Returns the next round's proposals; nil when closed and done.
    private static func take(
        _ queue: Monitor<ProposalQueue>, after writing: inout LogWriting
    ) -> [ProposalQueue.Waiting]? {
        let now = queue.change { queue in (queue.take(), wake: false) }
        if !now.isEmpty { return now }
        writing.rest()
        return queue.wait { queue in
            if !queue.waiting.isEmpty { return .some(queue.take()) }
            return queue.isClosed ? .some(nil) : nil
        }
    }

    /// The disk has failed: nothing of this round may be acknowledged, now or later.
    private static func fail(
        _ waiting: [ProposalQueue.Waiting], _ queue: Monitor<ProposalQueue>, _ error: StoreError,
        _ options: StoreOptions
    ) {
        let rest = queue.change { queue in
            queue.isClosed = true
            var rest: [ProposalQueue.Waiting] = []
            while !queue.waiting.isEmpty { rest += queue.take() }
            return (rest, wake: false)
        }
        options.onFatalError(error)
        for waiting in waiting + rest { waiting.completion(.failure(.closed)) }
    }
}
