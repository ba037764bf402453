/// One server, and who we are to it.
public struct HTTPClientConfiguration: Sendable {
    public var host: String
    public var port: Int
    /// Nil speaks in the clear.
    public var tls: ClientTLSConfiguration?
    /// Sent with every request that has no `authorization` of its own.
    public var bearerToken: String?
    /// Requests at a time, watches included; each has a connection. More are refused.
    public var connectionsMax = 4_096
    /// Connections that are kept without a request.
    public var idleConnectionsMax = 16
    public var connectTimeout = Duration.seconds(10)
    /// Whether a request whose kept connection turns out to be gone is sent again, if doing it
    /// twice does what doing it once does. It may then get the answer of the second time.
    public var repeatsRequests = true
    /// Bytes of an answer's head.
    public var headerBytesMax = 65_536
    /// Bytes of an answer's body that wait to be taken; then the server waits, by flow control.
    public var responseBytesWaitingMax = 262_144

    public init(host: String, port: Int, tls: ClientTLSConfiguration?, bearerToken: String? = nil) {
        self.host = host
        self.port = port
        self.tls = tls
        self.bearerToken = bearerToken
    }
}

/// Whom a client believes and what it shows, all PEM.
public struct ClientTLSConfiguration: Sendable {
    /// Empty: the system's CAs.
    public var serverCAsPEM: [UInt8]
    /// Empty: no client certificate.
    public var certificateChainPEM: [UInt8]
    public var privateKeyPEM: [UInt8]
    /// The name that the server's certificate must have; nil is the host.
    public var serverName: String?

    public init(serverCAsPEM: [UInt8], certificateChainPEM: [UInt8] = [],
                privateKeyPEM: [UInt8] = [], serverName: String? = nil) {
        self.serverCAsPEM = serverCAsPEM
        self.certificateChainPEM = certificateChainPEM
        self.privateKeyPEM = privateKeyPEM
        self.serverName = serverName
    }
}

/// A request to send. `host`, `content-length` and `authorization` are filled in.
public struct HTTPClientRequest: Sendable {
    public var method: HTTPMethod
    /// Path and query, escaped.
    public var target: String
    public var headers: HTTPHeaders
    public var body: [UInt8]

    public init(_ method: HTTPMethod, _ target: String, headers: HTTPHeaders = [:],
                body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }
}

/// An answer, whose body may be on its way, for as long as a watch lasts.
public struct HTTPClientResponse: Sendable {
    public let status: Int
    public let headers: HTTPHeaders
    public let body: HTTPClientBody
}

/// An answer's body. Letting go of it before its end closes its connection.
public final class HTTPClientBody: Sendable {
    private let incoming: IncomingBody
    private let connection: ClientConnection

    init(_ incoming: IncomingBody, _ connection: ClientConnection) {
        self.incoming = incoming
        self.connection = connection
    }

    deinit { connection.release(incoming) }

    /// The whole body.
    ///
    /// - Throws: ``RequestBodyError``, as a server's handler gets it.
    public func collect(upTo bytesMax: Int) async throws(RequestBodyError) -> [UInt8] {
        try await cancellable { () async throws(RequestBodyError) in
            try await self.incoming.collect(upTo: bytesMax)
        }
    }

    /// What has come in since the last call, waiting for some; nil at the end. Cancelling the task
    /// closes the connection.
    public func next() async throws(RequestBodyError) -> [UInt8]? {
        try await cancellable { () async throws(RequestBodyError) in
            try await self.incoming.next()
        }
    }

    private func cancellable<Value: Sendable>(
        _ work: @Sendable () async throws(RequestBodyError) -> Value
    ) async throws(RequestBodyError) -> Value {
        let result: Result<Value, RequestBodyError> = await withTaskCancellationHandler {
            do throws(RequestBodyError) {
                return .success(try await work())
            } catch {
                return .failure(error)
            }
        } onCancel: {
            connection.cancel()
        }
        return try result.get()
    }
}

public enum HTTPClientError: Error, Equatable {
    /// No connection could be made: the text says why.
    case unreachable(String)
    /// TLS failed: certificates, or a peer that speaks something else.
    case tls(TLSError)
    /// The connection ended before the answer's head was there. The request may have been done.
    case disconnected
    /// The answer is not HTTP as we know it.
    case malformedResponse(String)
    /// As many requests are in flight as there may be.
    case tooManyConnections
    /// The task was cancelled, or the client shut down.
    case cancelled
}
