/// The forms that names and other short texts must have, with Kubernetes' sentences for those that
/// do not. Each check returns one sentence a problem, nothing if there is none. O(bytes).
///
/// Source: k8s.io/apimachinery, util/validation and api/validate/content, for regexes and texts.
enum Syntax {
    typealias Check = @Sendable (String) -> [String]

    private static let labelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    private static let keyPattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
    private static let subdomainPattern = #"\#(labelPattern)(\.\#(labelPattern))*"#

    // MARK: Names of DNS

    static let dnsLabel: Check = { text in
        var problems = text.utf8.count > 63 ? [lengthProblem(63)] : []
        if isLabel(text.utf8[...]) { return problems }
        problems.append(isSubdomain(text) ? "must not contain dots" : labelProblem)
        return problems
    }

    static let dnsSubdomain: Check = { text in
        var problems = text.utf8.count > 253 ? [lengthProblem(253)] : []
        if !isSubdomain(text) { problems.append(subdomainProblem) }
        return problems
    }

    static let dns1035Label: Check = { text in
        var problems = text.utf8.count > 63 ? [lengthProblem(63)] : []
        if !isLabel(text.utf8[...]) || !(text.utf8.first.map(isLower) ?? false) {
            problems.append(patternProblem(
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
                    + "start with an alphabetic character, and end with an alphanumeric character",
                "[a-z]([-a-z0-9]*[a-z0-9])?", ["my-name", "abc-123"]))
        }
        return problems
    }

    /// `*.example.com`.
    static let wildcardSubdomain: Check = { text in
        var problems = text.utf8.count > 253 ? [lengthProblem(253)] : []
        if !text.hasPrefix("*.") || !isSubdomain(String(text.dropFirst(2))) {
            problems.append(patternProblem(
                "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS "
                    + "subdomain, which must consist of lower case alphanumeric characters, '-' or "
                    + "'.' and end with an alphanumeric character",
                #"\*\.\#(subdomainPattern)"#, ["*.example.com"]))
        }
        return problems
    }

    static func isSubdomain(_ text: String) -> Bool {
        text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .allSatisfy(isLabel)
    }

    private static func isLabel(_ bytes: Substring.UTF8View) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return false }
        return isLowerOrDigit(first) && isLowerOrDigit(last)
            && bytes.allSatisfy { isLowerOrDigit($0) || $0 == UInt8(ascii: "-") }
    }

    private static let labelProblem = patternProblem(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
            + "and must start and end with an alphanumeric character",
        labelPattern, ["my-name", "123-abc"])

    private static let subdomainProblem = patternProblem(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
            + "'.', and must start and end with an alphanumeric character",
        subdomainPattern, ["example.com"])

    // MARK: Labels and annotations

    /// `name` or `example.com/name`.
    static let qualifiedName: Check = { text in
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = parts.last else {
            return ["a valid label key \(keyProblem) with an optional DNS subdomain prefix and '/' "
                + "(e.g. 'example.com/MyName')"]
        }
        var problems: [String] = []
        if parts.count == 2 {
            problems = parts[0].isEmpty ? ["prefix part must be non-empty"]
                : dnsSubdomain(String(parts[0])).map { "prefix part \($0)" }
        }
        if name.isEmpty { problems.append("name part must be non-empty") }
        if name.utf8.count > 63 { problems.append("name part must be no more than 63 bytes") }
        if !isKey(name.utf8) { problems.append("name part \(keyProblem)") }
        return problems
    }

    static let labelValue: Check = { text in
        var problems = text.utf8.count > 63 ? ["must be no more than 63 bytes"] : []
        if !text.isEmpty, !isKey(text.utf8[...]) {
            problems.append(patternProblem(
                "a valid label must be an empty string or consist of alphanumeric characters, '-', "
                    + "'_' or '.', and must start and end with an alphanumeric character",
                "(\(keyPattern))?", ["MyValue", "my_value", "12345"]))
        }
        return problems
    }

