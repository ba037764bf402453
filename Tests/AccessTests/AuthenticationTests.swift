import APIErrors
import Authentication
import Kubernetes
import Testing
import Wire

@Suite("Who sends a request")
struct AuthenticationTests {
    private let now = Timestamp(seconds: 1_000_000)

    private func tokens() throws -> StaticTokens {
        try StaticTokens(csv: Array("""
            secret-a,alice,u1,"devs,ops"
            secret-b,bob,u2

            """.utf8))
    }

    @Test("a client certificate names user and groups")
    func certificate() async throws {
        let subject = Credentials.CertificateSubject(
            commonName: "jane", organizations: ["devs"], fingerprint: "ab")
        let user = try await Authenticator().identity(
            of: Credentials(certificate: subject), now: now)
        #expect(user.name == "jane")
        #expect(user.groups == ["devs", "system:authenticated"])
        #expect(user.extra == ["authentication.kubernetes.io/credential-id": ["X509SHA256=ab"]])
    }

    @Test("a bearer token names its user; the scheme's case does not matter")
    func bearer() async throws {
        let authenticator = Authenticator(tokens: try tokens())
        for header in ["Bearer secret-a", "bearer secret-a", " BEARER secret-a and more "] {
            let user = try await authenticator.identity(
                of: Credentials(authorization: header), now: now)
            #expect(user == UserInfo(
                name: "alice", uid: "u1", groups: ["devs", "ops", "system:authenticated"]))
        }
    }

    @Test("an unknown token is refused even where anonymous requests are allowed")
    func unknownToken() async throws {
        let authenticator = Authenticator(tokens: try tokens())
        await #expect(throws: APIError.unauthorized) {
            try await authenticator.identity(
                of: Credentials(authorization: "Bearer secret-c"), now: now)
        }
    }

    @Test("no credentials, or none we know, are nobody's")
    func anonymous() async throws {
        let headers = [nil, "", "Basic eA==", "Bearer", "Bearer ", "Bearersecret-a", "Bearer\tsecret-a"]
        for header in headers {
            let user = try await Authenticator().identity(
                of: Credentials(authorization: header), now: now)
            #expect(user.name == "system:anonymous")
            #expect(user.groups == ["system:unauthenticated"])
        }
        await #expect(throws: APIError.unauthorized) {
            try await Authenticator(allowsAnonymous: false).identity(of: Credentials(), now: now)
        }
    }

    @Test("a token behind two spaces is passed over, with a warning")
    func spaces() async throws {
        let spaced = Credentials(authorization: "Bearer  secret-a")
        let user = try await Authenticator(tokens: try tokens()).identity(of: spaced, now: now)
        #expect(user.name == "system:anonymous")
        #expect(spaced.warning?.contains("extra space before the bearer token") == true)
        for header in ["Bearer secret-a", "Bearer ", "Basic  eA=="] {
            #expect(Credentials(authorization: header).warning == nil)
        }
    }

    @Test("a token file says where it is wrong", arguments: [
        ("a,b\n", "token file, line 1: at least 3 columns (token, user name, user uid) "
            + "are needed, found 2"),
        ("a,b,c\n\nd,e,f,\"g", "token file, line 3: a quoted column does not end"),
        ("a,b\"c,d", "token file, line 1: a quote stands within a column that is not quoted"),
    ])
    func tokenFileFaults(_ text: String, _ message: String) {
        let error = #expect(throws: StaticTokens.FileError.self) {
            try StaticTokens(csv: Array(text.utf8))
        }
        #expect(error?.description == message)
    }

    @Test("quotes are doubled within quotes")
    func quotes() throws {
        let tokens = try StaticTokens(csv: Array("\"a\"\"b\",\"u,v\",1\r\n".utf8))
        #expect(tokens.user(of: "a\"b")?.name == "u,v")
    }
}

@Suite("Tokens of service accounts")
struct ServiceAccountTokenTests {
    private let now = Timestamp(seconds: 1_000_000)
    private static let audience = "https://kubernetes.default.svc"

