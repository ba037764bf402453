extension Timestamp {
    /// Reads `2006-01-02T15:04:05Z07:00`; a fraction of a second may follow the seconds.
    ///
    /// - Throws: ``TimestampError`` in the words of Go's package time.
    /// - Complexity: O(*n*); no allocation unless it throws.
    public init(parsing text: String) throws(TimestampError) {
        var parser = TimestampParser(text: text, layout: "2006-01-02T15:04:05Z07:00")
        self = try parser.parse(fractionDigits: nil)
    }

    /// Reads `2006-01-02T15:04:05.000000Z07:00`: exactly six digits of a fraction.
    public init(parsingMicro text: String) throws(TimestampError) {
        var parser = TimestampParser(text: text, layout: "2006-01-02T15:04:05.000000Z07:00")
        self = try parser.parse(fractionDigits: 6)
    }
}

/// Why a text is no time, in the words of Go's package time.
public struct TimestampError: Error, Equatable, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
}

/// Reads a time from left to right, as Go's time.Parse follows its layout.
private struct TimestampParser {
    let text: String
    let layout: String
    var rest: Substring.UTF8View

    init(text: String, layout: String) {
        self.text = text
        self.layout = layout
        rest = text[...].utf8
    }

    mutating func parse(fractionDigits: Int?) throws(TimestampError) -> Timestamp {
        let year = try scanYear()
        try skip("-")
        let month = try scanNumber("01", in: 1...12, called: "month")
        try skip("-")
        let day = try scanNumber("02", in: 0...99, called: "day")
        try skip("T")
        let hour = try scanNumber("15", in: 0...23, called: "hour", mayBeOneDigit: true)
        try skip(":")
        let minute = try scanNumber("04", in: 0...59, called: "minute")
        try skip(":")
        let second = try scanNumber("05", in: 0...59, called: "second")
        let nanoseconds = try scanFraction(digits: fractionDigits)
        let offsetSeconds = try scanZone()
        guard rest.isEmpty else { throw failure(": extra text: \(goQuoted(rest))") }
        let date = CivilDate(year: Int64(year), month: month, day: day)
        guard date.isValid else { throw failure(": day out of range") }
        let secondOfDay = Int64(hour * 3600 + minute * 60 + second - offsetSeconds)
        return Timestamp(
            seconds: date.daysSince1970 * 86400 + secondOfDay, nanoseconds: nanoseconds)
    }

    private mutating func scanYear() throws(TimestampError) -> Int {
        let digits = rest.prefix(4)
        guard digits.count == 4, let year = number(digits) else { throw mismatch("2006") }
        rest = rest.dropFirst(4)
        return year
    }

    private mutating func skip(_ character: Character) throws(TimestampError) {
        guard let byte = rest.first, byte == character.asciiValue else {
            throw mismatch(String(character))
        }
        rest = rest.dropFirst()
    }

    private mutating func scanNumber(
        _ element: String, in range: ClosedRange<Int>, called name: String,
        mayBeOneDigit: Bool = false
    ) throws(TimestampError) -> Int {
        let digits = rest.prefix(2).prefix { isDigit($0) }
        guard digits.count == 2 || (mayBeOneDigit && digits.count == 1),
            let value = number(digits)
        else { throw mismatch(element) }
        rest = rest.dropFirst(digits.count)
        guard range.contains(value) else { throw failure(": \(name) out of range") }
        return value
    }

    /// Nanoseconds. Digits beyond the ninth are read and ignored.
    private mutating func scanFraction(digits required: Int?) throws(TimestampError) -> Int32 {
        let digits = rest.dropFirst().prefix { isDigit($0) }
        let count = required ?? digits.count
        guard let mark = rest.first, mark == UInt8(ascii: ".") || mark == UInt8(ascii: ","),
            count > 0, digits.count >= count
        else {
            guard let required else { return 0 }
            throw mismatch("." + String(repeating: "0", count: required))
        }
        rest = rest.dropFirst(1 + count)
        var nanoseconds: Int32 = 0
        var scale: Int32 = 100_000_000
        for digit in digits.prefix(count) where scale > 0 {
            nanoseconds += Int32(digit - UInt8(ascii: "0")) * scale
            scale /= 10
        }
        return nanoseconds
    }

    /// Seconds east of Greenwich.
    private mutating func scanZone() throws(TimestampError) -> Int {
        if rest.first == UInt8(ascii: "Z") {
            rest = rest.dropFirst()
            return 0
        }
        let zone = rest.prefix(6)
        guard zone.count == 6, zone.dropFirst(3).first == UInt8(ascii: ":"),
            let hours = number(zone.dropFirst().prefix(2)), let minutes = number(zone.dropFirst(4)),
            let sign = zone.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-")
        else { throw mismatch("Z07:00") }
        rest = rest.dropFirst(6)
        guard hours <= 24 else { throw failure(": time zone offset hour out of range") }
        guard minutes <= 60 else { throw failure(": time zone offset minute out of range") }
        return (sign == UInt8(ascii: "-") ? -1 : 1) * (hours * 3600 + minutes * 60)
    }

    private func number(_ digits: Substring.UTF8View) -> Int? {
        var number = 0
        for digit in digits {
            guard isDigit(digit) else { return nil }
            number = number * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return number
    }

    private func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private func mismatch(_ element: String) -> TimestampError {
        TimestampError(
            description: "parsing time \(goQuoted(text.utf8)) as \"\(layout)\": "
                + "cannot parse \(goQuoted(rest)) as \"\(element)\"")
    }

    private func failure(_ message: String) -> TimestampError {
        TimestampError(description: "parsing time \(goQuoted(text.utf8))\(message)")
    }
}

/// Quoted as Go's package time does: what is not printable ASCII as `\x00`.
func goQuoted(_ bytes: some Collection<UInt8>) -> String {
    let hex = Array("0123456789abcdef")
    var quoted = "\""
    for byte in bytes {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            quoted += "\\" + String(UnicodeScalar(byte))
        case 0x20..<0x7f: quoted.unicodeScalars.append(UnicodeScalar(byte))
        default: quoted += "\\x\(hex[Int(byte >> 4)])\(hex[Int(byte & 15)])"
        }
    }
    return quoted + "\""
}
