import APIErrors
public import Wire

/// Accepts the tokens of service accounts.
public struct ServiceAccountTokens: Sendable {
    /// The objects that a token may depend on.
    public enum Bound: Hashable, Sendable { case serviceAccount, secret, pod, node }

    /// What is known of such an object.
    public struct Found: Sendable {
        public var uid: String
        public var deletedAt: Timestamp?
        /// A secret's entry `token`.
        public var token: [UInt8]

        public init(uid: String, deletedAt: Timestamp? = nil, token: [UInt8] = []) {
            self.uid = uid
            self.deletedAt = deletedAt
            self.token = token
        }
    }

    /// Finds an object by namespace (empty for nodes) and name; nil if there is none.
    public typealias Lookup =
        @Sendable (_ what: Bound, _ namespace: String, _ name: String) async throws -> Found?
    /// The payload of a compact JWT that one of the server's keys signed; nil for any other text.
    public typealias Verify = @Sendable (_ token: String) -> Value?

    /// The issuers that are accepted, the one of new tokens first.
    public let issuers: [String]
    /// What tokens without an audience are for.
    public let audiences: [String]
    private let verify: Verify
    private let lookup: Lookup
    private let verified: VerifiedTokens

    public init(issuers: [String], audiences: [String], tokensMax: Int = 4096,
                verify: @escaping Verify, lookup: @escaping Lookup) {
        self.issuers = issuers
        self.audiences = audiences
        self.verify = verify
        self.lookup = lookup
        verified = VerifiedTokens(tokensMax: tokensMax)
    }

    /// Who bears `token`, or nil if it is none of a service account of this server.
    func bearer(
        of token: String, for wanted: [String], now: Timestamp
    ) async throws(Authenticator.Refusal) -> Authenticator.Bearer? {
        guard let claims = claims(of: token) else { return nil }
        let own = claims.audiences.isEmpty ? audiences : claims.audiences
        let shared = own.filter(wanted.contains)
        if shared.isEmpty, !audiences.isEmpty {
            throw refusal("token audiences \(own.quotedList) is invalid for the target audiences "
                + wanted.quotedList)
        }
        try checkTimes(of: claims, now: now)
        try await checkObjects(of: claims, token: token, now: now)
        return Authenticator.Bearer(user: claims.user.authenticated, audiences: shared)
    }

    /// The claims of a token that this server signed. Signatures are checked once.
    private func claims(of token: String) -> ServiceAccountClaims? {
        if let known = verified[token] { return known }
        guard let payload = verify(token), let claims = ServiceAccountClaims(payload),
            claims.isLegacy || issuers.contains(claims.issuer)
        else { return nil }
        verified[token] = claims
        return claims
    }

    private func checkTimes(
        of claims: ServiceAccountClaims, now: Timestamp
    ) throws(Authenticator.Refusal) {
        guard let expiresAt = claims.expiresAt else {
            if claims.isLegacy { return }
            throw refusal("service account token has no expiration")
        }
        if now.seconds > expiresAt { throw refusal("service account token has expired") }
        if let notBefore = claims.notBefore, now.seconds < notBefore {
            throw refusal("service account token is not valid yet")
        }
        if now.seconds < claims.issuedAt {
            throw refusal("service account token is issued in the future")
        }
    }

    /// A token lives as long as the account and the objects that it is bound to.
    private func checkObjects(
        of claims: ServiceAccountClaims, token: String, now: Timestamp
    ) async throws(Authenticator.Refusal) {
        let account = claims.account
        guard let found = try await find(.serviceAccount, claims.namespace, account.name, now: now)
        else {
            throw refusal(
                "service account \(claims.namespace)/\(account.name) has been deleted")
        }
        guard found.uid == account.uid else {
            throw refusal("service account UID (\(found.uid)) does not match claim "
                + "(\(account.uid))")
        }
        try await check(claims.secret, .secret, in: claims, token: token, now: now)
        try await check(claims.pod, .pod, in: claims, token: token, now: now)
        // a pod's token names the pod's node without being bound to it
        if claims.pod == nil {
            try await check(claims.node, .node, in: claims, token: token, now: now)
        }
    }

    private func check(
        _ bound: ServiceAccountClaims.Reference?, _ what: Bound, in claims: ServiceAccountClaims,
        token: String, now: Timestamp
    ) async throws(Authenticator.Refusal) {
        guard let bound else { return }
        let namespace = what == .node ? "" : claims.namespace
        guard let found = try await find(what, namespace, bound.name, now: now) else {
            throw refusal("service account token has been invalidated")
        }
        if claims.isLegacy, what == .secret {
            let stored = String(decoding: found.token, as: UTF8.self)
            guard stored.equalsInConstantTime(token) else {
                throw refusal("service account token does not match server's copy")
            }
        } else if found.uid != bound.uid {
            throw refusal("\(what) UID (\(found.uid)) does not match service account "
                + "\(what) ref claim (\(bound.uid))")
        }
    }

    /// How long after its deletion an object still carries its tokens, for clocks that differ.
    private static let deletionLeewaySeconds: Int64 = 60

    private func find(
        _ what: Bound, _ namespace: String, _ name: String, now: Timestamp
    ) async throws(Authenticator.Refusal) -> Found? {
        let found: Found?
        do {
            found = try await lookup(what, namespace, name)
        } catch {
            throw refusal("\(what) \(name) cannot be read: \(error)")
        }
        guard let deletedAt = found?.deletedAt else { return found }
        return deletedAt.seconds < now.seconds - Self.deletionLeewaySeconds ? nil : found
    }

    private func refusal(_ message: String) -> Authenticator.Refusal {
        Authenticator.Refusal(message: message)
    }
}

extension ServiceAccountClaims {
    /// The user that a token stands for.
    var user: UserInfo {
        var extra: [String: [String]] = [:]
        if !id.isEmpty { extra[UserInfo.ExtraKey.credentialID] = ["JTI=\(id)"] }
        if let pod, !pod.uid.isEmpty {
            extra[UserInfo.ExtraKey.podName] = [pod.name]
            extra[UserInfo.ExtraKey.podUID] = [pod.uid]
        }
        if let node {
            extra[UserInfo.ExtraKey.nodeName] = [node.name]
            if !node.uid.isEmpty { extra[UserInfo.ExtraKey.nodeUID] = [node.uid] }
        }
        return .serviceAccount(
            namespace: namespace, name: account.name, uid: account.uid, extra: extra)
    }
}

extension [String] {
    /// In brackets and quotes, as Go's `%q` writes a slice.
    public var quotedList: String { "[\(map(\.quoted).joined(separator: " "))]" }
}
