internal import Raft
internal import Replica
internal import StoreCore
internal import Synchronization

/// The writing state, and who has the turn to do something with it.
///
/// That is the writer, but for the time that it waits for the disk: in a cluster, others have
/// something to say meanwhile, and time passes. Then whatever comes wakes the listener, which
/// carries out rounds that write nothing. As a rule nothing comes, and no thread has to wake another.
final class LogRounds: Sendable {
    private struct Turn: ~Copyable {
        var writing: LogWriting
        /// The disk has failed, or the log turned out to be damaged: nothing is done any more.
        var isOver = false
    }

    /// Why a thread has nothing to do any more.
    private struct End {
        var unanswered: [Completion] = []
        /// For whoever is to end the process.
        var fatal: StoreError?
    }

    private struct Listening: Sendable {
        var isWanted = false
        var isClosed = false
    }

    private let inbox: Monitor<Inbox>
    private let turn: Mutex<Turn>
    private let listening = Monitor(Listening())
    private let keeper: Keeper
    private let options: StoreOptions

    /// Ticks after which the listener looks whether the writer is still waiting for the disk.
    static let listenerTicks = 3
    /// Who got an answer usually has the next proposal at hand: half of them are waited for, not
    /// longer than this. Else, on a fast disk, each would have a sync and a block of the disk to
    /// itself.
    private static let gatheringMax = Duration.microseconds(100)

    init(
        _ inbox: Monitor<Inbox>, _ writing: consuming sending LogWriting, _ keeper: Keeper,
        _ options: StoreOptions
    ) {
        (self.inbox, self.keeper, self.options) = (inbox, keeper, options)
        turn = Mutex(Turn(writing: writing))
    }

    // MARK: The writer

    /// Carries out rounds until the store closes and nothing is left to do, or the disk fails.
    func write(isReady: (StoreError?) -> Void) {
        do throws(StoreError) { try start() } catch {
            keeper.noteFailure()
            fail(turn.withLock { $0.writing.takeUnanswered() })
            return isReady(error)
        }
        isReady(nil)
        var taken = Inbox.Taken()
        repeat {
            taken = take(answered: taken.proposals.count)
            guard carryOut(taken), sync() else { return }
        } while !taken.isClosed || taken.isWork || hasToWrite
        let unanswered = turn.withLock { turn in
            turn.writing.rest()
            return turn.writing.takeUnanswered()
        }
        fail(unanswered)
    }

    private func start() throws(StoreError) {
        try turn.withLock { turn throws(StoreError) in
            try turn.writing.start()
            while let segment = turn.writing.unsynced {
                try options.disk.sync(segment.descriptor)
                try turn.writing.noteSynced()
                try turn.writing.carryOut(Inbox.Taken())
            }
        }
    }

    private var hasToWrite: Bool { turn.withLock { $0.writing.hasToWrite } }

    /// Returns what the next round is to carry out, which may be nothing if time has passed, or if
    /// there is something to write.
    private func take(answered: Int) -> Inbox.Taken {
        if answered > 1 {
            inbox.wait(atMost: Self.gatheringMax) { inbox in
                inbox.wakesAt = answered / 2
                return inbox.proposals.waiting.count >= answered / 2 || inbox.isClosed
            }
        }
        let now = inbox.change { inbox in
            inbox.wakesAt = 1
            return (inbox.take(), wake: false)
        }
        if now.isWork || now.isClosed { return now }
        let (hasToWrite, untilTick) = turn.withLock { turn in
            turn.writing.rest()
            return (turn.writing.hasToWrite, turn.writing.timeUntilTick)
        }
        if hasToWrite { return now }
        guard let untilTick else {
            return inbox.wait { inbox in
                inbox.isEmpty && !inbox.isClosed ? nil : inbox.take()
            }
        }
        inbox.wait(atMost: untilTick) { inbox in !inbox.isEmpty || inbox.isClosed }
        return inbox.change { inbox in (inbox.take(), wake: false) }
    }

    /// Syncs what the round has written, and publishes it. Returns false if all is over.
    private func sync() -> Bool {
        let (unsynced, isDeciding) = turn.withLock { turn in
            (turn.writing.unsynced, turn.writing.replica.isDeciding)
        }
        guard let unsynced else { return true }
        listen(to: isDeciding ? .allButProposals : .all)
        let result: Result<Void, StoreError>
        do throws(StoreError) {
            try options.disk.sync(unsynced.descriptor)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        listen(to: .none)
        return carryOut { writing throws(StoreError) in
            try result.get()
            try writing.noteSynced()
        }
    }

    private func listen(to wanted: Inbox.Listening) {
        guard options.cluster != nil else { return }
        let isHeard = inbox.change { inbox in
            inbox.listening = wanted
            return (inbox.isHeard, wake: false)
        }
        if isHeard { wakeListener() }
    }

    // MARK: The listener

    /// Carries out what comes while the writer waits for the disk, until `stopListening`.
    ///
    /// - Parameter period: Time passes at the latest after this.
    func listen(period: Duration) {
        while true {
            listening.wait(atMost: period) { $0.isWanted || $0.isClosed }
            let isClosed = listening.change { listening in
                listening.isWanted = false
                return (listening.isClosed, wake: false)
            }
            guard !isClosed, listenOnce() else { return }
        }
    }

    /// Returns false if all is over.
    private func listenOnce() -> Bool {
        // If the writer has the turn, it takes what has come.
        let end = turn.withLockIfAvailable { turn -> End? in
            guard turn.writing.unsynced != nil else { return nil }
            let taken = inbox.change { inbox in (inbox.take(), wake: false) }
            return carryOut(&turn) { writing throws(StoreError) in try writing.carryOut(taken) }
        }
        return isGoingOn(end ?? nil)
    }

    func wakeListener() {
        listening.change { listening in
            listening.isWanted = true
            return ((), wake: true)
        }
    }

    func stopListening() {
        listening.change { listening in
            listening.isClosed = true
            return ((), wake: true)
        }
    }

    // MARK: Both

    private func carryOut(_ taken: Inbox.Taken) -> Bool {
        carryOut { writing throws(StoreError) in try writing.carryOut(taken) }
    }

    private func carryOut(_ body: (inout LogWriting) throws(StoreError) -> Void) -> Bool {
        isGoingOn(turn.withLock { carryOut(&$0, body) })
    }

    private func carryOut(
        _ turn: inout Turn, _ body: (inout LogWriting) throws(StoreError) -> Void
    ) -> End? {
        guard !turn.isOver else { return End() }
        do throws(StoreError) {
            try body(&turn.writing)
            return nil
        } catch {
            turn.isOver = true
            keeper.noteFailure()
            var end = End()
            if !turn.writing.giveUp(after: error) {
                turn.writing.sayFarewell()
                end.fatal = error
            }
            end.unanswered = turn.writing.takeUnanswered()
            return end
        }
    }

    /// Tells of an end without the turn: whoever is told may close the store.
    private func isGoingOn(_ end: End?) -> Bool {
        guard let end else { return true }
        if let fatal = end.fatal { options.onFatalError(fatal) }
        fail(end.unanswered)
        return false
    }

    /// Nothing that waits may be acknowledged, now or later.
    private func fail(_ unanswered: [Completion]) {
        let rest = inbox.change { inbox in
            (inbox.isClosed, inbox.listening) = (true, .none)
            var rest: [Inbox.Taken] = []
            while !inbox.isEmpty { rest.append(inbox.take()) }
            return (rest, wake: true)
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
