internal import StoreCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Counts proposals in flight and holds the next one back while there are too many.
@safe final class Flight: @unchecked Sendable {
    // Made in init, destroyed in deinit; semaphores may be used by any thread.
    private let free: UnsafeMutablePointer<sem_t>
    private let error = Mutex<StoreError?>(nil)
    private let max: Int

    init(max: Int) {
        self.max = max
        unsafe free = .allocate(capacity: 1)
        unsafe sem_init(free, 0, UInt32(max))
    }

    deinit {
        unsafe sem_destroy(free)
        unsafe free.deallocate()
    }

    func takeOff() { while unsafe sem_wait(free) != 0 {} }
    func land() { unsafe sem_post(free) }
    func note(_ failure: StoreError) { error.withLock { $0 = $0 ?? failure } }

    /// Waits until all have landed.
    func finish() throws(StoreError) {
        for _ in 0..<max { takeOff() }
        if let failure = error.withLock({ $0 }) { throw failure }
    }
}
