/// An amount of a resource, such as `250m` or `1Gi`, in Kubernetes' canonical form.
///
/// Two are equal if they are written alike; compare ``amount`` to compare what they are worth.
public struct Quantity: Hashable, Sendable {
    /// The units that a quantity is written in, and that sums keep.
    public enum Format: Sendable {
        /// `n u m k M G T P E`: powers of 1000.
        case decimalSI
        /// `e3`, `e-6`: powers of ten.
        case decimalExponent
        /// `Ki Mi Gi Ti Pi Ei`: powers of 1024.
        case binarySI
    }

    /// In canonical form.
    public let text: String

    /// `text` must be canonical, as it is in every tree.
    init(canonical text: String) { self.text = text }

    /// Reads a quantity as Kubernetes does.
    ///
    /// More than nine decimals are rounded away from zero, and binary units end at 2^63-1.
    ///
    /// - Complexity: O(*n*); no allocation if the text has up to 15 bytes.
    /// - Source: k8s.io/apimachinery, `resource.ParseQuantity`.
    public init(parsing text: some StringProtocol) throws(QuantityError) {
        try self.init(utf8: text.utf8)
    }

    /// Reads a quantity from its UTF-8 bytes; as ``init(parsing:)``.
    public init(utf8 bytes: some Collection<UInt8>) throws(QuantityError) {
        let parsed = try ParsedQuantity(bytes)
        if parsed.keepsText {
            text = String(decoding: bytes, as: UTF8.self)
        } else {
            text = parsed.amount.canonicalText(parsed.format)
        }
    }

    /// The quantity of an amount, written in `format` as far as that loses nothing.
    public init(_ amount: Amount, format: Format = .decimalSI) {
        text = amount.canonicalText(format)
    }

    /// A whole number of units.
    public init(_ units: Int, format: Format = .decimalSI) {
        self.init(Amount(mantissa: Int128(units), exponent: 0), format: format)
    }

    /// A number of thousandths.
    public init(milli: Int, format: Format = .decimalSI) {
        self.init(Amount(mantissa: Int128(milli), exponent: -3), format: format)
    }
}

extension Quantity {
    private var parsed: ParsedQuantity {
        do {
            return try ParsedQuantity(text.utf8)
        } catch {
            // No parser lets such text into a tree; one put together by hand counts nothing.
            return ParsedQuantity()
        }
    }

    /// What it is worth. O(length of ``text``).
    public var amount: Amount { parsed.amount }

    public var format: Format { parsed.format }

    /// In whole units, rounded away from zero and held within 64 bits.
    public var units: Int64 { amount.scaled(toExponent: 0) }

    /// In thousandths, rounded away from zero and held within 64 bits.
    public var milliunits: Int64 { amount.scaled(toExponent: -3) }

    public var isZero: Bool { amount.isZero }

    /// -1, 0 or 1.
    public var sign: Int { amount.sign }

    /// -1, 0 or 1, as this is worth less, the same or more.
    public func compare(_ other: Quantity) -> Int {
        let (a, b) = (amount, other.amount)
        return a < b ? -1 : b < a ? 1 : 0
    }

    /// The sum, in the format of `a`, or of `b` if `a` is zero.
    public static func + (a: Quantity, b: Quantity) -> Quantity { a.combined(with: b, +) }

    /// The difference, in the format of `a`, or of `b` if `a` is zero.
    public static func - (a: Quantity, b: Quantity) -> Quantity { a.combined(with: b, -) }

    public static func += (a: inout Quantity, b: Quantity) { a = a + b }

    public static func -= (a: inout Quantity, b: Quantity) { a = a - b }

    private func combined(
        with other: Quantity, _ operation: (Amount, Amount) -> Amount
    ) -> Quantity {
        let (a, b) = (parsed, other.parsed)
        let format = a.amount.isZero ? b.format : a.format
        return Quantity(operation(a.amount, b.amount), format: format)
    }
}

/// Why a text is no quantity, in Kubernetes' words.
public enum QuantityError: Error, Equatable, CustomStringConvertible {
    /// It does not look like one.
    case format
    /// Its suffix means nothing.
    case suffix

    public var description: String {
        switch self {
        case .format:
            "quantities must match the regular expression "
                + "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        case .suffix: "unable to parse quantity's suffix"
        }
    }
}

extension Quantity: FieldValue {
    public init?(_ value: Value) {
        guard case .string(let text) = value else { return nil }
        self.text = text
    }
    public var value: Value { .string(text) }
    public static var zero: Quantity { Quantity(canonical: "0") }
}
