extension Syntax {
    /// A label of RFC 1123: `my-name`, up to 63 bytes.
    public static func dnsLabel(_ text: String) -> [String] {
        let rule = Rule(
            sentence: "a lowercase RFC 1123 label must consist of lower case alphanumeric "
                + "characters or '-', and must start and end with an alphanumeric character",
            pattern: labelPattern, examples: ["my-name", "123-abc"])
        if isLabel(text[...].utf8) { return problems(text, bytesMax: 63, rule: rule) { _ in true } }
        guard isSubdomain(text) else { return problems(text, bytesMax: 63, rule: rule, isLabel) }
        return problems(text, bytesMax: 63, rule: rule) { _ in true } + ["must not contain dots"]
    }

    /// A subdomain of RFC 1123: `example.com`, up to 253 bytes.
    public static func dnsSubdomain(_ text: String) -> [String] {
        problems(text, bytesMax: 253, rule: subdomainRule) { isSubdomain($0) }
    }

    /// As ``dnsSubdomain(_:)``; underscores may stand in it.
    public static func dnsSubdomainWithUnderscore(_ text: String) -> [String] {
        let label = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
        let rule = Rule(
            sentence: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
                + "characters, '_', '-' or '.', and must start and end with an alphanumeric "
                + "character",
            pattern: "\(label)(\\.\(label))*", examples: ["example.com"])
        return problems(text, bytesMax: 253, rule: rule) { bytes in
            isDotted(bytes) { label in
                follows(
                    label.first == underscore ? label.dropFirst() : label,
                    first: isLowerCaseOrDigit,
                    inner: { isLowerCaseOrDigit($0) || $0 == dash || $0 == underscore },
                    last: isLowerCaseOrDigit)
            }
        }
    }

    /// A label of RFC 1035: starts with a letter, up to 63 bytes.
    public static func dns1035Label(_ text: String) -> [String] {
        let rule = Rule(
            sentence: "a DNS-1035 label must consist of lower case alphanumeric characters or "
                + "'-', start with an alphabetic character, and end with an alphanumeric character",
            pattern: "[a-z]([-a-z0-9]*[a-z0-9])?", examples: ["my-name", "abc-123"])
        return problems(text, bytesMax: 63, rule: rule) { bytes in
            isLabel(bytes) && bytes.first.map(isLowerCase) == true
        }
    }

    /// `*.example.com`.
    public static func wildcardSubdomain(_ text: String) -> [String] {
        let rule = Rule(
            sentence: "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid "
                + "DNS subdomain, which must consist of lower case alphanumeric characters, '-' "
                + "or '.' and end with an alphanumeric character",
            pattern: "\\*\\.\(subdomainPattern)", examples: ["*.example.com"])
        return problems(text, bytesMax: 253, rule: rule) { bytes in
            bytes.starts(with: "*.".utf8) && isSubdomain(bytes.dropFirst(2))
        }
    }

    public static func isSubdomain(_ text: String) -> Bool { isSubdomain(text[...].utf8) }

    static func isSubdomain(_ bytes: Substring.UTF8View) -> Bool { isDotted(bytes, isLabel) }

    private static func isLabel(_ bytes: Substring.UTF8View) -> Bool {
        follows(
            bytes, first: isLowerCaseOrDigit, inner: { isLowerCaseOrDigit($0) || $0 == dash },
            last: isLowerCaseOrDigit)
    }

    /// Whether all parts between dots are sound.
    private static func isDotted(
        _ bytes: Substring.UTF8View, _ isSound: (Substring.UTF8View) -> Bool
    ) -> Bool {
        var rest = bytes
        while let end = rest.firstIndex(of: dot) {
            guard isSound(rest[..<end]) else { return false }
            rest = rest[rest.index(after: end)...]
        }
        return isSound(rest)
    }

    private static let labelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    private static let subdomainPattern = "\(labelPattern)(\\.\(labelPattern))*"

    static let subdomainRule = Rule(
        sentence: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
            + "characters, '-' or '.', and must start and end with an alphanumeric character",
        pattern: subdomainPattern, examples: ["example.com"])
}
