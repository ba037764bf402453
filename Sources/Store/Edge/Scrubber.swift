internal import StoreCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// How often the log's files are read through, to find damage before it is needed.
public struct ScrubPlan: Sendable {
    /// From the start of a store to the first time.
    public var delay = Duration.seconds(60)
    /// From the beginning of one time to that of the next.
    public var interval = Duration.seconds(24 * 3600)
    /// The disk is asked for no more.
    public var bytesPerSecond = 4 * 1024 * 1024

    public init() {}
}

/// The thread that reads all of the log now and then, slowly, and tells of what is damaged. It asks
/// the disk itself where it can, not the system's cache, and leaves that as it is.
final class Scrubber: Sendable {
    private let shared: Shared
    private let plan: ScrubPlan
    private let isStopped = Monitor(false)
    private let worker = Mutex<Worker?>(nil)

    init(_ shared: Shared, _ plan: ScrubPlan) { (self.shared, self.plan) = (shared, plan) }

    func start() {
        worker.withLock { worker in
            worker = Worker { [self] in run() }
        }
    }

    func stop() {
        isStopped.change { stopped in
            stopped = true
            return ((), wake: true)
        }
        worker.withLock { $0 }?.join()
    }

    // MARK: The thread

    private func run() {
        // On Linux that is this thread's alone. Refused or not, it reads slowly.
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
        var next = ContinuousClock.now + plan.delay
        while sleep(until: next) {
            next = max(next + plan.interval, .now)
            if readThrough() { shared.noteSound() }
        }
    }

    /// Returns whether to go on.
    private func sleep(until time: ContinuousClock.Instant) -> Bool {
        isStopped.wait(atMost: max(.zero, time - .now)) { $0 }
        return !isStopped.change { ($0, wake: false) }
    }

    /// Returns whether all of the log was read, and nothing was wrong with it.
    private func readThrough() -> Bool {
        var isSound = true
        // Segments are looked up again each time: one that is gone by then keeps no file in use.
        var sequence: UInt32 = 0
        let buffer = PageBuffer()
        while let segment = shared.state.withLock({ $0.segments.first(after: sequence) }) {
            sequence = segment.sequence
            let finding = check(segment, buffer)
            if finding != .sound { isSound = false }
            guard case .damaged(let damage) = finding else { continue }
            // What is damaged stays so; what was read wrong once need not be.
            guard finding == check(segment, buffer) else { continue }
            shared.note(.damaged(file: segment.path, damage))
        }
        return isSound
    }

    private enum Finding: Equatable {
        case sound
        case damaged(LogDamage)
        /// There was no time, or no way to read it.
        case unread
    }

    private func check(_ segment: Segment, _ buffer: PageBuffer) -> Finding {
        guard let end = end(of: segment) else { return .sound }
        guard let file = ScrubbedFile(segment.descriptor) else { return .unread }
        var scrub = SegmentScrub(of: segment.header)
        do throws(LogDamage) {
            while scrub.offset < end, !scrub.isSealed {
                guard let count = file.read(into: buffer, at: scrub.offset) else { return .unread }
                guard count > 0 else {
                    throw LogDamage(offset: scrub.offset, reason: .unreadable)
                }
                let wanted = min(count, end - scrub.offset)
                try buffer.withBytes(wanted) { bytes throws(LogDamage) in try scrub.take(bytes) }
                shared.scrubbedBytes.add(wanted, ordering: .relaxed)
                guard sleep(until: .now + pause(wanted)) else { return .unread }
            }
            try scrub.finish()
        } catch {
            return .damaged(error)
        }
        return .sound
    }

    private func pause(_ bytes: Int) -> Duration {
        .microseconds(bytes * 1_000_000 / max(1, plan.bytesPerSecond))
    }

    /// How far a segment has been written; nil if nothing of it has.
    private func end(of segment: Segment) -> Int? {
        let end = shared.state.withLock { $0.writtenEnd }
        if segment.sequence < end.segment { return segment.header.fileBytes }
        return segment.sequence == end.segment ? end.offset : nil
    }
}

/// A segment's file, opened once more, past the system's cache if the file system can do that.
private struct ScrubbedFile: ~Copyable {
    private let descriptor: Int32

    init?(_ other: Int32) {
        // The same file, whatever its name is by now.
        let path = "/proc/self/fd/\(other)"
        let direct = unsafe open(path, O_RDONLY | O_CLOEXEC | Self.direct)
        descriptor = direct >= 0 ? direct : unsafe open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    /// O_DIRECT, which the headers have for those who ask for it alone.
    #if arch(arm64)
        private static let direct: Int32 = 0o200000
    #else
        private static let direct: Int32 = 0o40000
    #endif

    /// Returns how many bytes there are: none if the disk does not give them. Nil if it cannot be
    /// asked in this way.
    func read(into buffer: PageBuffer, at offset: Int) -> Int? {
        while true {
            let count = buffer.read(descriptor, at: offset)
            if count >= 0 { return count }
            if errno == EINVAL { return nil }
            if errno != EINTR { return 0 }
        }
    }
}

/// Memory that the disk can write to.
@safe private final class PageBuffer {
    static let byteCount = 128 * 1024
    private static let pageBytes = 4096
    // `byteCount` bytes from init to deinit.
    private let base: UnsafeMutableRawPointer

    init() {
        unsafe base = .allocate(byteCount: Self.byteCount, alignment: Self.pageBytes)
    }

    deinit { unsafe base.deallocate() }

    func read(_ descriptor: Int32, at offset: Int) -> Int {
        unsafe pread(descriptor, base, Self.byteCount, off_t(offset))
    }

    func withBytes<Failure: Error>(
        _ count: Int, _ body: (RawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        try body(unsafe UnsafeRawBufferPointer(start: base, count: count).bytes)
    }
}

extension SegmentSet {
    fileprivate func first(after sequence: UInt32) -> Segment? {
        segments.first { $0.sequence > sequence }
    }
}
