/// One request as it came in: nothing decoded, nothing decided.
public struct HTTPRequest: Sendable {
    public var method: HTTPMethod
    /// Path and query as sent, percent escapes included: `/api/v1/pods?limit=1`.
    public var target: String
    /// With `host` also for HTTP/2, where it is `:authority`.
    public var headers: HTTPHeaders
    public var body: RequestBody
    public var connection: ConnectionInfo

    public init(method: HTTPMethod, target: String, headers: HTTPHeaders = [:],
                body: RequestBody = .empty, connection: ConnectionInfo = .local) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.connection = connection
    }
}

/// What is known of a request's connection; one object for all its requests.
public final class ConnectionInfo: Sendable {
    public enum Version: Sendable, Equatable { case http10, http11, http2 }

    /// What the client showed of itself in the TLS handshake.
    public enum PeerCertificate: Sendable, Equatable {
        case none
        /// Chains up to a client CA of the server.
        case verified(ClientCertificate)
        /// Does not; `reason` is OpenSSL's. kube-apiserver lets the handshake pass and answers 401.
        case unverified(reason: String)
    }

    /// `address:port`, or `local` for a request without a socket.
    public let remoteAddress: String
    public let version: Version
    public let isTLS: Bool
    public let peerCertificate: PeerCertificate

    public init(remoteAddress: String, version: Version, isTLS: Bool,
                peerCertificate: PeerCertificate) {
        self.remoteAddress = remoteAddress
        self.version = version
        self.isTLS = isTLS
        self.peerCertificate = peerCertificate
    }

    /// For requests made inside the process.
    public static let local = ConnectionInfo(
        remoteAddress: "local", version: .http11, isTLS: false, peerCertificate: .none)
}

/// The parts of a client's certificate that say who it is.
public struct ClientCertificate: Sendable, Equatable {
    /// Kubernetes' user name.
    public let commonName: String
    /// Kubernetes' groups, in the certificate's order.
    public let organizations: [String]
    /// Seconds since 1970, after which the certificate says nothing any more.
    public let notAfterSeconds: Int64
    /// SHA-256 of the certificate's DER form.
    public let fingerprint: [UInt8]

    public init(commonName: String, organizations: [String], notAfterSeconds: Int64,
                fingerprint: [UInt8]) {
        self.commonName = commonName
        self.organizations = organizations
        self.notAfterSeconds = notAfterSeconds
        self.fingerprint = fingerprint
    }
}
