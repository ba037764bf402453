/// The pods that wait for a node. Knows no clock: time is a duration since any fixed moment.
///
/// A pod is active (to be tried next), backing off (to be tried after a pause), unschedulable
/// (to be tried when something changes, or after ``unschedulableMax``), or gated. The queue holds
/// each pod the engine knows at most once, so it is as large as the cluster's pods allow.
struct SchedulingQueue {
    /// First pause after a try in vain; it doubles with each further one.
    static let backoffFirst = Duration.seconds(1)
    static let backoffMax = Duration.seconds(10)
    /// How long a pod waits for a change before it is tried again without one.
    static let unschedulableMax = Duration.seconds(300)

    /// More important first, then who has waited longest, then who is oldest.
    private struct ActiveKey: Comparable {
        var priority: Int32
        var queuedAt: Duration
        var createdAtSeconds: Int64
        var number: UInt64

        static func < (one: ActiveKey, other: ActiveKey) -> Bool {
            if one.priority != other.priority { return one.priority > other.priority }
            if one.queuedAt != other.queuedAt { return one.queuedAt < other.queuedAt }
            if one.createdAtSeconds != other.createdAtSeconds {
                return one.createdAtSeconds < other.createdAtSeconds
            }
            return one.number < other.number
        }
    }

    /// Whose time comes first; in the order of their numbers, if at the same moment.
    private struct Deadline: Comparable {
        var at: Duration
        var number: UInt64

        static func < (one: Deadline, other: Deadline) -> Bool {
            one.at != other.at ? one.at < other.at : one.number < other.number
        }
    }

    private var active = EntryHeap<ActiveKey>()
    private var backingOff = EntryHeap<Deadline>()
    private var unschedulable = EntryHeap<Deadline>()
    private(set) var gatedCount = 0
    /// Classes that have pods among the unschedulable, in no order.
    private(set) var waitingClasses: [PodClass] = []

    var activeCount: Int { active.count }
    var backingOffCount: Int { backingOff.count }
    var unschedulableCount: Int { unschedulable.count }

    /// When the next pod becomes active by the passing of time alone.
    var nextDeadline: Duration? {
        [backingOff.first?.key.at, unschedulable.first?.key.at].compactMap { $0 }.min()
    }

    /// Adds a pod that is in none of the heaps, to be tried as soon as its pause is over.
    mutating func enqueue(_ entry: PodEntry, now: Duration) {
        if entry.description.isGated {
            entry.standing = .gated
            gatedCount += 1
            return
        }
        let pauseEnd = entry.lastAttemptAt + Self.pause(afterAttempts: entry.attempts)
        if entry.attempts > 0, pauseEnd > now {
            entry.standing = .backingOff
            backingOff.insert(entry, Deadline(at: pauseEnd, number: entry.number))
        } else {
            activate(entry)
        }
    }

    /// Adds a pod that fits nowhere.
    mutating func park(_ entry: PodEntry, now: Duration) {
        entry.standing = .unschedulable
        entry.queuedAt = now
        let deadline = Deadline(at: now + Self.unschedulableMax, number: entry.number)
        unschedulable.insert(entry, deadline)
        let podClass = entry.podClass
        entry.waitingIndex = podClass.waiting.count
        podClass.waiting.append(entry)
        guard podClass.waitingPosition < 0 else { return }
        podClass.waitingPosition = waitingClasses.count
        waitingClasses.append(podClass)
    }

    /// Takes the next pod to try.
    mutating func popActive() -> PodEntry? { active.popFirst() }

    /// Takes a pod out, wherever it waits. Nothing happens to one that does not wait.
    mutating func remove(_ entry: PodEntry) {
        switch entry.standing {
        case .active: active.remove(entry)
        case .backingOff: backingOff.remove(entry)
        case .unschedulable: unpark(entry)
        case .gated: gatedCount -= 1
        case .ignored, .assumed, .bound, .elsewhere: return
        }
        entry.standing = .ignored
    }

    /// Makes those active whose pause is over or who have waited too long.
    mutating func advance(now: Duration) {
        while let (key, entry) = backingOff.first, key.at <= now {
            backingOff.remove(entry)
            activate(entry)
        }
        while let (key, entry) = unschedulable.first, key.at <= now {
            unpark(entry)
            enqueue(entry, now: now)
        }
    }

    /// Something changed for all pods of a class that fit nowhere.
    mutating func retry(_ podClass: PodClass, now: Duration) {
        while let entry = podClass.waiting.last {
            unpark(entry)
            enqueue(entry, now: now)
        }
    }

    private mutating func activate(_ entry: PodEntry) {
        entry.standing = .active
        let pod = entry.description
        active.insert(entry, ActiveKey(priority: pod.priority, queuedAt: entry.queuedAt,
                                       createdAtSeconds: pod.createdAtSeconds,
                                       number: entry.number))
    }

    private mutating func unpark(_ entry: PodEntry) {
        unschedulable.remove(entry)
        let podClass = entry.podClass
        let last = podClass.waiting.removeLast()
        if last !== entry {
            podClass.waiting[entry.waitingIndex] = last
            last.waitingIndex = entry.waitingIndex
        }
        entry.waitingIndex = -1
        guard podClass.waiting.isEmpty else { return }
        let lastClass = waitingClasses.removeLast()
        if lastClass !== podClass {
            waitingClasses[podClass.waitingPosition] = lastClass
            lastClass.waitingPosition = podClass.waitingPosition
        }
        podClass.waitingPosition = -1
    }

    private static func pause(afterAttempts attempts: Int) -> Duration {
        guard attempts > 0 else { return .zero }
        // Four doublings already reach the largest pause.
        let pause = backoffFirst * (1 << min(attempts - 1, 4))
        return min(pause, backoffMax)
    }
}
