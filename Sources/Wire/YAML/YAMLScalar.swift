/// What a scalar means in YAML 1.1 as Kubernetes' tools read it.
enum YAMLScalar: Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    /// Above the largest 64 bit integer with a sign.
    case unsigned(UInt64)
    case double(Double)
    case string(String)

    /// - Parameters:
    ///   - tag: As written, resolved: `tag:yaml.org,2002:str`; nil if there is none.
    ///   - isPlain: Not quoted and not a block.
    init(_ text: String, tag: String?, isPlain: Bool) throws(YAMLScalarError) {
        guard let tag, tag != "!" || isPlain else {
            self = isPlain && tag == nil ? YAMLScalar(plain: text) : .string(text)
            return
        }
        let isStandard = tag.hasPrefix(YAMLScalar.tags)
        switch isStandard ? tag.dropFirst(YAMLScalar.tags.count) : Substring(tag) {
        case "null", "bool", "int", "float":
            self = YAMLScalar(plain: text)
            if case .string = self { throw YAMLScalarError() }
        case "binary":
            guard case .success(let bytes) = Base64.decode(text.utf8) else {
                throw YAMLScalarError()
            }
            self = .string(String(decoding: bytes, as: UTF8.self))
        default: self = .string(text)
        }
    }

    private static let tags = "tag:yaml.org,2002:"

    /// What a plain text without a tag means.
    init(plain text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
            self = .bool(true)
        case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
            self = .bool(false)
        case ".nan", ".NaN", ".NAN": self = .double(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": self = .double(.infinity)
        case "-.inf", "-.Inf", "-.INF": self = .double(-.infinity)
        default: self = YAMLScalar(number: text) ?? .string(text)
        }
    }

    private init?(number text: String) {
        guard let first = text.utf8.first,
            UInt8(ascii: "0")...UInt8(ascii: "9") ~= first || "+-.".utf8.contains(first),
            !YAMLScalar.isTimestamp(text)
        else { return nil }
        let plain = text.filter { $0 != "_" }
        if let int = YAMLScalar.integer(plain) {
            self = int
        } else if YAMLScalar.isFloat(plain), let double = Double(plain) {
            self = .double(double)
        } else {
            return nil
        }
    }

    /// An integer with the prefixes that Go knows: `0x`, `0o`, `0b`, and `0` for octal.
    private static func integer(_ text: String) -> YAMLScalar? {
        let isNegative = text.hasPrefix("-")
        var digits = isNegative || text.hasPrefix("+") ? text.dropFirst() : text[...]
        var radix = 10
        if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
            (radix, digits) = (16, digits.dropFirst(2))
        } else if digits.hasPrefix("0o") || digits.hasPrefix("0O") {
            (radix, digits) = (8, digits.dropFirst(2))
        } else if digits.hasPrefix("0b") || digits.hasPrefix("0B") {
            (radix, digits) = (2, digits.dropFirst(2))
        } else if digits.count > 1, digits.hasPrefix("0") {
            (radix, digits) = (8, digits.dropFirst())
        }
        guard let first = digits.first, first != "-", first != "+",
            let magnitude = UInt64(digits, radix: radix)
        else { return nil }
        if isNegative {
            guard magnitude <= Int64.min.magnitude else { return nil }
            return .int(Int64(truncatingIfNeeded: 0 &- magnitude))
        }
        return magnitude <= UInt64(Int64.max) ? .int(Int64(magnitude)) : .unsigned(magnitude)
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func isFloat(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func digits() -> Int {
            let count = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }.count
            rest = rest.dropFirst(count)
            return count
        }
        func skip(_ characters: String) -> Bool {
            guard let byte = rest.first, characters.utf8.contains(byte) else { return false }
            rest = rest.dropFirst()
            return true
        }
        _ = skip("+-")
        let whole = digits()
        let hasPoint = skip(".")
        let fraction = hasPoint ? digits() : 0
        guard whole > 0 || fraction > 0 else { return false }
        if skip("eE") {
            _ = skip("+-")
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    /// `2008-01-01`, maybe with a time: a string to everybody, but one that is quoted.
    static func isTimestamp(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count >= 8, bytes[4] == UInt8(ascii: "-"),
            bytes[..<4].allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
        else { return false }
        let date = text.split(maxSplits: 1) { $0 == "T" || $0 == "t" || $0 == " " }
        let parts = date[0].split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, isNumber(parts[1], 1...12), isNumber(parts[2], 1...31) else {
            return false
        }
        return date.count == 1 ? text.count == date[0].count : isTime(date[1])
    }

    private static func isTime(_ text: Substring) -> Bool {
        let clock = text.prefix { $0.isASCII && ($0.isNumber || $0 == ":" || $0 == ".") }
        let zone = text[clock.endIndex...]
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, isNumber(parts[0], 0...23), isNumber(parts[1], 0...59),
            isNumber(parts[2].prefix { $0 != "." }, 0...59)
        else { return false }
        if zone.isEmpty || zone == "Z" { return true }
        return zone.utf8.count == 6 && (zone.hasPrefix("+") || zone.hasPrefix("-"))
    }

    private static func isNumber(_ text: Substring, _ range: ClosedRange<Int>) -> Bool {
        1...2 ~= text.utf8.count && Int(text).map(range.contains) == true
    }
}

/// A scalar is not what its tag says.
struct YAMLScalarError: Error {}
