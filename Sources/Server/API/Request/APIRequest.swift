public import APIErrors
public import Authentication

/// A request as the API sees it: no sockets, no HTTP version, no streams.
public struct APIRequest: Sendable {
    /// `GET`, `POST`, ...
    public var method: String
    /// As sent, percent-encoded, without the query.
    public var path: Substring
    /// As sent, without the question mark.
    public var query: Substring
    /// Header fields; names in lower case.
    public var headers: @Sendable (_ name: String) -> [String]
    /// All header fields, names in lower case.
    public var allHeaders: @Sendable () -> [(name: String, value: String)]
    /// Who the client says and proves to be.
    public var credentials: Credentials
    /// The whole body, or why there is none. Asked for only if the operation reads one.
    public var body: @Sendable () async throws(APIError) -> [UInt8]

    public init(
        method: String, target: String, headers: @escaping @Sendable (String) -> [String],
        allHeaders: @escaping @Sendable () -> [(name: String, value: String)],
        credentials: Credentials, body: @escaping @Sendable () async throws(APIError) -> [UInt8]
    ) {
        self.method = method
        self.headers = headers
        self.allHeaders = allHeaders
        self.credentials = credentials
        self.body = body
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = halves.first ?? "/"
        query = halves.count == 2 ? halves[1] : ""
        self.headers = headers
        self.credentials = credentials
        self.body = body
    }

    func header(_ name: String) -> String { headers(name).joined(separator: ",") }
}

/// What the API answers.
public struct APIResponse: Sendable {
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Written bit by bit, as it comes about.
        case stream(@Sendable (any BodyWriter) async throws -> Void)
        /// Asked for when there is something.
        case watch(WatchFeed)
    }

    public var status: Int
    public var contentType: String
    /// Beside Content-Type.
    public var headers: [(name: String, value: String)] = []
    public var body: Body
    /// Whether it may be compressed. Not so a watch: what is held back to be packed is not seen.
    public var isCompressible = true

    public init(
        status: Int, contentType: String, headers: [(name: String, value: String)] = [], body: Body
    ) {
        self.status = status
        self.contentType = contentType
        self.headers = headers
        self.body = body
    }
}

/// Takes the body of an answer bit by bit.
public protocol BodyWriter: Sendable {
    /// Hands on `bytes`, and returns when the client keeps up.
    func write(_ bytes: [UInt8]) async throws
}
