/// JSON's primitives, as Go's encoding/json writes them.
extension ByteWriter {
    /// Writes a string with quotes; `<`, `>`, `&`, U+2028 and U+2029 are escaped, and bytes that
    /// are not UTF-8 become `\ufffd`.
    mutating func appendJSON(_ text: String) {
        var text = text
        text.withCursor { appendJSON($0, $0.position..<$0.end) }
    }

    @inline(__always)
    mutating func appendJSON(_ cursor: ByteCursor, _ range: Range<Int>) {
        reserve(range.count + 2)
        append(UInt8(ascii: "\""))
        var index = range.lowerBound
        while true {
            let end = cursor.endOfClean(from: index, to: range.upperBound)
            append(cursor, index..<end)
            guard end < range.upperBound else { break }
            index = appendEscaped(cursor, end, end: range.upperBound)
        }
        append(UInt8(ascii: "\""))
    }

    /// Writes the character at `index`, which may need escaping, and returns the next one's index.
    private mutating func appendEscaped(_ cursor: ByteCursor, _ index: Int, end: Int) -> Int {
        let byte = cursor[index]
        guard byte >= 0x80 else {
            appendEscape(byte)
            return index + 1
        }
        let length = cursor.utf8Length(at: index, end: end)
        guard length > 0 else {
            append("\\ufffd")
            return index + 1
        }
        if byte == 0xe2, length == 3, cursor[index + 1] == 0x80, cursor[index + 2] & 0xfe == 0xa8 {
            append("\\u202")
            append(JSONEscapes.hex(cursor[index + 2] & 0xf))
        } else {
            append(cursor, index..<index + length)
        }
        return index + length
    }

    private mutating func appendEscape(_ byte: UInt8) {
        append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(byte)
        case 0x08: append(UInt8(ascii: "b"))
        case 0x0c: append(UInt8(ascii: "f"))
        case 0x0a: append(UInt8(ascii: "n"))
        case 0x0d: append(UInt8(ascii: "r"))
        case 0x09: append(UInt8(ascii: "t"))
        default:
            append("u00")
            append(JSONEscapes.hex(byte >> 4))
            append(JSONEscapes.hex(byte & 0xf))
        }
    }

    mutating func appendBase64(_ cursor: ByteCursor, _ range: Range<Int>) {
        reserve((range.count + 2) / 3 * 4 + 2)
        append(UInt8(ascii: "\""))
        var index = range.lowerBound
        while index < range.upperBound {
            let left = range.upperBound - index
            let a = cursor[index]
            let b = left > 1 ? cursor[index + 1] : 0
            let c = left > 2 ? cursor[index + 2] : 0
            append(Base64.digit(a >> 2))
            append(Base64.digit((a & 0x3) << 4 | b >> 4))
            append(left > 1 ? Base64.digit((b & 0xf) << 2 | c >> 6) : UInt8(ascii: "="))
            append(left > 2 ? Base64.digit(c & 0x3f) : UInt8(ascii: "="))
            index += 3
        }
        append(UInt8(ascii: "\""))
    }

    /// Writes a number as Go does: shortest digits, an exponent below 1e-6 and from 1e21 on. JSON
    /// has no infinity and no NaN; they become null.
    mutating func append(json double: Double) {
        append(double.isFinite ? GoNumber.text(double) : "null")
    }
}

enum JSONEscapes {
    /// Whether a byte stands for itself within a string and begins nothing that may need escaping.
    @inline(__always)
    static func isClean(_ byte: UInt8) -> Bool {
        let word = byte < 64 ? cleanLow : cleanHigh
        return byte < 0x80 && word >> UInt64(byte & 63) & 1 == 1
    }

    /// Whether all eight bytes of a word are clean: bit tricks that find a byte below 0x20, from
    /// 0x80 on, or equal to one of those that are escaped. May say no of clean ones, never yes of
    /// others.
    @inline(__always)
    static func areClean(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        @inline(__always) func has(_ byte: UInt8) -> UInt64 {
            let difference = word ^ (ones &* UInt64(byte))
            return (difference &- ones) & ~difference
        }
        let below = (word &- ones &* 0x20) & ~word
        let quoted = has(UInt8(ascii: "\"")) | has(UInt8(ascii: "\\"))
        let html = has(UInt8(ascii: "<")) | has(UInt8(ascii: ">")) | has(UInt8(ascii: "&"))
        return (word | below | quoted | html) & highs == 0
    }

