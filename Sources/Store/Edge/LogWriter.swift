internal import StoreCore
internal import Synchronization

/// The thread that decides proposals, writes the log and waits for the disk.
///
/// A round is what queued up during the sync before. The next one begins at once, without a timer.
final class LogWriter: Sendable {
    private let queue: Monitor<ProposalQueue>
    private let worker: Worker

    /// - Parameter isReady: Told when the log can be read and written, or why it cannot.
    init(
        _ shared: Shared, _ keeper: Keeper, _ fanOut: FanOut, _ options: StoreOptions,
        _ recovered: RecoveredMember, isReady: @escaping @Sendable (StoreError?) -> Void
    ) {
        let queue = Monitor(
            ProposalQueue(countMax: options.waitingProposalsMax, bytesMax: options.waitingBytesMax))
        self.queue = queue
        worker = Worker {
            var writing = LogWriting(shared, keeper, fanOut, options, recovered)
            do throws(StoreError) { try writing.start() } catch {
                keeper.noteFailure()
                return isReady(error)
            }
            isReady(nil)
            var taken: [ProposalQueue.Waiting]? = Self.take(queue, after: &writing, answered: 0)
            while let waiting = taken {
                do throws(StoreError) { try writing.carryOut(waiting) } catch {
                    keeper.noteFailure()
                    Self.fail(writing.takeUnanswered(), queue, error, options)
                    return
                }
                taken = Self.take(queue, after: &writing, answered: waiting.count)
            }
        }
    }

    /// Queues a proposal. `completion` is called once it is durable, or refused.
    func propose(_ proposal: Proposal, completion: @escaping Completion) {
        let waiting = ProposalQueue.Waiting(
            proposal: proposal, bytes: proposal.waitingBytes, completion: completion)
        let refusal = queue.change { queue in
            let refusal = queue.add(waiting)
            return (refusal, wake: queue.waiting.count == queue.wakesAt)
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

    /// Who got an answer usually has the next proposal at hand: half of them are waited for, not
    /// longer than this. Else, on a fast disk, each would have a sync and a block of the disk to
    /// itself.
    private static let gatheringMax = Duration.microseconds(100)

    /// Returns the next round's proposals; nil when closed and done.
    private static func take(
        _ queue: Monitor<ProposalQueue>, after writing: inout LogWriting, answered: Int
    ) -> [ProposalQueue.Waiting]? {
        if answered > 1 {
            queue.wait(atMost: gatheringMax) { queue in
                queue.wakesAt = answered / 2
                return queue.waiting.count >= answered / 2 || queue.isClosed
            }
        }
        let now = queue.change { queue in
            queue.wakesAt = 1
            return (queue.take(), wake: false)
        }
        if !now.isEmpty { return now }
        writing.rest()
        return queue.wait { queue in
            if !queue.waiting.isEmpty { return .some(queue.take()) }
            return queue.isClosed ? .some(nil) : nil
        }
    }

    /// The disk has failed: nothing of this round may be acknowledged, now or later.
    private static func fail(
        _ unanswered: [Completion], _ queue: Monitor<ProposalQueue>, _ error: StoreError,
        _ options: StoreOptions
    ) {
        let rest = queue.change { queue in
            queue.isClosed = true
            var rest: [ProposalQueue.Waiting] = []
            while !queue.waiting.isEmpty { rest += queue.take() }
            return (rest, wake: false)
        }
        options.onFatalError(error)
        for completion in unanswered + rest.map(\.completion) { completion(.failure(.closed)) }
    }
}
