/// A length of time as Kubernetes writes it: `1h2m3s`, `1.5s`, `100ms`.
public struct GoDuration: Hashable, Sendable {
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public var duration: Duration { .nanoseconds(nanoseconds) }

    /// Reads `-1h2m3.5s`: numbers, each with one of the units `ns us µs ms s m h`.
    ///
    /// - Throws: ``GoDurationError`` in the words of Go's package time.
    public init(parsing text: String) throws(GoDurationError) {
        nanoseconds = try DurationParser(text: text).nanoseconds()
    }

    /// As Go writes it. Less than a second in one unit, `1.5ms`; the rest in hours to seconds.
    public var text: String {
        if nanoseconds == 0 { return "0s" }
        let sign = nanoseconds < 0 ? "-" : ""
        let magnitude = nanoseconds.magnitude
        switch magnitude {
        case ..<1_000: return "\(sign)\(magnitude)ns"
        case ..<1_000_000: return "\(sign)\(fraction(magnitude, of: 1_000))µs"
        case ..<1_000_000_000: return "\(sign)\(fraction(magnitude, of: 1_000_000))ms"
        default: break
        }
        let minutes = magnitude / 60_000_000_000
        let seconds = "\(fraction(magnitude % 60_000_000_000, of: 1_000_000_000))s"
        if minutes == 0 { return sign + seconds }
        if minutes < 60 { return "\(sign)\(minutes)m\(seconds)" }
        return "\(sign)\(minutes / 60)h\(minutes % 60)m\(seconds)"
    }

    /// `number / unit` as a decimal without trailing zeros.
    private func fraction(_ number: UInt64, of unit: UInt64) -> String {
        let (whole, rest) = number.quotientAndRemainder(dividingBy: unit)
        if rest == 0 { return "\(whole)" }
        var digits = "\(unit + rest)".dropFirst() // keeps the zeros in front
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }
}

/// Why a text is no duration, in the words of Go's package time.
public struct GoDurationError: Error, Equatable, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
}

private struct DurationParser {
    let text: String
    /// The magnitude of the most negative duration.
    private let magnitudeMax: UInt64 = 1 << 63

    init(text: String) { self.text = text }

    func nanoseconds() throws(GoDurationError) -> Int64 {
        var rest = text[...].utf8
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        if rest.elementsEqual("0".utf8) { return 0 }
        guard !rest.isEmpty else { throw invalid() }
        var total: UInt64 = 0
        while !rest.isEmpty {
            let (sum, overflows) = total.addingReportingOverflow(try scanTerm(&rest))
            guard !overflows, sum <= magnitudeMax else { throw invalid() }
            total = sum
        }
        if isNegative { return Int64(truncatingIfNeeded: 0 &- total) }
        guard total < magnitudeMax else { throw invalid() }
        return Int64(total)
    }

    /// A number and its unit, in nanoseconds.
    private func scanTerm(_ rest: inout Substring.UTF8View) throws(GoDurationError) -> UInt64 {
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        var fraction = rest.prefix(0)
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            fraction = rest.prefix(while: isDigit)
            rest = rest.dropFirst(fraction.count)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { throw invalid() }
        let unit = try scanUnit(&rest)
        var number: UInt64 = 0
        for digit in whole {
            let (tens, tooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = tens.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !tooLarge, !overflows, sum <= magnitudeMax else { throw invalid() }
            number = sum
        }
        let (product, overflows) = number.multipliedReportingOverflow(by: unit)
        guard !overflows, product <= magnitudeMax else { throw invalid() }
        return product + part(fraction, of: unit)
    }

    /// The fraction of a unit, rounded down; always less than the unit.
    private func part(_ digits: Substring.UTF8View, of unit: UInt64) -> UInt64 {
        var (number, scale): (UInt64, UInt64) = (0, 1)
        for digit in digits.prefix(6) {
            number = number * 10 + UInt64(digit - UInt8(ascii: "0"))
            scale *= 10
        }
        let coarse = number * unit
        var (nanoseconds, rest) = coarse.quotientAndRemainder(dividingBy: scale)
        for digit in digits.dropFirst(6).prefix(9) where rest < .max / 100 && scale < .max / 100 {
            scale *= 10
            rest = rest * 10 + UInt64(digit - UInt8(ascii: "0")) * unit
            nanoseconds += rest / scale
            rest %= scale
        }
        return nanoseconds
    }

    private func scanUnit(_ rest: inout Substring.UTF8View) throws(GoDurationError) -> UInt64 {
        let unit = rest.prefix { $0 != UInt8(ascii: ".") && !isDigit($0) }
        rest = rest.dropFirst(unit.count)
        switch String(Substring(unit)) {
        case "": throw GoDurationError(
            description: "time: missing unit in duration \(goQuoted(text.utf8))")
        case "ns": return 1
        case "us", "\u{B5}s", "\u{3BC}s": return 1_000
        case "ms": return 1_000_000
        case "s": return 1_000_000_000
        case "m": return 60_000_000_000
        case "h": return 3_600_000_000_000
        default: throw GoDurationError(
            description: "time: unknown unit \(goQuoted(unit)) in duration \(goQuoted(text.utf8))")
        }
    }

    private func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private func invalid() -> GoDurationError {
        GoDurationError(description: "time: invalid duration \(goQuoted(text.utf8))")
    }
}