    /// Takes any token that begins with `good` for one with `payload`.
    private func authenticator(
        finding objects: [String: ServiceAccountTokens.Found] = ["robot": .init(uid: "u-robot")],
        payload: Value
    ) -> Authenticator {
        Authenticator(
            serviceAccounts: ServiceAccountTokens(
                issuers: [Self.audience], audiences: [Self.audience], tokensMax: 4,
                verify: { $0.hasPrefix("good") ? payload : nil },
                lookup: { _, _, name in objects[name] }),
            audiences: [Self.audience])
    }

    private func claims(_ change: (inout ServiceAccountClaims) -> Void = { _ in }) -> Value {
        var claims = ServiceAccountClaims()
        claims.issuer = Self.audience
        claims.audiences = [Self.audience]
        claims.id = "j1"
        claims.issuedAt = now.seconds
        claims.expiresAt = now.seconds + 3600
        claims.namespace = "default"
        claims.account = .init(name: "robot", uid: "u-robot")
        change(&claims)
        return claims.payload
    }

    private func review(
        _ authenticator: Authenticator, audiences: [String] = [], after seconds: Int64 = 0
    ) async throws -> AuthenticationV1.TokenReviewStatus {
        let request = AuthenticationV1.TokenReview {
            $0.spec.token = "good"
            $0.spec.audiences = audiences
        }
        return try await authenticator.answer(
            request, now: Timestamp(seconds: now.seconds + seconds)).status
    }

    @Test("identify the account, its groups and the token")
    func good() async throws {
        let status = try await review(authenticator(payload: claims()))
        #expect(status.authenticated)
        #expect(status.user.username == "system:serviceaccount:default:robot")
        #expect(status.user.groups == ["system:serviceaccounts", "system:serviceaccounts:default",
                                       "system:authenticated"])
        #expect(status.user.extra == ["authentication.kubernetes.io/credential-id": ["JTI=j1"]])
        #expect(status.audiences == [Self.audience])
    }

    @Test("carry the pod that they belong to, and die with it")
    func pod() async throws {
        let payload = claims { $0.pod = .init(name: "p", uid: "u-p") }
        let objects = ["robot": ServiceAccountTokens.Found(uid: "u-robot"), "p": .init(uid: "u-p")]
        let status = try await review(authenticator(finding: objects, payload: payload))
        #expect(status.user.extra["authentication.kubernetes.io/pod-name"] == ["p"])
        let gone = try await review(authenticator(payload: payload))
        #expect(gone.error == "[invalid bearer token, service account token has been invalidated]")
    }

    @Test("are refused for another audience, too late, and when the account is gone or another")
    func refused() async throws {
        let status = try await review(authenticator(payload: claims()), audiences: ["elsewhere"])
        #expect(status.error == #"[invalid bearer token, token audiences ["\#(Self.audience)"] "#
            + #"is invalid for the target audiences ["elsewhere"]]"#)
        let late = try await review(authenticator(payload: claims()), after: 3601)
        #expect(late.error == "[invalid bearer token, service account token has expired]")
        let gone = try await review(authenticator(finding: [:], payload: claims()))
        #expect(gone.error
            == "[invalid bearer token, service account default/robot has been deleted]")
        let other = try await review(
            authenticator(finding: ["robot": .init(uid: "new")], payload: claims()))
        #expect(other.error.contains("service account UID (new) does not match claim (u-robot)"))
        let foreign = try await review(authenticator(payload: claims { $0.issuer = "other" }))
        #expect(foreign.error == "invalid bearer token")
    }

    @Test("with a subject that is not the account they name are none of ours")
    func subject() {
        guard case .map(var map) = claims() else { return }
        map["sub"] = .string("system:serviceaccount:default:admin")
        #expect(ServiceAccountClaims(.map(map)) == nil)
    }

    @Test("are made for an hour and for the server unless otherwise asked")
    func request() throws {
        let requests = TokenRequests(issuer: Self.audience, audiences: [Self.audience]) { payload in
            ServiceAccountClaims(payload).map { "for \($0.account.name)" } ?? "unreadable"
        }
        let account = MetaV1.ObjectMeta {
            $0.name = "robot"
            $0.namespace = "default"
            $0.uid = "u-robot"
        }
        let answer = try requests.answer(
            AuthenticationV1.TokenRequest(), for: account, now: now, makeUID: { "id" })
        #expect(answer.status.token == "for robot")
        #expect(answer.spec.audiences == [Self.audience])
        #expect(answer.spec.expirationSeconds == 3600)
        #expect(answer.status.expirationTimestamp == Timestamp(seconds: now.seconds + 3600))
    }

    @Test("must last ten minutes, and be bound to a pod, secret or node")
    func wrongRequests() throws {
        let requests = TokenRequests(issuer: "i", audiences: []) { _ in "" }
        let short = AuthenticationV1.TokenRequest { $0.spec.expirationSeconds = 60 }
        #expect(throws: APIError.self) { try requests.boundObject(of: short) }
        let bound = AuthenticationV1.TokenRequest { request in
            request.spec.boundObjectRef = AuthenticationV1.BoundObjectReference {
                $0.apiVersion = "v1"
                $0.kind = "ConfigMap"
            }
        }
        #expect(throws: APIError.badRequest(
            "cannot bind token to object of type /v1, Kind=ConfigMap")) {
            try requests.boundObject(of: bound)
        }
    }
}

