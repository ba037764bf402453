public import APIClient
import Synchronization
public import Wire

/// Time that stands still until a test moves it.
public final class ManualTime: TimeSource {
    private struct Sleeper {
        let due: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var uptime = Duration.zero
        var sleepers: [UInt64: Sleeper] = [:]
        var count: UInt64 = 0
    }

    private let start: Timestamp
    private let state = Mutex(State())

    /// 2026-01-01T00:00:00Z if nothing else is said.
    public init(start: Timestamp = Timestamp(seconds: 1_767_225_600)) { self.start = start }

    public var now: Timestamp { start + uptime }
    public var uptime: Duration { state.withLock { $0.uptime } }

    /// Tasks that sleep.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    public func sleep(for duration: Duration) async throws {
        let id = state.withLock { state in
            state.count += 1
            return state.count
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                register(id, duration, continuation)
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    private func register(
        _ id: UInt64, _ duration: Duration, _ continuation: CheckedContinuation<Void, any Error>
    ) {
        let isCancelled = Task.isCancelled
        let isOver = state.withLock { state in
            if isCancelled || duration <= .zero { return true }
            state.sleepers[id] = Sleeper(
                due: state.uptime + duration, continuation: continuation)
            return false
        }
        if isCancelled {
            continuation.resume(throwing: CancellationError())
        } else if isOver {
            continuation.resume()
        }
    }

    /// Moves the time and wakes those whose time has come, the earliest first.
    public func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.uptime += duration
            let due = state.sleepers.filter { $0.value.due <= state.uptime }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.sorted { $0.due < $1.due }
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }
}

/// Lets other tasks run until `condition` holds. False if it does not after many turns.
public func eventually(
    turnsMax: Int = 200_000, _ condition: () async -> Bool
) async -> Bool {
    for _ in 0..<turnsMax {
        if await condition() { return true }
        await Task.yield()
    }
    return await condition()
}
