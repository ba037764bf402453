import Wire

/// What `/version` answers.
public struct VersionInfo: Hashable, Sendable {
    /// `v1.36.0+martlet`: the Kubernetes that clients may expect.
    public var gitVersion: String
    public var gitCommit: String
    /// As in RFC 3339.
    public var buildDate: String
    /// `linux/amd64`.
    public var platform: String

    public init(gitVersion: String = "v1.36.0+martlet", gitCommit: String = "",
                buildDate: String = "1970-01-01T00:00:00Z", platform: String = Self.platform) {
        self.gitVersion = gitVersion
        self.gitCommit = gitCommit
        self.buildDate = buildDate
        self.platform = platform
    }

    /// What this program was built for.
    public static var platform: String {
        #if arch(arm64)
            "linux/arm64"
        #else
            "linux/amd64"
        #endif
    }

    /// The body of the answer, with the keys of kube-apiserver.
    public var json: [UInt8] {
        let numbers = gitVersion.drop { $0 == "v" }.split(separator: ".").map(String.init)
        let major = numbers.first ?? "1"
        let minor = numbers.count > 1 ? numbers[1] : "0"
        let before = Int(minor).map { String(max(0, $0 - 1)) } ?? minor
        let fields = [
            ("major", major), ("minor", minor), ("emulationMajor", major),
            ("emulationMinor", minor), ("minCompatibilityMajor", major),
            ("minCompatibilityMinor", before), ("gitVersion", gitVersion),
            ("gitCommit", gitCommit), ("gitTreeState", "clean"), ("buildDate", buildDate),
            ("goVersion", "none"), ("compiler", "swiftc"), ("platform", platform),
        ]
        var writer = ByteWriter()
        var separator: StaticString = "{\n  "
        for (key, value) in fields {
            writer.append(separator)
            separator = ",\n  "
            JSONWriter.write(.string(key), into: &writer)
            writer.append(": ")
            JSONWriter.write(.string(value), into: &writer)
        }
        writer.append("\n}")
        return writer.array()
    }
}
