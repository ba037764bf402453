import Synchronization

/// Works on the keys of a ``WorkQueue``, several at a time. The edge of the queue.
public final class Workers<Key: Hashable & Sendable>: Sendable {
    /// What came of the work on a key.
    public enum Outcome: Sendable {
        case done
        /// Done for now; look again after a while.
        case again(after: Duration)
        /// Try again with backoff.
        case failed
    }

    private struct State {
        var queue: WorkQueue<Key>
        /// Workers that wait for a key.
        var idle: [CheckedContinuation<Key?, Never>] = []
        var timer: (due: Duration, task: Task<Void, Never>)?
        var isStopped = false
    }

    private let state: Mutex<State>
    private let time: any TimeSource

    public init(time: any TimeSource, limits: WorkQueue<Key>.Limits = .init()) {
        self.time = time
        state = Mutex(State(queue: WorkQueue(limits)))
    }

    /// Nothing waits, is delayed or worked on.
    public var isIdle: Bool { state.withLock { $0.queue.isIdle } }
    /// Keys that wait now.
    public var depth: Int { state.withLock { $0.queue.depth } }

    public func add(_ key: Key) { change { queue, _ in queue.add(key) } }

    public func add(_ key: Key, after delay: Duration) {
        change { queue, now in queue.add(key, due: now + delay, now: now) }
    }

    /// How often the work on `key` failed in a row.
    public func failureCount(_ key: Key) -> Int { state.withLock { $0.queue.failureCount(key) } }

    /// Whether keys were dropped since the last call, so that all must be added again.
    public func takeDropped() -> Bool {
        state.withLock { state in
            defer { state.queue.hasDropped = false }
            return state.queue.hasDropped
        }
    }

    /// Works until the task is cancelled. `work` is called for one key by one worker at a time.
    public func run(count: Int, _ work: @escaping @Sendable (Key) async -> Outcome) async {
        state.withLock { $0.isStopped = false }
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                for _ in 0..<count {
                    group.addTask {
                        while let key = await self.next() {
                            self.settle(key, await work(key))
                        }
                    }
                }
            }
        } onCancel: {
            stop()
        }
    }

    private func next() async -> Key? {
        await withCheckedContinuation { continuation in
            exchange { _, _ in continuation }
        }
    }

    private func settle(_ key: Key, _ outcome: Outcome) {
        change { queue, now in
            queue.finish(key)
            switch outcome {
            case .done: queue.forget(key)
            case .again(let delay):
                queue.forget(key)
                queue.add(key, due: now + delay, now: now)
            case .failed: queue.retry(key, now: now)
            }
        }
    }

    private func change(_ body: (inout WorkQueue<Key>, Duration) -> Void) {
        exchange { queue, now in
            body(&queue, now)
            return nil
        }
    }

    /// Changes the queue, takes note of a worker that has nothing to do, and hands out what is
    /// ready.
    private func exchange(
        _ body: (inout WorkQueue<Key>, Duration) -> CheckedContinuation<Key?, Never>?
    ) {
        let now = time.uptime
        let woken = state.withLock { state in
            if let waiting = body(&state.queue, now) { state.idle.append(waiting) }
            var woken: [(CheckedContinuation<Key?, Never>, Key?)] = []
            while !state.idle.isEmpty {
                if state.isStopped {
                    woken.append((state.idle.removeLast(), nil))
                } else if let key = state.queue.next(now: now) {
                    woken.append((state.idle.removeLast(), key))
                } else {
                    break
                }
            }
            arm(&state, now: now)
            return woken
        }
        for (worker, key) in woken { worker.resume(returning: key) }
    }

    /// Has the queue looked at again when its first delayed key is due.
    private func arm(_ state: inout State, now: Duration) {
        guard let due = state.queue.nextDue, !state.isStopped else { return }
        if let timer = state.timer {
            guard due < timer.due else { return }
            timer.task.cancel()
        }
        let time = self.time
        let task = Task { [weak self] in
            do { try await time.sleep(for: due - now) } catch { return }
            self?.timerFired(due)
        }
        state.timer = (due, task)
    }

    private func timerFired(_ due: Duration) {
        state.withLock { state in
            if state.timer?.due == due { state.timer = nil }
        }
        change { _, _ in }
    }

    private func stop() {
        state.withLock { state in
            state.isStopped = true
            state.timer?.task.cancel()
            state.timer = nil
        }
        change { _, _ in }
    }
}
