public import APIErrors

/// A request that wants to be treated as another user's: what its `Impersonate-` headers ask for.
///
/// The caller must be allowed each of ``checks`` with the verb `impersonate`; then the request is
/// that of ``user``.
public struct Impersonation: Hashable, Sendable {
    /// Something that the caller must be allowed to impersonate.
    public struct Check: Hashable, Sendable {
        public let apiGroup: String
        public let resource: String
        public var subresource = ""
        public var namespace = ""
        public let name: String
    }

    /// As the headers say.
    public let wanted: UserInfo
    public let checks: [Check]

    /// Reads the headers. Nil if the request is its caller's own.
    ///
    /// - Throws: 400 if there is a group, uid or extra, but no user.
    public init?(headers: some Sequence<(name: String, value: String)>) throws(APIError) {
        var wanted = UserInfo(name: "")
        var names: [String] = []
        var uids: [String] = []
        for (header, value) in headers where header.lowercased().hasPrefix(Self.prefix) {
            switch header.lowercased().dropFirst(Self.prefix.utf8.count) {
            case "user": names.append(value)
            case "uid": uids.append(value)
            case "group": wanted.groups.append(value)
            case let key where key.hasPrefix("extra-"):
                let key = key.dropFirst("extra-".utf8.count).percentDecoded
                wanted.extra[key, default: []].append(value)
            default: break
            }
        }
        // Of a header that is there more than once, the first counts, as Go's server has it.
        (wanted.name, wanted.uid) = (names.first ?? "", uids.first ?? "")
        guard !wanted.name.isEmpty else {
            if wanted == UserInfo(name: "") { return nil }
            throw .badRequest("requested \(wanted.goSyntax) without impersonating a user name")
        }
        self.wanted = wanted
        checks = wanted.checks
    }

    private static let prefix = "impersonate-"

    /// Whom the request is treated as coming from.
    public var user: UserInfo {
        var user = wanted
        if user.groups.isEmpty, let account = user.serviceAccount {
            user.groups = UserInfo.serviceAccount(
                namespace: account.namespace, name: account.name).groups
        }
        guard user.name == UserInfo.Name.anonymous else { return user.authenticated }
        if !user.groups.contains(UserInfo.Group.unauthenticated) {
            user.groups.append(UserInfo.Group.unauthenticated)
        }
        return user
    }
}

extension UserInfo {
    /// Namespace and name of the service account that this user is, if it is one.
    public var serviceAccount: (namespace: String, name: String)? {
        guard name.hasPrefix(Name.serviceAccountPrefix) else { return nil }
        let parts = name.dropFirst(Name.serviceAccountPrefix.utf8.count)
            .split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].isDNSName(dots: false), parts[1].isDNSName(dots: true)
        else { return nil }
        return (String(parts[0]), String(parts[1]))
    }

    fileprivate var checks: [Impersonation.Check] {
        let identity = "authentication.k8s.io"
        var checks: [Impersonation.Check] = []
        if let account = serviceAccount {
            checks.append(.init(apiGroup: "", resource: "serviceaccounts",
                                namespace: account.namespace, name: account.name))
        } else {
            checks.append(.init(apiGroup: "", resource: "users", name: name))
        }
        if !uid.isEmpty { checks.append(.init(apiGroup: identity, resource: "uids", name: uid)) }
        checks += groups.map { .init(apiGroup: "", resource: "groups", name: $0) }
        for (key, values) in extra.sorted(by: { $0.key < $1.key }) {
            checks += values.map {
                .init(apiGroup: identity, resource: "userextras", subresource: key, name: $0)
            }
        }
        return checks
    }

    /// As Go's `%#v` writes it, which is what Kubernetes answers.
    fileprivate var goSyntax: String {
        func strings(_ list: [String]) -> String {
            list.isEmpty
                ? "[]string(nil)" : "[]string{\(list.map(\.quoted).joined(separator: ", "))}"
        }
        let entries = extra.sorted { $0.key < $1.key }
            .map { "\($0.key.quoted):\(strings($0.value))" }.joined(separator: ", ")
        let map = "map[string][]string" + (extra.isEmpty ? "(nil)" : "{\(entries)}")
        return "&user.DefaultInfo{Name:\(name.quoted), UID:\(uid.quoted), "
            + "Groups:\(strings(groups)), Extra:\(map)}"
    }
}

extension Substring {
    /// Lower-case letters, digits and `-`, and `.` between such names.
    fileprivate func isDNSName(dots: Bool) -> Bool {
        let labels = dots ? split(separator: ".", omittingEmptySubsequences: false) : [self]
        guard utf8.count <= (dots ? 253 : 63) else { return false }
        return labels.allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            return first != UInt8(ascii: "-") && last != UInt8(ascii: "-")
                && label.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
                    default: false
                    }
                }
        }
    }

    /// With `%xx` replaced by the byte; as it is if that is not possible.
    fileprivate var percentDecoded: String {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else { bytes.append(byte); continue }
            guard let digits = String(rest.prefix(2)), digits.utf8.count == 2,
                let decoded = UInt8(digits, radix: 16)
            else { return String(self) }
            bytes.append(decoded)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self) ?? String(self)
    }
}
