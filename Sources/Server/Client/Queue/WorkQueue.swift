import DequeModule
import HeapModule

/// Which keys wait to be worked on, and when. Knows no tasks and no clock.
///
/// A key waits at most once, is never given out twice at a time, and comes again if it was added
/// while it was worked on. Failed keys come back after a pause that doubles each time.
/// Times are `uptime`s (``TimeSource/uptime``).
public struct WorkQueue<Key: Hashable & Sendable>: Sendable {
    public struct Limits: Sendable {
        /// Keys that wait, are delayed or failed. More are dropped, and ``hasDropped`` tells.
        public var keysMax: Int
        public var backoffFirst: Duration
        public var backoffMax: Duration

        public init(
            keysMax: Int = 200_000, backoffFirst: Duration = .milliseconds(5),
            backoffMax: Duration = .seconds(1000)
        ) {
            self.keysMax = keysMax
            self.backoffFirst = backoffFirst
            self.backoffMax = backoffMax
        }
    }

    private struct Delayed: Comparable {
        let due: Duration
        let key: Key
        static func < (a: Delayed, b: Delayed) -> Bool { a.due < b.due }
        static func == (a: Delayed, b: Delayed) -> Bool { a.due == b.due && a.key == b.key }
    }

    private let limits: Limits
    /// In order of arrival.
    private var ready: Deque<Key> = []
    /// Waiting in `ready`, or to be put there when the work on it ends.
    private var wanted: Set<Key> = []
    private var atWork: Set<Key> = []
    private var delayed = Heap<Delayed>()
    /// The time that counts for a delayed key; other heap entries of it are stale.
    private var dues: [Key: Duration] = [:]
    private var failures: [Key: Int] = [:]
    /// A key was dropped since this was last set to false: somebody must add all keys again.
    public var hasDropped = false

    public init(_ limits: Limits = Limits()) { self.limits = limits }

    /// Nothing waits, is delayed or worked on.
    public var isIdle: Bool { wanted.isEmpty && atWork.isEmpty && dues.isEmpty }

    /// Keys that wait now.
    public var depth: Int { ready.count }

    public mutating func add(_ key: Key) {
        guard !wanted.contains(key) else { return }
        guard wanted.count < limits.keysMax else { return hasDropped = true }
        wanted.insert(key)
        if !atWork.contains(key) { ready.append(key) }
    }

    /// Adds `key` once `due` has come, or sooner if that was asked for before.
    public mutating func add(_ key: Key, due: Duration, now: Duration) {
        guard due > now else { return add(key) }
        if let earlier = dues[key], earlier <= due { return }
        guard dues.count < limits.keysMax else { return hasDropped = true }
        dues[key] = due
        delayed.insert(Delayed(due: due, key: key))
    }

    /// Adds `key` after a pause that doubles with each failure since ``forget(_:)``.
    public mutating func retry(_ key: Key, now: Duration) {
        let count = failures[key, default: 0]
        if count > 0 || failures.count < limits.keysMax { failures[key] = count + 1 }
        add(key, due: now + limits.backoff(afterFailures: count), now: now)
    }

    /// `key` was worked on with success: its next pause is the first one again.
    public mutating func forget(_ key: Key) { failures[key] = nil }

    /// How often `key` failed since ``forget(_:)``.
    public func failureCount(_ key: Key) -> Int { failures[key, default: 0] }

    /// The next key to work on, or nil. ``finish(_:)`` must follow.
    public mutating func next(now: Duration) -> Key? {
        promoteDue(now: now)
        guard let key = ready.popFirst() else { return nil }
        wanted.remove(key)
        atWork.insert(key)
        return key
    }

    /// The work on `key` has ended.
    public mutating func finish(_ key: Key) {
        atWork.remove(key)
        if wanted.contains(key) { ready.append(key) }
    }

    /// When the first of the delayed keys is due.
    public var nextDue: Duration? { delayed.min?.due }

    private mutating func promoteDue(now: Duration) {
        while let first = delayed.min, first.due <= now {
            delayed.removeMin()
            guard dues[first.key] == first.due else { continue }
            dues[first.key] = nil
            add(first.key)
        }
    }
}

extension WorkQueue.Limits {
    /// `backoffFirst` doubled `count` times, but at most `backoffMax`.
    func backoff(afterFailures count: Int) -> Duration {
        var pause = backoffFirst
        for _ in 0..<min(count, 40) where pause < backoffMax { pause *= 2 }
        return min(pause, backoffMax)
    }
}
