/// The forms that Kubernetes demands of names, keys and other short texts.
///
/// Each check returns one sentence a problem, in Kubernetes' words, and nothing if there is none.
/// Sound texts cost O(bytes) and no allocation.
///
/// - Source: k8s.io/apimachinery, `util/validation` and `api/validate/content`.
public enum Syntax {
    public typealias Check = @Sendable (String) -> [String]

    /// What is wrong with a number outside of `range`.
    public static func rangeProblem(_ range: ClosedRange<Int>) -> String {
        "must be between \(range.lowerBound) and \(range.upperBound), inclusive"
    }

    /// 1 to 65535.
    public static func portNumber(_ number: Int) -> [String] { within(1...65535, number) }

    /// Of a Unix user or group.
    public static func unixID(_ number: Int) -> [String] { within(0...Int(Int32.max), number) }

    public static func within(_ range: ClosedRange<Int>, _ number: Int) -> [String] {
        range.contains(number) ? [] : [rangeProblem(range)]
    }
}

extension Syntax {
    /// What is wrong with a text that does not follow a pattern.
    struct Rule {
        let sentence: String
        let pattern: String
        let examples: [String]

        var problem: String {
            let examples = examples.map { "'\($0)', " }.joined(separator: " or ")
            return "\(sentence) (e.g. \(examples)regex used for validation is '\(pattern)')"
        }
    }

    /// What is wrong with a text that does not follow `rule`, or is too long.
    ///
    /// Kubernetes counts bytes either way, but newer checks also say so.
    static func problems(
        _ text: String, bytesMax: Int = .max, unit: String = "characters",
        rule: @autoclosure () -> Rule, _ isSound: (Substring.UTF8View) -> Bool
    ) -> [String] {
        var problems: [String] = []
        if text.utf8.count > bytesMax {
            problems.append("must be no more than \(bytesMax) \(unit)")
        }
        if !isSound(text[...].utf8) { problems.append(rule().problem) }
        return problems
    }

    /// Whether a text has something in it, starts with `first`, ends with `last` and has only
    /// `inner` in between.
    static func follows(
        _ bytes: Substring.UTF8View, first: (UInt8) -> Bool, inner: (UInt8) -> Bool,
        last: (UInt8) -> Bool
    ) -> Bool {
        guard let start = bytes.first, let end = bytes.last else { return false }
        return first(start) && last(end) && bytes.allSatisfy(inner)
    }

    static let dash = UInt8(ascii: "-")
    static let dot = UInt8(ascii: ".")
    static let underscore = UInt8(ascii: "_")

    public static func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0") <= byte && byte <= UInt8(ascii: "9")
    }

    static func isLowerCase(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a") <= byte && byte <= UInt8(ascii: "z")
    }

    static func isLetter(_ byte: UInt8) -> Bool { isLowerCase(byte | 0x20) }

    static func isLowerCaseOrDigit(_ byte: UInt8) -> Bool { isLowerCase(byte) || isDigit(byte) }

    public static func isAlphanumeric(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) }

    static func isDashDotOrUnderscore(_ byte: UInt8) -> Bool {
        byte == dash || byte == dot || byte == underscore
    }
}
