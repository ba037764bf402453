import StoreHistory
import Synchronization

/// Gives up on calls that take too long: who waits for ever learns nothing of the store.
final class Overdue: Sendable {
    private struct Waiting {
        var deadline: ContinuousClock.Instant
        var task: Task<Reply, Never>
    }

    private struct State {
        var waiting: [Int: Waiting] = [:]
        var next = 0
    }

    private let state = Mutex(State())
    private let patience: Duration

    /// - Parameter patience: How long a call may take.
    init(patience: Duration) { self.patience = patience }

    /// The reply of `work`, which is cancelled when it takes too long.
    func reply(_ work: @escaping @Sendable () async -> Reply) async -> Reply {
        let task = Task(operation: work)
        let number = state.withLock { state in
            state.next += 1
            state.waiting[state.next] = Waiting(deadline: .now + patience, task: task)
            return state.next
        }
        let reply = await task.value
        state.withLock { $0.waiting[number] = nil }
        return reply
    }

    /// Cancels what is overdue, again and again, until the task is cancelled.
    func run() async {
        while await pause(.milliseconds(100)) {
            let now = ContinuousClock.now
            let late = state.withLock { state in
                state.waiting.values.filter { $0.deadline < now }.map(\.task)
            }
            for task in late { task.cancel() }
        }
    }
}

/// False if the task was cancelled.
func pause(_ duration: Duration) async -> Bool {
    do {
        try await Task.sleep(for: duration)
        return true
    } catch {
        return false
    }
}
