/// A quantity as it was read: its worth, its units, and whether the text is canonical as it stands.
struct ParsedQuantity {
    private(set) var amount = Quantity.Amount.zero
    private(set) var format = Quantity.Format.decimalSI
    /// Kubernetes keeps texts of up to 18 digits that are close enough to canonical, `+5` and
    /// `1.500` among them.
    private(set) var keepsText = false

    /// Zero.
    init() {}

    init(_ bytes: some Collection<UInt8>) throws(QuantityError) {
        guard !bytes.isEmpty else { throw .format }
        var scanner = QuantityScanner(rest: bytes[...])
        scanner.scanNumber()
        let suffix = try scanner.scanSuffix()
        format = suffix.format
        let exponent = suffix.powerOfTen + scanner.exponent
        let number = Quantity.Amount(mantissa: scanner.mantissa, exponent: exponent)
            .multiplied(by: Int128(1) << Int128(suffix.powerOfTwo))
        if exponent >= -9, scanner.isShort(with: suffix) {
            amount = number
            keepsText = scanner.isNearlyCanonical(with: suffix)
        } else {
            bound(number)
        }
        if bytes.first == UInt8(ascii: "-") { amount = -amount }
    }

    /// Takes a number that may be too fine or too large.
    private mutating func bound(_ number: Quantity.Amount) {
        amount = number.rounded(toExponent: -9)
        guard format == .binarySI, !amount.isZero else { return }
        let largest = Quantity.Amount(mantissa: Int128(Int64.max), exponent: 0)
        if largest < amount { amount = largest }
        if amount < Quantity.Amount(mantissa: 1, exponent: 0) { format = .decimalSI }
    }
}

/// Reads the parts of a quantity one after the other.
private struct QuantityScanner<Bytes: Collection<UInt8>> where Bytes.SubSequence == Bytes {
    var rest: Bytes
    private(set) var mantissa: Int128 = 0
    /// Of ten; below zero if there is a fraction.
    private(set) var exponent = 0
    /// Without leading zeros, but at least one.
    private(set) var integerDigits = 1
    private(set) var fractionDigits = 0
    private(set) var hasLeadingDigit = false
    /// Something other than zero was cut off beyond the digits that a mantissa has room for.
    private var hasRest = false

    init(rest: Bytes) { self.rest = rest }

    /// `[+-]? digits* [. digits*]?`
    mutating func scanNumber() {
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        rest = rest.drop { $0 == UInt8(ascii: "0") }
        let digits = scanDigits(inFraction: false)
        hasLeadingDigit = digits > 0
        integerDigits = max(digits, 1)
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            fractionDigits = scanDigits(inFraction: true)
        }
        if hasRest { mantissa += 1 }
    }

    private mutating func scanDigits(inFraction: Bool) -> Int {
        let limit = Quantity.Amount.mantissaReadMax / 10
        var count = 0
        while let digit = rest.first.flatMap(decimalDigit) {
            if mantissa < limit {
                mantissa = mantissa * 10 + Int128(digit)
                if inFraction { exponent -= 1 }
            } else {
                if digit != 0 { hasRest = true }
                if !inFraction { exponent += 1 }
            }
            count += 1
            rest.removeFirst()
        }
        return count
    }

    /// `[eEinumkKMGTP]* [+-]? digits*`, to the end.
    mutating func scanSuffix() throws(QuantityError) -> QuantitySuffix {
        let suffix = rest
        rest = rest.drop { isSuffixLetter($0) }
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        rest = rest.drop { decimalDigit($0) != nil }
        guard rest.isEmpty else { throw .format }
        guard let known = QuantitySuffix(suffix) else { throw .suffix }
        return known
    }
}

extension QuantityScanner {
    /// Whether Kubernetes reads the number in 64 bits, without bounding it.
    func isShort(with suffix: QuantitySuffix) -> Bool {
        guard suffix.format == .binarySI else { return integerDigits + fractionDigits <= 18 }
        return fractionDigits == 0 && integerDigits + suffix.powerOfTwo * 3 / 10 <= 14
    }

    /// Whether Kubernetes takes a short text for canonical.
    func isNearlyCanonical(with suffix: QuantitySuffix) -> Bool {
        guard suffix.format != .binarySI else { return mantissa & 7 != 0 }
        return (suffix.powerOfTen + exponent) % 3 == 0 && hasLeadingDigit && mantissa % 1000 != 0
    }
}

private func decimalDigit(_ byte: UInt8) -> UInt8? {
    let digit = byte &- UInt8(ascii: "0")
    return digit <= 9 ? digit : nil
}

private func isSuffixLetter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "i"), UInt8(ascii: "n"),
        UInt8(ascii: "u"), UInt8(ascii: "m"), UInt8(ascii: "k"), UInt8(ascii: "K"),
        UInt8(ascii: "M"), UInt8(ascii: "G"), UInt8(ascii: "T"), UInt8(ascii: "P"): true
    default: false
    }
}

/// What stands behind the number: `m`, `Gi`, `e3`.
private struct QuantitySuffix {
    var format = Quantity.Format.decimalSI
    var powerOfTen = 0
    var powerOfTwo = 0

    /// Exponents beyond this mean nothing to anybody, and sums of two must not overflow.
    private static let exponentMax = 1 << 30

    /// Nil if there is no such suffix.
    init?(_ bytes: some Collection<UInt8>) {
        guard let first = bytes.first else { return }
        let tail = bytes.dropFirst()
        if tail.isEmpty {
            guard let power = Self.decimalPower(first) else { return nil }
            powerOfTen = power
        } else if tail.count == 1, tail.first == UInt8(ascii: "i") {
            guard let power = Self.binaryPower(first) else { return nil }
            (format, powerOfTwo) = (.binarySI, power)
        } else {
            guard first == UInt8(ascii: "e") || first == UInt8(ascii: "E"),
                let power = Int(String(decoding: tail, as: UTF8.self)),
                (-Self.exponentMax...Self.exponentMax).contains(power)
            else { return nil }
            (format, powerOfTen) = (.decimalExponent, power)
        }
    }

    private static func decimalPower(_ letter: UInt8) -> Int? {
        switch letter {
        case UInt8(ascii: "n"): -9
        case UInt8(ascii: "u"): -6
        case UInt8(ascii: "m"): -3
        case UInt8(ascii: "k"): 3
        case UInt8(ascii: "M"): 6
        case UInt8(ascii: "G"): 9
        case UInt8(ascii: "T"): 12
        case UInt8(ascii: "P"): 15
        case UInt8(ascii: "E"): 18
        default: nil
        }
    }

    private static func binaryPower(_ letter: UInt8) -> Int? {
        switch letter {
        case UInt8(ascii: "K"): 10
        case UInt8(ascii: "M"): 20
        case UInt8(ascii: "G"): 30
        case UInt8(ascii: "T"): 40
        case UInt8(ascii: "P"): 50
        case UInt8(ascii: "E"): 60
        default: nil
        }
    }
}