@Suite("Requests in another's name")
struct ImpersonationTests {
    @Test("need the right for the user, each group and each extra")
    func userAndGroup() throws {
        let headers = [("Impersonate-User", "bob"), ("Impersonate-Group", "devs"),
                       ("Impersonate-Extra-Team%2fX", "blue"), ("Accept", "*/*")]
        let impersonation = try #require(try Impersonation(
            headers: headers.map { (name: $0.0, value: $0.1) }))
        #expect(impersonation.checks.map(\.resource) == ["users", "groups", "userextras"])
        #expect(impersonation.checks[2].subresource == "team/x")
        #expect(impersonation.user == UserInfo(
            name: "bob", groups: ["devs", "system:authenticated"], extra: ["team/x": ["blue"]]))
    }

    @Test("an account brings its groups")
    func account() throws {
        let impersonation = try #require(try Impersonation(
            headers: [(name: "impersonate-user", value: "system:serviceaccount:ns:robot")]))
        #expect(impersonation.checks.map(\.resource) == ["serviceaccounts"])
        #expect(impersonation.checks.map(\.namespace) == ["ns"])
        #expect(impersonation.user.groups == [
            "system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated",
        ])
    }

    @Test("a group, uid or extra without a user is a bad request", arguments: [
        ("Impersonate-Group", #"UID:"", Groups:[]string{"x"}, Extra:map[string][]string(nil)"#),
        ("Impersonate-Uid", #"UID:"x", Groups:[]string(nil), Extra:map[string][]string(nil)"#),
        ("Impersonate-Extra-Team",
            #"UID:"", Groups:[]string(nil), Extra:map[string][]string{"team":[]string{"x"}}"#),
    ])
    func noUser(header: String, shown: String) {
        let message = #"requested &user.DefaultInfo{Name:"", \#(shown)} "#
            + "without impersonating a user name"
        for user in [[], [(name: "Impersonate-User", value: "")]] {
            #expect(throws: APIError.badRequest(message)) {
                try Impersonation(headers: user + [(name: header, value: "x")])
            }
        }
    }

    @Test("a request that names nobody is its caller's own", arguments: [
        ("Accept", "*/*"), ("Impersonate-User", ""), ("Impersonate-Uid", ""),
        ("Impersonate-Nonsense", "x"),
    ])
    func none(header: String, value: String) throws {
        #expect(try Impersonation(headers: [(name: header, value: value)]) == nil)
    }

    @Test("of a header that comes twice, the first counts")
    func repeated() throws {
        let headers = ["bob", "admin"].map { (name: "Impersonate-User", value: $0) }
        #expect(try Impersonation(headers: headers)?.user.name == "bob")
    }
}
