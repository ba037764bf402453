extension Syntax {
    /// A name that can stand between the slashes of a URL.
    public static func pathSegment(_ text: String) -> [String] {
        if text == "." || text == ".." { return ["may not be '\(text)'"] }
        return pathSegmentPrefix(text)
    }

    /// The start of such a name.
    public static func pathSegmentPrefix(_ text: String) -> [String] {
        var problems: [String] = []
        if text.utf8.contains(UInt8(ascii: "/")) { problems.append("may not contain '/'") }
        if text.utf8.contains(UInt8(ascii: "%")) { problems.append("may not contain '%'") }
        return problems
    }

    /// The name of a port or IANA service, up to 15 bytes.
    public static func portName(_ text: String) -> [String] {
        let bytes = text.utf8
        var problems: [String] = []
        if bytes.count > 15 { problems.append("must be no more than 15 characters") }
        if bytes.isEmpty || !bytes.allSatisfy({ isLowerCaseOrDigit($0) || $0 == dash }) {
            problems.append(
                "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !bytes.contains(where: isLowerCase) {
            problems.append("must contain at least one letter (a-z)")
        }
        if zip(bytes, bytes.dropFirst()).contains(where: { $0 == dash && $1 == dash }) {
            problems.append("must not contain consecutive hyphens")
        }
        if bytes.first == dash || bytes.last == dash {
            problems.append("must not begin or end with a hyphen")
        }
        return problems
    }

    /// An identifier of C.
    public static func cIdentifier(_ text: String) -> [String] {
        let rule = Rule(
            sentence: "a valid C identifier must start with alphabetic character or '_', followed "
                + "by a string of alphanumeric characters or '_'",
            pattern: "[A-Za-z_][A-Za-z0-9_]*", examples: ["my_name", "MY_NAME", "MyName"])
        let isInner: (UInt8) -> Bool = { isAlphanumeric($0) || $0 == underscore }
        return problems(text, rule: rule) {
            follows($0, first: { isLetter($0) || $0 == underscore }, inner: isInner, last: isInner)
        }
    }

    /// The name of an environment variable: printable ASCII but `=`.
    public static func environmentName(_ text: String) -> [String] {
        if text.isEmpty { return ["environment variable name must be non-empty"] }
        let isSound = text.utf8.allSatisfy { 0x20 <= $0 && $0 < 0x7F && $0 != UInt8(ascii: "=") }
        return isSound ? [] : [
            "a valid environment variable name must consist only of printable ASCII characters "
                + "other than '='"]
    }

    /// The name of an environment variable as Kubernetes demanded it before 1.30.
    public static func strictEnvironmentName(_ text: String) -> [String] {
        let rule = Rule(
            sentence: "a valid environment variable name must consist of alphabetic characters, "
                + "digits, '_', '-', or '.', and must not start with a digit",
            pattern: "[-._a-zA-Z][-._a-zA-Z0-9]*",
            examples: ["my.env-name", "MY_ENV.NAME", "MyEnvName1"])
        let isInner: (UInt8) -> Bool = { isAlphanumeric($0) || isDashDotOrUnderscore($0) }
        let problems = problems(text, rule: rule) {
            follows($0, first: { !isDigit($0) && isInner($0) }, inner: isInner, last: isInner)
        }
        return problems + parentFolderProblems(text)
    }

    /// A key of a ConfigMap or Secret, up to 253 bytes.
    public static func configKey(_ text: String) -> [String] {
        let rule = Rule(
            sentence: "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            pattern: "[-._a-zA-Z0-9]+", examples: ["key.name", "KEY_NAME", "key-name"])
        let problems = problems(text, bytesMax: 253, rule: rule) { bytes in
            !bytes.isEmpty && bytes.allSatisfy { isAlphanumeric($0) || isDashDotOrUnderscore($0) }
        }
        return problems + parentFolderProblems(text)
    }

    private static func parentFolderProblems(_ text: String) -> [String] {
        if text == "." || text == ".." { return ["must not be '\(text)'"] }
        return text.hasPrefix("..") ? ["must not start with '..'"] : []
    }

    /// The name of an HTTP header.
    public static func headerName(_ text: String) -> [String] {
        let rule = Rule(
            sentence: "a valid HTTP header must consist of alphanumeric characters or '-'",
            pattern: "[-A-Za-z0-9]+", examples: ["X-Header-Name"])
        return problems(text, rule: rule) { bytes in
            !bytes.isEmpty && bytes.allSatisfy { isAlphanumeric($0) || $0 == dash }
        }
    }

    /// `25%`.
    public static func percent(_ text: String) -> [String] {
        let rule = Rule(
            sentence: "a valid percent string must be a numeric string followed by an ending '%'",
            pattern: "[0-9]+%", examples: ["1%", "93%"])
        return problems(text, rule: rule) {
            follows($0.dropLast(), first: isDigit, inner: isDigit, last: isDigit)
                && $0.last == UInt8(ascii: "%")
        }
    }
}
