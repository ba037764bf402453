/// A number or a string, such as a port or a percentage.
public enum IntOrString: Hashable, Sendable {
    /// Within the bounds of 32 bits.
    case int(Int)
    case string(String)
}

extension IntOrString {
    /// The number, or the string as it is.
    public var text: String {
        switch self {
        case .int(let int): String(int)
        case .string(let string): string
        }
    }

    /// The number, or `total` times the percentage, rounded up or down.
    ///
    /// - Throws: ``IntOrStringError`` if it is a string and no percentage.
    public func scaled(to total: Int, roundingUp: Bool) throws(IntOrStringError) -> Int {
        switch self {
        case .int(let int): return int
        case .string(let string):
            guard string.utf8.last == UInt8(ascii: "%") else {
                throw IntOrStringError(reason: "invalid type: string is not a percentage")
            }
            guard let percent = Int(string.dropLast()) else {
                throw IntOrStringError(
                    reason: "invalid value \(goQuoted(string.utf8)): strconv.Atoi: parsing "
                        + "\(goQuoted(string.dropLast().utf8)): invalid syntax")
            }
            let share = (Double(percent) * Double(total) / 100)
                .rounded(roundingUp ? .up : .down)
            return Int(exactly: share) ?? (share < 0 ? .min : .max)
        }
    }
}

/// Why a number or string has no scaled value.
public struct IntOrStringError: Error, Equatable, CustomStringConvertible {
    let reason: String
    public var description: String { "invalid value for IntOrString: \(reason)" }
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
