/// Any JSON, kept as its bytes.
public struct RawJSON: Hashable, Sendable {
    public var bytes: [UInt8]

    public init(bytes: [UInt8]) { self.bytes = bytes }
}

extension RawJSON: FieldValue {
    public init?(_ value: Value) {
        guard case .bytes(let bytes) = value else { return nil }
        self.bytes = bytes
    }
    public var value: Value { .bytes(bytes) }
    public static var zero: RawJSON { RawJSON(bytes: []) }
}
