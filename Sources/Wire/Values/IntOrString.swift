/// A number or a string, such as a port or a percentage.
public enum IntOrString: Hashable, Sendable {
    /// Within the bounds of 32 bits.
    case int(Int)
    case string(String)
}

extension IntOrString: FieldValue {
    public init?(_ value: Value) {
        switch value {
        case .int(let int): self = .int(Int(int))
        case .string(let string): self = .string(string)
        default: return nil
        }
    }
    public var value: Value {
        switch self {
        case .int(let int): .int(Int64(int))
        case .string(let string): .string(string)
        }
    }
    public static var zero: IntOrString { .int(0) }
}
