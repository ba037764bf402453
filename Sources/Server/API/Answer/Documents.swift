import APIErrors
public import Discovery
public import Wire

/// What is answered at paths that are no resource's.
public struct Documents: Sendable {
    private let jsonWebKeys: String
    private let issuer: String
    private let now: @Sendable () -> Timestamp
    let hashes = DocumentHashes()
    let version: VersionInfo
    let discovery: Discovery

    /// - Parameters:
    ///   - jsonWebKeys: The JWK set that service account tokens are verified by.
    ///   - issuer: Who issues those tokens.
    ///   - version: What /version says of this program.
    public init(
        jsonWebKeys: String, issuer: String, version: VersionInfo = VersionInfo(),
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.version = version
        discovery = Discovery()
        self.jsonWebKeys = jsonWebKeys
        self.issuer = issuer
        self.now = now
    }

    /// What a path that begins with /healthz, /livez or /readyz is answered while the server runs.
    private static let health: Set<Substring> = ["healthz", "livez", "readyz"]

    func answer(
        _ target: RequestTarget, _ request: APIRequest, _ query: QueryParameters, _ metrics: Metrics
    ) throws(APIError) -> APIResponse {
        guard ["get", "head"].contains(target.verb) else {
            return isKnown(target.path) ? try refuseMethod() : Self.notFound
        }
        let parts = target.path.split(separator: "/")
        switch parts.first {
        case let part? where Self.health.contains(part): return health(part, parts.dropFirst(), query)
        case "metrics" where parts.count == 1:
            return Self.text(metrics.text(), type: "text/plain; version=0.0.4; charset=utf-8")
        case "openapi": return try openAPI(parts.dropFirst(), request, query)
        case "openid" where target.path == "/openid/v1/jwks":
            return Self.text(jsonWebKeys, type: "application/jwk-set+json")
        case ".well-known" where target.path == "/.well-known/openid-configuration":
            return Self.text(openIDConfiguration, type: "application/json")
        case "api", "apis": return try discovery(target, request)
        case "version" where parts.count == 1: return versionAnswer
        default: return Self.notFound
        }
    }

    /// 404 in the words of a path that nobody serves.
    static let notFound = APIResponse(
        status: 404, contentType: "text/plain; charset=utf-8",
        body: .bytes(Array("404 page not found\n".utf8)))

    static func text(_ text: String, type: String) -> APIResponse {
        APIResponse(status: 200, contentType: type, body: .bytes(Array(text.utf8)))
    }

    private func refuseMethod() throws(APIError) -> APIResponse { throw .methodNotAllowed }

    private func isKnown(_ path: String) -> Bool {
        path.split(separator: "/").first.map {
            Self.health.contains($0) || ["api", "apis", "version", "metrics", "openapi"].contains($0)
        } ?? true
    }

    /// `ok`, or the checks by name with `?verbose`. A server that answers is well: its store stops
    /// the process when it fails.
    private func health(
        _ what: Substring, _ rest: ArraySlice<Substring>, _ query: QueryParameters
    ) -> APIResponse {
        let checks = ["ping", "log", "etcd"]
        if let name = rest.first, !checks.contains(String(name)) { return Self.notFound }
        guard query["verbose"] != nil else {
            return Self.text("ok", type: "text/plain; charset=utf-8")
        }
        let lines = checks.map { "[+]\($0) ok\n" }.joined()
        return Self.text("\(lines)\(what) check passed\n", type: "text/plain; charset=utf-8")
    }

    private var openIDConfiguration: String {
        """
        {"issuer":"\(issuer)","jwks_uri":"\(issuer)/openid/v1/jwks","response_types_supported":\
        ["id_token"],"subject_types_supported":["public"],\
        "id_token_signing_alg_values_supported":["ES256","RS256"]}
        """
    }
}
