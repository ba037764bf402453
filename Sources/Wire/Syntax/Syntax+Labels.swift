extension Syntax {
    /// The key of a label or annotation, a finalizer: `name` or `example.com/name`.
    public static func qualifiedName(_ text: String) -> [String] {
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) else {
            return namePart(text[...])
        }
        let prefix = text[..<slash]
        let name = text[text.utf8.index(after: slash)...]
        if name.utf8.contains(UInt8(ascii: "/")) {
            return ["a valid label key \(nameRule.problem) with an optional DNS subdomain prefix "
                + "and '/' (e.g. 'example.com/MyName')"]
        }
        if prefix.isEmpty { return ["prefix part must be non-empty"] + namePart(name) }
        let prefixProblems = problems(
            String(prefix), bytesMax: 253, unit: "bytes", rule: subdomainRule) { isSubdomain($0) }
        return prefixProblems.map { "prefix part \($0)" } + namePart(name)
    }

    private static func namePart(_ name: Substring) -> [String] {
        var problems: [String] = []
        if name.isEmpty { problems.append("name part must be non-empty") }
        if name.utf8.count > 63 { problems.append("name part must be no more than 63 bytes") }
        if !isName(name.utf8) { problems.append("name part \(nameRule.problem)") }
        return problems
    }

    /// The value of a label, up to 63 bytes.
    public static func labelValue(_ text: String) -> [String] {
        let rule = Rule(
            sentence: "a valid label must be an empty string or consist of alphanumeric "
                + "characters, '-', '_' or '.', and must start and end with an alphanumeric "
                + "character",
            pattern: "(\(nameRule.pattern))?", examples: ["MyValue", "my_value", "12345"])
        return problems(text, bytesMax: 63, unit: "bytes", rule: rule) { $0.isEmpty || isName($0) }
    }

    private static func isName(_ bytes: Substring.UTF8View) -> Bool {
        follows(
            bytes, first: isAlphanumeric,
            inner: { isAlphanumeric($0) || isDashDotOrUnderscore($0) }, last: isAlphanumeric)
    }

    private static let nameRule = Rule(
        sentence: "must consist of alphanumeric characters, '-', '_' or '.', and must start and "
            + "end with an alphanumeric character",
        pattern: "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
        examples: ["MyName", "my.name", "123-abc"])
}
