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

extension Timestamp: FieldValue {
    public init?(_ value: Value) {
        guard case .timestamp(let timestamp) = value else { return nil }
        self = timestamp
    }
    public var value: Value { .timestamp(self) }
    public static var zero: Timestamp { Timestamp(seconds: 0) }
}
