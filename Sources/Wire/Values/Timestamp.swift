/// A point in time: seconds since 1970 and nanoseconds within the second.
public struct Timestamp: Hashable, Sendable, Comparable {
    public let seconds: Int64
    /// 0 to 999,999,999.
    public let nanoseconds: Int32

    public init(seconds: Int64, nanoseconds: Int32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    public static func < (a: Timestamp, b: Timestamp) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }
}

extension Timestamp {
    /// The year 1, which is Go's empty time: Kubernetes writes it as null.
    public static let goZero = Timestamp(seconds: -62_135_596_800)

    /// Without what is finer than a second, which times other than MicroTime never keep.
    public var wholeSeconds: Timestamp { Timestamp(seconds: seconds) }

    /// Without what is finer than a microsecond.
    public var wholeMicroseconds: Timestamp {
        Timestamp(seconds: seconds, nanoseconds: nanoseconds / 1000 * 1000)
    }

    public static func - (a: Timestamp, b: Timestamp) -> Duration {
        .seconds(a.seconds) - .seconds(b.seconds)
            + .nanoseconds(Int64(a.nanoseconds) - Int64(b.nanoseconds))
    }

    /// Traps if the result is outside 64 bits of seconds, 292 billion years from now.
    public static func + (time: Timestamp, duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = Int64(time.nanoseconds) + attoseconds / 1_000_000_000
        let carried = flooredQuotient(nanoseconds, 1_000_000_000)
        return Timestamp(
            seconds: time.seconds + seconds + carried,
            nanoseconds: Int32(nanoseconds - carried * 1_000_000_000))
    }

    public static func - (time: Timestamp, duration: Duration) -> Timestamp {
        time + (.zero - duration)
    }
}

extension Timestamp: FieldValue {
    public init?(_ value: Value) {
        guard case .timestamp(let timestamp) = value else { return nil }
        self = timestamp
    }
    public var value: Value { .timestamp(self) }
    public static var zero: Timestamp { Timestamp(seconds: 0) }
}