    private static func isKey(_ bytes: Substring.UTF8View) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy { isAlphanumeric($0) || isDashDotUnderscore($0) }
    }

    private static let keyProblem = patternProblem(
        "must consist of alphanumeric characters, '-', '_' or '.', "
            + "and must start and end with an alphanumeric character",
        keyPattern, ["MyName", "my.name", "123-abc"])

    // MARK: Other names

    /// A name that may stand between the slashes of a URL.
    static let pathSegment: Check = { text in
        if text == "." || text == ".." { return ["may not be '\(text)'"] }
        return ["/", "%"].filter { text.contains($0) }.map { "may not contain '\($0)'" }
    }

    /// The name of a port, at most 15 characters.
    static let portName: Check = { text in
        let bytes = text.utf8
        let dash = UInt8(ascii: "-")
        var problems = bytes.count > 15 ? [lengthProblem(15)] : []
        if bytes.isEmpty || !bytes.allSatisfy({ isLowerOrDigit($0) || $0 == dash }) {
            problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !bytes.contains(where: isLower) {
            problems.append("must contain at least one letter (a-z)")
        }
        if text.contains("--") { problems.append("must not contain consecutive hyphens") }
        if bytes.first == dash || bytes.last == dash {
            problems.append("must not begin or end with a hyphen")
        }
        return problems
    }

    static let environmentName: Check = { text in
        if text.isEmpty { return ["environment variable name must be non-empty"] }
        let isPrintable = text.utf8.allSatisfy {
            (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "=")
        }
        return isPrintable ? [] : ["a valid environment variable name must consist only of "
            + "printable ASCII characters other than '='"]
    }

    /// A key of a ConfigMap or Secret.
    static let configKey: Check = { text in
        var problems = text.utf8.count > 253 ? [lengthProblem(253)] : []
        if text.isEmpty || !text.utf8.allSatisfy({ isAlphanumeric($0) || isDashDotUnderscore($0) }) {
            problems.append(patternProblem(
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
                "[-._a-zA-Z0-9]+", ["key.name", "KEY_NAME", "key-name"]))
        }
        if text == "." || text == ".." {
            problems.append("must not be '\(text)'")
        } else if text.hasPrefix("..") {
            problems.append("must not start with '..'")
        }
        return problems
    }

    static let headerName: Check = { text in
        let isName = !text.isEmpty && text.utf8.allSatisfy {
            isAlphanumeric($0) || $0 == UInt8(ascii: "-")
        }
        return isName ? [] : [patternProblem(
            "a valid HTTP header must consist of alphanumeric characters or '-'",
            "[-A-Za-z0-9]+", ["X-Header-Name"])]
    }

    /// `25%`.
    static let percent: Check = { text in
        let digits = text.utf8.dropLast()
        let isPercent = text.hasSuffix("%") && !digits.isEmpty && digits.allSatisfy(isDigit)
        return isPercent ? [] : [patternProblem(
            "a valid percent string must be a numeric string followed by an ending '%'",
            "[0-9]+%", ["1%", "93%"])]
    }

    static func rangeProblem(_ range: ClosedRange<Int>) -> String {
        "must be between \(range.lowerBound) and \(range.upperBound), inclusive"
    }

    // MARK: Parts

    private static func lengthProblem(_ charactersMax: Int) -> String {
        "must be no more than \(charactersMax) characters"
    }

    private static func patternProblem(_ text: String, _ pattern: String, _ examples: [String])
        -> String {
        let list = examples.map { "'\($0)', " }.joined(separator: " or ")
        return "\(text) (e.g. \(list)regex used for validation is '\(pattern)')"
    }

    private static func isLower(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
    static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    private static func isLowerOrDigit(_ byte: UInt8) -> Bool { isLower(byte) || isDigit(byte) }
    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
    private static func isDashDotUnderscore(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
    }
}
