private import Glibc
public import Wire

/// Where an edge gets its time from: the machine, or a test that moves it by hand.
public protocol TimeSource: Sendable {
    /// The time of day, for what is written into objects.
    var now: Timestamp { get }
    /// Time since some moment before now, never moving back, for waiting and measuring.
    var uptime: Duration { get }
    /// Returns after `duration`, or throws `CancellationError` once the task is cancelled.
    func sleep(for duration: Duration) async throws
}

/// The machine's time.
public struct SystemTime: TimeSource {
    private static let start = ContinuousClock.now

    public init() {}

    public var now: Timestamp { Timestamp.ofDay() }
    public var uptime: Duration { SystemTime.start.duration(to: .now) }

    public func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration)
    }
}

extension Timestamp {
    fileprivate static func ofDay() -> Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }
}
