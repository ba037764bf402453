internal import Raft
internal import StoreCore
internal import Synchronization

/// The thread that decides proposals, writes the log and waits for the disk.
///
/// A round is what queued up during the sync before. The next one begins at once, without a timer.
/// Only a store of several members counts time.
final class LogWriter: Sendable {
    private let inbox: Monitor<Inbox>
    private let worker: Worker

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
        self.inbox = inbox
        worker = Worker {
            var writing = LogWriting(
                shared, keeper, fanOut, directory, options, recovered, identity)
            do throws(StoreError) { try writing.start() } catch {
                keeper.noteFailure()
                Self.fail(writing.takeUnanswered(), inbox)
                return isReady(error)
            }
            isReady(nil)
            Self.run(&writing, inbox, keeper, options)
        }
    }

    private static func run(
        _ writing: inout LogWriting, _ inbox: Monitor<Inbox>, _ keeper: Keeper,
        _ options: StoreOptions
    ) {
        var taken = Inbox.Taken()
        repeat {
            taken = take(inbox, after: &writing, answered: taken.proposals.count)
            do throws(StoreError) { try writing.carryOut(taken) } catch {
                keeper.noteFailure()
                if !writing.giveUp(after: error) {
                    writing.sayFarewell()
                    options.onFatalError(error)
                }
                return fail(writing.takeUnanswered(), inbox)
            }
        } while !taken.isClosed || taken.isWork
        writing.rest()
        fail(writing.takeUnanswered(), inbox)
    }

    /// Queues a proposal. `completion` is called once it is durable, or refused.
    func propose(_ proposal: Proposal, completion: @escaping Completion) {
        let waiting = ProposalQueue.Waiting(
            proposal: proposal, bytes: proposal.waitingBytes, completion: completion)
        let refusal = inbox.change { inbox -> (StoreError?, wake: Bool) in
            guard !inbox.isClosed else { return (.closed, wake: false) }
            let refusal = inbox.proposals.add(waiting)
            return (refusal, wake: inbox.proposals.waiting.count == inbox.wakesAt)
        }
        if let refusal { completion(.failure(refusal)) }
    }

    /// Queues something else. Returns whether there was room.
    func call(_ call: Inbox.Call) -> Bool {
        inbox.change { inbox in (inbox.add(call), wake: true) }
    }

    /// Takes a frame from another member.
    func receive(_ frame: Inbox.Frame) {
        inbox.change { inbox in
            inbox.add(frame)
            return ((), wake: true)
        }
    }

    /// Carries out what waits, then ends.
    func stop() {
        inbox.change { inbox in
            inbox.isClosed = true
            return ((), wake: true)
        }
        worker.join()
    }

    /// Who got an answer usually has the next proposal at hand: half of them are waited for, not
    /// longer than this. Else, on a fast disk, each would have a sync and a block of the disk to
    /// itself.
    private static let gatheringMax = Duration.microseconds(100)

    /// Returns what the next round is to carry out, which may be nothing if time has passed.
    private static func take(
        _ inbox: Monitor<Inbox>, after writing: inout LogWriting, answered: Int
    ) -> Inbox.Taken {
        if answered > 1 {
            inbox.wait(atMost: gatheringMax) { inbox in
                inbox.wakesAt = answered / 2
                return inbox.proposals.waiting.count >= answered / 2 || inbox.isClosed
            }
        }
        let now = inbox.change { inbox in
            inbox.wakesAt = 1
            return (inbox.take(), wake: false)
        }
        if now.isWork || now.isClosed { return now }
        writing.rest()
        guard let untilTick = writing.timeUntilTick else {
            return inbox.wait { inbox in
                inbox.isEmpty && !inbox.isClosed ? nil : inbox.take()
            }
        }
        inbox.wait(atMost: untilTick) { inbox in !inbox.isEmpty || inbox.isClosed }
        return inbox.change { inbox in (inbox.take(), wake: false) }
    }

    /// Nothing that waits may be acknowledged, now or later.
    private static func fail(_ unanswered: [Completion], _ inbox: Monitor<Inbox>) {
        let rest = inbox.change { inbox in
            inbox.isClosed = true
            var rest: [Inbox.Taken] = []
            while !inbox.isEmpty { rest.append(inbox.take()) }
            return (rest, wake: false)
        }
        let proposals = rest.flatMap { $0.proposals.map(\.completion) }
        for completion in unanswered + proposals { completion(.failure(.closed)) }
        for call in rest.flatMap(\.calls) { call.fail() }
    }
}

extension Inbox.Taken {
    var isWork: Bool { !proposals.isEmpty || !frames.isEmpty || !calls.isEmpty }
}

extension Inbox.Call {
    func fail(_ error: StoreError = .closed) {
        switch self {
        case .read(let completion): completion(.failure(error))
        case .unreachable, .damaged, .sound: break
        case .change(_, _, let answer), .transfer(_, let answer):
            answer(.notLeader(leader: nil))
        }
    }
}
