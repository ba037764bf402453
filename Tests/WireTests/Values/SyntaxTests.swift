import Testing
import Wire

@Suite("The forms of names")
struct SyntaxTests {
    @Test("are what Kubernetes takes", arguments: [
        ("DNS label", Syntax.dnsLabel, ["a", "a-1", "0", String(repeating: "a", count: 63)],
            ["", "A", "-a", "a-", "a.b", "a_b", String(repeating: "a", count: 64)]),
        ("DNS subdomain", Syntax.dnsSubdomain, ["a", "a.b", "1.2-3"],
            ["", "a..b", ".a", "a.", "A.b"]),
        ("with underscore", Syntax.dnsSubdomainWithUnderscore, ["_a.b_c"], ["a_.b", "__a"]),
        ("DNS 1035 label", Syntax.dns1035Label, ["a", "a-1"], ["1a", "", "a-"]),
        ("wildcard", Syntax.wildcardSubdomain, ["*.example.com"],
            ["*", "*.", "a.*.b", "example.com"]),
        ("qualified name", Syntax.qualifiedName, ["a", "A_b.c", "example.com/x"],
            ["", "/a", "a/", "a/b/c", "-a", "Example.com/x"]),
        ("label value", Syntax.labelValue, ["", "a", "A_b.c-1"], ["-", "a-", "a b", "a/b"]),
        ("path segment", Syntax.pathSegment, ["a:b", "..a"], [".", "..", "a/b", "a%"]),
        ("port name", Syntax.portName, ["http", "h2"],
            ["", "1", "a--b", "-a", "http-with-a-long-name"]),
        ("C identifier", Syntax.cIdentifier, ["_a1", "A"], ["", "1a", "a-b"]),
        ("environment", Syntax.environmentName, ["A B", "1"], ["", "a=b", "ä", "\n"]),
        ("strict environment", Syntax.strictEnvironmentName, ["a.b-C_1"], ["1a", "..", "..a", ""]),
        ("config key", Syntax.configKey, ["a.b", "A_1", ".a"], ["", ".", "..", "..a", "a b"]),
        ("header", Syntax.headerName, ["X-Name"], ["", "X_Name"]),
        ("percent", Syntax.percent, ["1%", "100%"], ["%", "1", "-1%", "1%%"]),
    ] as [(String, Syntax.Check, [String], [String])])
    func forms(name: String, check: Syntax.Check, sound: [String], broken: [String]) {
        for text in sound { #expect(check(text) == [], "\(name): \(text)") }
        for text in broken { #expect(check(text) != [], "\(name): \(text)") }
    }

    @Test("are explained in Kubernetes' sentences")
    func sentences() {
        #expect(Syntax.dnsLabel("a.b") == ["must not contain dots"])
        #expect(Syntax.dnsSubdomain("Bad") == [
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, "
                + "'-' or '.', and must start and end with an alphanumeric character (e.g. "
                + "'example.com', regex used for validation is "
                + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"])
        #expect(Syntax.labelValue(String(repeating: "a", count: 64))
            == ["must be no more than 63 bytes"])
        #expect(Syntax.dns1035Label(String(repeating: "a", count: 64))
            == ["must be no more than 63 characters"])
        #expect(Syntax.qualifiedName("/a") == ["prefix part must be non-empty"])
        #expect(Syntax.portNumber(0) == ["must be between 1 and 65535, inclusive"])
    }
}