    /// Whether none of the eight bytes of a word is a quote, a backslash or a control character.
    /// May say no of such words, never yes of others.
    @inline(__always)
    static func areText(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let slashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let found = ((quotes &- ones) & ~quotes) | ((slashes &- ones) & ~slashes)
            | ((word &- ones &* 0x20) & ~word)
        return found & 0x8080_8080_8080_8080 == 0
    }

    private static var cleanLow: UInt64 {
        ~0 << 32 & ~(1 << 0x22) & ~(1 << 0x26) & ~(1 << 0x3c) & ~(1 << 0x3e)
    }
    private static var cleanHigh: UInt64 { ~(1 << (0x5c - 64)) }

    static func hex(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}

enum Base64 {
    static func digit(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<26: UInt8(ascii: "A") + value
        case 26..<52: UInt8(ascii: "a") + value - 26
        case 52..<62: UInt8(ascii: "0") + value - 52
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }

    static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): digit - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    /// What is encoded, or the offset of the byte that is wrong, as Go's base64 counts it. Line
    /// ends are skipped.
    static func decode(_ text: some Sequence<UInt8>) -> Result<[UInt8], Corrupt> {
        var out: [UInt8] = []
        var bits: UInt32 = 0
        var digits = 0
        var padding = 0
        var offset = 0
        for byte in text {
            defer { offset += 1 }
            if byte == 0x0a || byte == 0x0d { continue }
            if byte == UInt8(ascii: "=") {
                guard digits + padding < 4, digits >= 2 else {
                    return .failure(Corrupt(offset: offset))
                }
                padding += 1
                continue
            }
            guard padding == 0, let value = value(byte) else {
                return .failure(Corrupt(offset: offset))
            }
            bits = bits << 6 | UInt32(value)
            digits += 1
            guard digits == 4 else { continue }
            out += [UInt8(bits >> 16 & 0xff), UInt8(bits >> 8 & 0xff), UInt8(bits & 0xff)]
            (bits, digits) = (0, 0)
        }
        guard digits == 0 || digits + padding == 4 else {
            return .failure(Corrupt(offset: offset - digits - padding))
        }
        if digits == 2 { out.append(UInt8(bits >> 4 & 0xff)) }
        if digits == 3 { out += [UInt8(bits >> 10 & 0xff), UInt8(bits >> 2 & 0xff)] }
        return .success(out)
    }

    struct Corrupt: Error { let offset: Int }
}

enum GoNumber {
    /// A finite number as encoding/json writes it.
    static func text(_ double: Double) -> String {
        let (isNegative, digits, point) = decimal(double)
        let magnitude = digits == "0" ? "0" : body(digits, point)
        return isNegative ? "-" + magnitude : magnitude
    }

    /// The shortest digits that read as the number, and where the point is, counted from their
    /// beginning.
    private static func decimal(_ double: Double) -> (Bool, Substring, Int) {
        var text = Substring(double.magnitude.description)
        var exponent = 0
        if let e = text.firstIndex(of: "e") {
            exponent = Int(text[text.index(after: e)...]) ?? 0
            text = text[..<e]
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let whole = parts[0]
        let fraction = parts.count > 1 && parts[1] != "0" ? parts[1] : ""
        let all = Substring(whole + fraction)
        let leading = all.prefix { $0 == "0" }.count
        var digits = all.dropFirst(leading)
        while digits.last == "0" { digits.removeLast() }
        if digits.isEmpty { digits = "0" }
        return (double.sign == .minus, digits, whole.count + exponent - leading)
    }

    private static func body(_ digits: Substring, _ point: Int) -> String {
        if point < -5 || point > 21 {
            let mantissa = digits.count == 1 ? String(digits)
                : "\(digits.prefix(1)).\(digits.dropFirst())"
            let exponent = point - 1
            return "\(mantissa)e\(exponent > 0 ? "+" : "")\(exponent)"
        }
        if point <= 0 { return "0." + String(repeating: "0", count: -point) + digits }
        if digits.count <= point {
            return digits + String(repeating: "0", count: point - digits.count)
        }
        return "\(digits.prefix(point)).\(digits.dropFirst(point))"
    }
}
