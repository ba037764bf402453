#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// A value behind a lock, with threads that sleep until it has changed.
///
/// Synchronization.Mutex has no condition to wait on; this has one, and costs a little more.
@safe final class Monitor<State>: @unchecked Sendable {
    // Both are made in init, freed in deinit, and never move. `state` is used under the lock only.
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    init(_ state: sending State) {
        self.state = state
        unsafe lock = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(lock)
        unsafe condition.deallocate()
        unsafe lock.deallocate()
    }

    /// Changes the state. If `body` returns true for its second value, those who wait look again.
    func change<Result>(_ body: (inout State) -> (Result, wake: Bool)) -> Result {
        unsafe pthread_mutex_lock(lock)
        let (result, wake) = body(&state)
        unsafe pthread_mutex_unlock(lock)
        if wake { unsafe pthread_cond_broadcast(condition) }
        return result
    }

    /// Sleeps until `body` returns something, or `limit` has passed.
    func wait(atMost limit: Duration, until body: (inout State) -> Bool) {
        var end = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &end)
        let (seconds, attoseconds) = limit.components
        let nanoseconds = end.tv_nsec + Int(attoseconds / 1_000_000_000)
        end.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        while !body(&state) {
            if unsafe pthread_cond_timedwait(condition, lock, &end) == ETIMEDOUT { return }
        }
    }

    /// Sleeps until `body` returns something.
    func wait<Result>(until body: (inout State) -> Result?) -> Result {
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        while true {
            if let result = body(&state) { return result }
            unsafe pthread_cond_wait(condition, lock)
        }
    }
}

/// A thread that runs one function, and can be waited for.
@safe final class Worker: @unchecked Sendable {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
    private let thread: pthread_t

    init(_ run: @escaping @Sendable () -> Void) {
        let body = unsafe Unmanaged.passRetained(Body(run)).toOpaque()
        var thread = pthread_t()
        let code = unsafe pthread_create(&thread, nil, { argument in
            guard let argument = unsafe argument else { return nil }
            // Balances the retain of the thread that made this one.
            unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }, body)
        precondition(code == 0, "no thread can be made")
        self.thread = thread
    }

    /// Lets other threads run, which may be waiting for a lock.
    static func yield() { sched_yield() }

    /// Returns when the function has returned; at once, if called by the thread itself, which may
    /// hold the last reference to what waits for it. To be called once.
    func join() { Self.join([self]) }

    /// The same for several, of which none is waited for if one of them calls: another may wait for
    /// that one.
    static func join(_ workers: [Worker]) {
        let isOne = workers.contains { pthread_equal(pthread_self(), $0.thread) != 0 }
        for worker in workers {
            if isOne { pthread_detach(worker.thread) } else { pthread_join(worker.thread, nil) }
        }
    }
}
