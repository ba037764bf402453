import Wire

/// Which groups, versions and resources there are, in the order that clients are told them.
struct Catalog: Sendable {
    struct Group: Sendable {
        /// Empty for core.
        let name: String
        /// The preferred one first.
        let versions: [Version]
    }

    struct Version: Sendable {
        let name: String
        /// By the name of the resource.
        let types: [MessageType]
    }

    let groups: [Group]

    /// - Parameter types: Those that a REST resource serves.
    init(types: [MessageType]) {
        var byGroup: [String: [String: [MessageType]]] = [:]
        for type in types where type.resource != nil {
            byGroup[type.group, default: [:]][type.version, default: []].append(type)
        }
        groups = byGroup.map { group, versions in
            Group(name: group, versions: versions.map { Version($0.key, $0.value) }.sorted {
                VersionRank($0.name) > VersionRank($1.name)
            })
        }.sorted { Self.place(of: $0.name) < Self.place(of: $1.name) }
    }

    func group(_ name: String) -> Group? { groups.first { $0.name == name } }

    func version(_ group: String, _ version: String) -> Version? {
        self.group(group)?.versions.first { $0.name == version }
    }

    /// The order of a real server's answer; groups that it does not know come after, by name.
    private static let known = [
        "", "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io",
        "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io",
        "networking.k8s.io", "policy", "rbac.authorization.k8s.io", "storage.k8s.io",
        "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io",
        "coordination.k8s.io", "node.k8s.io", "discovery.k8s.io", "resource.k8s.io",
        "flowcontrol.apiserver.k8s.io",
    ]

    private static func place(of group: String) -> (Int, String) {
        (known.firstIndex(of: group) ?? known.count, group)
    }
}

extension Catalog.Version {
    fileprivate init(_ name: String, _ types: [MessageType]) {
        self.name = name
        self.types = types.sorted { a, b in
            (a.resource?.name ?? "").precedes(b.resource?.name ?? "")
        }
    }
}

/// How versions are ranked: `v2` before `v1` before `v1beta2` before `v1alpha1` before anything
/// else.
struct VersionRank: Comparable {
    private let stability: Int
    private let major: Int
    private let minor: Int
    private let text: String

    init(_ version: String) {
        text = version
        var rest = version.utf8[...]
        guard rest.popFirst() == UInt8(ascii: "v"), let major = Self.number(&rest) else {
            (stability, major, minor) = (0, 0, 0)
            return
        }
        self.major = major
        let word = String(rest.prefix { !(48...57).contains($0) }) ?? ""
        rest = rest.dropFirst(word.utf8.count)
        minor = Self.number(&rest) ?? 0
        stability = switch word {
        case "": 3
        case "beta": 2
        case "alpha": 1
        default: 0
        }
    }

    static func < (a: VersionRank, b: VersionRank) -> Bool {
        if (a.stability, a.major, a.minor) != (b.stability, b.major, b.minor) {
            return (a.stability, a.major, a.minor) < (b.stability, b.major, b.minor)
        }
        return b.text.precedes(a.text)
    }

    private static func number(_ rest: inout Substring.UTF8View) -> Int? {
        let digits = rest.prefix { (48...57).contains($0) }
        rest = rest.dropFirst(digits.count)
        return String(digits).flatMap { Int($0) }
    }
}
