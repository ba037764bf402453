/// The keys from `start` up to, but without, `end`, in the order of their bytes.
public struct KeyRange: Hashable, Sendable {
    public let start: [UInt8]
    /// The first key beyond the range; nil if the range has no upper end.
    public let end: [UInt8]?

    public init(from start: [UInt8], to end: [UInt8]?) { (self.start, self.end) = (start, end) }

    /// Every key there is.
    public static let all = KeyRange(from: [], to: nil)

    /// One key alone.
    public static func key(_ key: [UInt8]) -> KeyRange { KeyRange(from: key, to: key + [0]) }

    /// Every key that begins with `prefix`.
    public static func prefix(_ prefix: [UInt8]) -> KeyRange {
        guard let last = prefix.lastIndex(where: { $0 != 0xFF }) else {
            return KeyRange(from: prefix, to: nil)
        }
        var end = Array(prefix[...last])
        end[last] += 1
        return KeyRange(from: prefix, to: end)
    }

    /// The key, if the range can hold no other.
    public var onlyKey: [UInt8]? {
        guard let end, end.count == start.count + 1, end.last == 0, end.starts(with: start) else {
            return nil
        }
        return start
    }

    public func contains(_ key: RawSpan) -> Bool {
        orderOfBytes(key, start.raw) >= 0 && endsAfter(key)
    }

    public func contains(_ key: [UInt8]) -> Bool { contains(key.raw) }

    /// Whether the range's end lies beyond `key`.
    func endsAfter(_ key: RawSpan) -> Bool {
        guard let end else { return true }
        return orderOfBytes(key, end.raw) < 0
    }
}
