public import APIErrors
public import Wire

/// Finds out who sends a request: by client certificate, else by bearer token, else nobody.
public struct Authenticator: Sendable {
    public let tokens: StaticTokens
    public let serviceAccounts: ServiceAccountTokens?
    /// Whether requests without credentials are those of `system:anonymous`.
    public let allowsAnonymous: Bool
    /// Audiences that this server answers to; tokens without an audience are for all of them.
    public let audiences: [String]

    public init(tokens: StaticTokens = StaticTokens(), serviceAccounts: ServiceAccountTokens? = nil,
                allowsAnonymous: Bool = true, audiences: [String] = []) {
        self.tokens = tokens
        self.serviceAccounts = serviceAccounts
        self.allowsAnonymous = allowsAnonymous
        self.audiences = audiences
    }

    /// Who shows `credentials`.
    ///
    /// A token that is not accepted fails the request even where anonymous ones are allowed.
    ///
    /// - Throws: ``APIError/unauthorized``.
    /// - Complexity: O(1) for certificates and known tokens; a new JWT costs a verification.
    public func identity(
        of credentials: Credentials, now: Timestamp
    ) async throws(APIError) -> UserInfo {
        if let user = credentials.certificate?.user { return user }
        if let token = credentials.bearerToken {
            switch await bearer(of: token, for: audiences, now: now) {
            case .success(let bearer): return bearer.user
            case .failure: throw .unauthorized
            }
        }
        guard allowsAnonymous else { throw .unauthorized }
        return .anonymous
    }

    /// A token's user, and for which of the wanted audiences it is.
    public struct Bearer: Sendable {
        public let user: UserInfo
        public let audiences: [String]
    }

    /// Why a token is not accepted, in words for a TokenReview.
    public struct Refusal: Error, Hashable, Sendable {
        public let message: String
    }

    /// Who bears `token`, if it is meant for one of `wanted`.
    public func bearer(
        of token: String, for wanted: [String], now: Timestamp
    ) async -> Result<Bearer, Refusal> {
        if let user = tokens.user(of: token) {
            let shared = audiences.filter(wanted.contains)
            if audiences.isEmpty || !shared.isEmpty {
                return .success(Bearer(user: user.authenticated, audiences: shared))
            }
        }
        guard let serviceAccounts else { return .failure(.invalid) }
        do {
            guard let bearer = try await serviceAccounts.bearer(of: token, for: wanted, now: now)
            else { return .failure(.invalid) }
            return .success(bearer)
        } catch {
            return .failure(Refusal(message: "[\(Refusal.invalid.message), \(error.message)]"))
        }
    }
}

extension Authenticator.Refusal {
    static let invalid = Authenticator.Refusal(message: "invalid bearer token")
}
