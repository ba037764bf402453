public import APIErrors
public import Kubernetes
public import Wire

/// Makes tokens for service accounts: the subresource `serviceaccounts/token`.
public struct TokenRequests: Sendable {
    public let issuer: String
    /// What a token is for if the request names nothing.
    public let audiences: [String]
    /// Longer requests are cut to this, if there is a limit.
    public let lifetimeSecondsMax: Int?
    private let sign: @Sendable (Value) throws -> String

    static let lifetimeSecondsDefault = 3600
    static let lifetimeSecondsMin = 600

    /// - Parameter sign: Makes a compact JWT of a payload.
    public init(issuer: String, audiences: [String], lifetimeSecondsMax: Int? = nil,
                sign: @escaping @Sendable (Value) throws -> String) {
        self.issuer = issuer
        self.audiences = audiences
        self.lifetimeSecondsMax = lifetimeSecondsMax
        self.sign = sign
    }

    /// An object that a token is to be bound to, as the request names it.
    public struct BoundObject: Hashable, Sendable {
        public let what: ServiceAccountTokens.Bound
        public let name: String
        /// Empty if the request leaves it open.
        public let uid: String
    }

    /// The objects that a token binds to, as they are stored.
    public struct Binding: Sendable {
        public var pod: CoreV1.Pod?
        public var secret: MetaV1.ObjectMeta?
        public var node: MetaV1.ObjectMeta?

        public init(pod: CoreV1.Pod? = nil, secret: MetaV1.ObjectMeta? = nil,
                    node: MetaV1.ObjectMeta? = nil) {
            self.pod = pod
            self.secret = secret
            self.node = node
        }
    }

    /// What a request binds its token to, which the caller then looks up; nil if nothing.
    ///
    /// - Throws: 422 for an expiration out of bounds, 400 for objects of another kind.
    public func boundObject(
        of request: AuthenticationV1.TokenRequest
    ) throws(APIError) -> BoundObject? {
        if let seconds = request.spec.expirationSeconds { try check(lifetimeSeconds: seconds) }
        guard let reference = request.spec.boundObjectRef else { return nil }
        let what: ServiceAccountTokens.Bound = switch (reference.apiVersion, reference.kind) {
        case ("v1", "Pod"): .pod
        case ("v1", "Secret"): .secret
        case ("v1", "Node"): .node
        default: throw .badRequest("cannot bind token to object of type \(reference.typeName)")
        }
        return BoundObject(what: what, name: reference.name, uid: reference.uid)
    }

    private func check(lifetimeSeconds seconds: Int) throws(APIError) {
        let fault: String? = if seconds < Self.lifetimeSecondsMin {
            "may not specify a duration less than 10 minutes"
        } else if seconds > 1 << 32 {
            "may not specify a duration larger than 2^32 seconds"
        } else {
            nil
        }
        guard let fault else { return }
        let cause = APIError.Cause(
            reason: "FieldValueInvalid", message: "Invalid value: \(seconds): \(fault)",
            field: "spec.expirationSeconds")
        throw .invalid(GroupKind(AuthenticationV1.TokenRequest.messageType), "", causes: [cause])
    }

    /// Makes the token and the request's answer.
    ///
    /// - Parameters:
    ///   - binding: What ``boundObject(of:)`` named; for a pod also its node, if it has one.
    ///   - makeUID: Makes a random UUID.
    /// - Throws: 409 if the bound object has another uid, 400 if a pod runs as somebody else, 500
    ///   if signing fails.
    public func answer(
        _ request: AuthenticationV1.TokenRequest, for account: MetaV1.ObjectMeta,
        binding: Binding = Binding(), now: Timestamp, makeUID: () -> String
    ) throws(APIError) -> AuthenticationV1.TokenRequest {
        try check(binding, of: request, for: account)
        var answer = request
        if answer.spec.audiences.isEmpty { answer.spec.audiences = audiences }
        let asked = request.spec.expirationSeconds ?? Self.lifetimeSecondsDefault
        let lifetime = min(asked, lifetimeSecondsMax ?? asked)
        answer.spec.expirationSeconds = lifetime
        let claims = claims(
            account, binding, audiences: answer.spec.audiences,
            lifetimeSeconds: Int64(lifetime), now: now, id: makeUID())
        answer.metadata.name = account.name
        answer.metadata.namespace = account.namespace
        answer.metadata.uid = makeUID()
        answer.metadata.creationTimestamp = Timestamp(seconds: now.seconds)
        answer.status.expirationTimestamp = Timestamp(seconds: now.seconds + Int64(lifetime))
        do {
            answer.status.token = try sign(claims.payload)
        } catch {
            throw .internalError("failed to generate token: \(error)")
        }
        return answer
    }

