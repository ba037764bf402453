public import Wire

/// What a service account's token says, as far as Kubernetes defines it.
public struct ServiceAccountClaims: Hashable, Sendable {
    /// An object by name and uid.
    public struct Reference: Hashable, Sendable {
        public var name: String
        public var uid: String

        public init(name: String, uid: String) {
            self.name = name
            self.uid = uid
        }
    }

    public var issuer = ""
    public var audiences: [String] = []
    /// Identifies the token: `jti`.
    public var id = ""
    public var issuedAt: Int64 = 0
    /// Seconds since 1970; nil for tokens that never expire, which only legacy ones are.
    public var expiresAt: Int64?
    public var notBefore: Int64?
    /// A token that lives longer than it should says when its user should be warned.
    public var warnsAfter: Int64?
    public var namespace = ""
    public var account = Reference(name: "", uid: "")
    /// The objects that the token is bound to: it dies with them.
    public var pod: Reference?
    public var secret: Reference?
    public var node: Reference?
    /// Made for a secret of type `kubernetes.io/service-account-token`.
    public var isLegacy = false

    public init() {}

    static let legacyIssuer = "kubernetes/serviceaccount"

    /// Reads the payload of a token. Nil if it is none of a service account.
    public init?(_ payload: Value) {
        guard case .map(let claims) = payload, let issuer = claims.text("iss"),
            let subject = claims.text("sub")
        else { return nil }
        self.issuer = issuer
        audiences = claims["aud"]?.texts ?? []
        id = claims.text("jti") ?? ""
        issuedAt = claims["iat"]?.seconds ?? 0
        expiresAt = claims["exp"]?.seconds
        notBefore = claims["nbf"]?.seconds
        isLegacy = issuer == Self.legacyIssuer
        guard isLegacy ? readLegacy(claims) : readBound(claims) else { return nil }
        let expected = "\(UserInfo.Name.serviceAccountPrefix)\(namespace):\(account.name)"
        guard subject == expected else { return nil }
    }

    private mutating func readLegacy(_ claims: ValueMap) -> Bool {
        let prefix = "kubernetes.io/serviceaccount/"
        guard let namespace = claims.text(prefix + "namespace"),
            let name = claims.text(prefix + "service-account.name"),
            let uid = claims.text(prefix + "service-account.uid"),
            let secret = claims.text(prefix + "secret.name")
        else { return false }
        self.namespace = namespace
        account = Reference(name: name, uid: uid)
        self.secret = Reference(name: secret, uid: "")
        return true
    }

    private mutating func readBound(_ claims: ValueMap) -> Bool {
        guard case .map(let own)? = claims["kubernetes.io"],
            let namespace = own.text("namespace"),
            let account = own.reference("serviceaccount")
        else { return false }
        self.namespace = namespace
        self.account = account
        pod = own.reference("pod")
        secret = own.reference("secret")
        node = own.reference("node")
        warnsAfter = own["warnafter"]?.seconds
        return true
    }

    /// The payload that a token is signed with.
    public var payload: Value {
        var own = ValueMap([
            ("namespace", .string(namespace)), ("serviceaccount", account.value),
        ])
        own["pod"] = pod?.value
        own["secret"] = secret?.value
        own["node"] = node?.value
        own["warnafter"] = warnsAfter.map { .int($0) }
        var claims = ValueMap([
            ("iss", .string(issuer)), ("aud", .list(audiences.map { .string($0) })),
            ("sub", .string("\(UserInfo.Name.serviceAccountPrefix)\(namespace):\(account.name)")),
            ("iat", .int(issuedAt)), ("kubernetes.io", .map(own)),
        ])
        claims["nbf"] = notBefore.map { .int($0) }
        claims["exp"] = expiresAt.map { .int($0) }
        claims["jti"] = id.isEmpty ? nil : .string(id)
        return .map(claims)
    }
}

extension ServiceAccountClaims.Reference {
    fileprivate var value: Value {
        .map(ValueMap([("name", .string(name)), ("uid", .string(uid))]))
    }
}

extension ValueMap {
    fileprivate func text(_ key: String) -> String? {
        guard case .string(let text)? = self[key], !text.isEmpty else { return nil }
        return text
    }

    fileprivate func reference(_ key: String) -> ServiceAccountClaims.Reference? {
        guard case .map(let map)? = self[key], let name = map.text("name") else { return nil }
        return ServiceAccountClaims.Reference(name: name, uid: map.text("uid") ?? "")
    }
}

extension Value {
    /// One text or a list of them.
    fileprivate var texts: [String] {
        switch self {
        case .string(let text): [text]
        case .list(let list): list.compactMap(String.init)
        default: []
        }
    }

    /// Seconds since 1970; a fraction is cut off.
    fileprivate var seconds: Int64? {
        switch self {
        case .int(let int): int
        case .double(let double): Int64(exactly: double.rounded(.towardZero))
        default: nil
        }
    }
}
