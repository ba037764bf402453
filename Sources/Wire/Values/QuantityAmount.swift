extension Quantity {
    /// A decimal number: `mantissa` times ten to the power of `exponent`.
    ///
    /// Exact up to 36 digits; nanos of the largest 64 bit number have 28.
    public struct Amount: Sendable {
        public let mantissa: Int128
        public let exponent: Int

        public init(mantissa: Int128, exponent: Int) {
            self.mantissa = mantissa
            self.exponent = exponent
        }

        public static let zero = Amount(mantissa: 0, exponent: 0)

        public var isZero: Bool { mantissa == 0 }
        public var sign: Int { Int(mantissa.signum()) }
    }
}

extension Quantity.Amount {
    /// The number in units of ten to the power of `exponent`, rounded away from zero and held
    /// within 64 bits. O(difference of exponents), at most 38 steps.
    public func scaled(toExponent newExponent: Int) -> Int64 {
        if isZero { return 0 }
        let raised = rounded(toExponent: newExponent).raised(toExponent: newExponent)
        guard raised.exponent == newExponent else { return sign < 0 ? .min : .max }
        return Int64(clamping: raised.mantissa)
    }

    /// Without digits below ten to the power of `newExponent`; rounds away from zero.
    func rounded(toExponent newExponent: Int) -> Self {
        guard exponent < newExponent, mantissa != 0 else { return self }
        guard newExponent - exponent <= Self.digitsMax else {
            return Self(mantissa: mantissa.signum(), exponent: newExponent)
        }
        let (quotient, rest) = mantissa.quotientAndRemainder(
            dividingBy: powerOfTen(newExponent - exponent))
        return Self(mantissa: quotient + rest.signum(), exponent: newExponent)
    }

    /// The same number with its exponent as close above `newExponent` as the mantissa has room for.
    func raised(toExponent newExponent: Int) -> Self {
        if isZero { return Self(mantissa: 0, exponent: min(newExponent, exponent)) }
        var (mantissa, exponent) = (mantissa, exponent)
        while exponent > newExponent {
            let (product, overflows) = mantissa.multipliedReportingOverflow(by: 10)
            if overflows { break }
            (mantissa, exponent) = (product, exponent - 1)
        }
        return Self(mantissa: mantissa, exponent: exponent)
    }

    /// The same number times `factor`, cutting last digits if there is no other way.
    func multiplied(by factor: Int128) -> Self {
        var (mantissa, exponent) = (mantissa, exponent)
        while true {
            let (product, overflows) = mantissa.multipliedReportingOverflow(by: factor)
            if !overflows { return Self(mantissa: product, exponent: exponent) }
            let (quotient, rest) = mantissa.quotientAndRemainder(dividingBy: 10)
            (mantissa, exponent) = (quotient + rest.signum(), exponent + 1)
        }
    }

    /// Digits that every mantissa has room for.
    private static let digitsMax = 37

    /// No mantissa that was read is larger: there is room to multiply it by 100.
    static let mantissaReadMax = Int128(1_000_000_000_000_000_000) * 1_000_000_000_000_000_000

    public static func + (a: Self, b: Self) -> Self {
        if a.isZero { return b }
        if b.isZero { return a }
        let exponent = min(a.exponent, b.exponent)
        let (x, y) = (a.raised(toExponent: exponent), b.raised(toExponent: exponent))
        let common = max(x.exponent, y.exponent)
        let (sum, overflows) = x.rounded(toExponent: common).mantissa
            .addingReportingOverflow(y.rounded(toExponent: common).mantissa)
        if !overflows { return Self(mantissa: sum, exponent: common) }
        return a.rounded(toExponent: common + 1) + b.rounded(toExponent: common + 1)
    }

    public static func - (a: Self, b: Self) -> Self { a + -b }

    public static prefix func - (a: Self) -> Self {
        a.mantissa == .min
            ? -a.rounded(toExponent: a.exponent + 1)
            : Self(mantissa: -a.mantissa, exponent: a.exponent)
    }
}

extension Quantity.Amount: Comparable {
    public static func == (a: Self, b: Self) -> Bool { !(a < b) && !(b < a) }

    public static func < (a: Self, b: Self) -> Bool {
        guard a.sign == b.sign else { return a.sign < b.sign }
        if a.exponent == b.exponent { return a.mantissa < b.mantissa }
        let exponent = min(a.exponent, b.exponent)
        let (x, y) = (a.raised(toExponent: exponent), b.raised(toExponent: exponent))
        if x.exponent == y.exponent { return x.mantissa < y.mantissa }
        // The one that could not be raised so far is the greater in magnitude.
        return (x.exponent > y.exponent) == (a.sign < 0)
    }
}

/// Ten to the power of `exponent`, which is 0 to 37.
private func powerOfTen(_ exponent: Int) -> Int128 {
    var power: Int128 = 1
    for _ in 0..<exponent { power *= 10 }
    return power
}

extension Quantity.Amount {
    /// The text in canonical form: no fraction, and as few digits as the units allow.
    func canonicalText(_ format: Quantity.Format) -> String {
        if isZero { return "0" }
        let number = rounded(toExponent: -9).withoutTrailingZeros()
        switch format {
        case .binarySI: return number.binaryText() ?? number.decimalText()
        case .decimalSI: return number.decimalText()
        case .decimalExponent: return number.exponentText()
        }
    }

    private func withoutTrailingZeros() -> Self {
        var (mantissa, exponent) = (mantissa, exponent)
        while mantissa % 10 == 0 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
        return Self(mantissa: mantissa, exponent: exponent)
    }

    /// Nil if the number is less than 1024 or not whole.
    private func binaryText() -> String? {
        let whole = raised(toExponent: 0)
        guard whole.exponent == 0, whole.mantissa.magnitude >= 1024 else { return nil }
        var (mantissa, power) = (whole.mantissa, 0)
        while power < binarySuffixes.count - 1, mantissa % 1024 == 0 {
            (mantissa, power) = (mantissa / 1024, power + 1)
        }
        return "\(mantissa)\(binarySuffixes[power])"
    }

    private func decimalText() -> String {
        let number = inThousands().raised(toExponent: 18)
        guard number.exponent <= 18, number.exponent % 3 == 0 else { return exponentText() }
        return "\(number.mantissa)\(decimalSuffixes[number.exponent / 3 + 3])"
    }

    private func exponentText() -> String {
        let number = inThousands()
        return number.exponent == 0 ? "\(number.mantissa)" : "\(number.mantissa)e\(number.exponent)"
    }

    /// With an exponent that is a multiple of three.
    private func inThousands() -> Self {
        raised(toExponent: exponent - ((exponent % 3) + 3) % 3)
    }
}

private let binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
private let decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