    private func check(
        _ binding: Binding, of request: AuthenticationV1.TokenRequest,
        for account: MetaV1.ObjectMeta
    ) throws(APIError) {
        guard let reference = request.spec.boundObjectRef else { return }
        if reference.kind == "Pod", let pod = binding.pod,
            pod.spec.serviceAccountName != account.name {
            throw .badRequest("cannot bind token for serviceaccount \(account.name.quoted) to pod "
                + "running with different serviceaccount name.")
        }
        let uid = switch reference.kind {
        case "Pod": binding.pod?.metadata.uid
        case "Secret": binding.secret?.uid
        default: binding.node?.uid
        }
        guard let uid, !reference.uid.isEmpty, reference.uid != uid else { return }
        throw .conflict(
            GroupResource(resource: reference.kind), reference.name, because:
                "the UID in the bound object reference (\(reference.uid)) does not match the UID "
                + "in record. The object might have been deleted and then recreated")
    }

    private func claims(
        _ account: MetaV1.ObjectMeta, _ binding: Binding, audiences: [String],
        lifetimeSeconds: Int64, now: Timestamp, id: String
    ) -> ServiceAccountClaims {
        var claims = ServiceAccountClaims()
        claims.issuer = issuer
        claims.audiences = audiences
        claims.id = id
        claims.issuedAt = now.seconds
        claims.notBefore = now.seconds
        claims.expiresAt = now.seconds + lifetimeSeconds
        claims.namespace = account.namespace
        claims.account = .init(name: account.name, uid: account.uid)
        claims.pod = binding.pod.map { .init(name: $0.metadata.name, uid: $0.metadata.uid) }
        claims.secret = binding.secret.map { .init(name: $0.name, uid: $0.uid) }
        claims.node = binding.node.map { .init(name: $0.name, uid: $0.uid) }
        if let pod = binding.pod, claims.node == nil, !pod.spec.nodeName.isEmpty {
            claims.node = .init(name: pod.spec.nodeName, uid: "")
        }
        extendForOldClients(&claims, lifetimeSeconds: lifetimeSeconds)
        return claims
    }

    /// The lifetime that pods' projected tokens ask for by default, which marks them.
    private static let projectedLifetimeSeconds: Int64 = 3607
    private static let extendedLifetimeSeconds: Int64 = 365 * 24 * 3600

    /// Tokens in pods live a year, since old client libraries never read a renewed one.
    private func extendForOldClients(
        _ claims: inout ServiceAccountClaims, lifetimeSeconds: Int64
    ) {
        guard lifetimeSeconds == Self.projectedLifetimeSeconds, claims.pod != nil,
            claims.audiences == audiences
        else { return }
        claims.warnsAfter = claims.expiresAt
        claims.expiresAt = claims.issuedAt + Self.extendedLifetimeSeconds
    }
}

extension AuthenticationV1.BoundObjectReference {
    /// `apps/v1, Kind=Deployment`; core's group is empty: `/v1, Kind=Pod`.
    fileprivate var typeName: String {
        let groupVersion = apiVersion.contains("/") ? apiVersion : "/\(apiVersion)"
        return "\(groupVersion), Kind=\(kind)"
    }
}
