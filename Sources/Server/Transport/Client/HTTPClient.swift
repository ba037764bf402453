import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A client of one HTTPS server, for tools: HTTP/1.1 over kept connections, one request each.
public final class HTTPClient: Sendable {
    private struct Pool {
        var idle: [ClientConnection] = []
        var openCount = 0
        var isShutDown = false
    }

    private let configuration: HTTPClientConfiguration
    private let tlsContext: TLSContext?
    private let group: MultiThreadedEventLoopGroup
    private let executors: [EventLoopExecutor]
    private let pool = NIOLockedValueBox(Pool())

    /// - Parameter threadCount: Event loops; one serves thousands of watches.
    /// - Throws: ``TLSError/unusableIdentity(_:)`` if certificates or key can't be used.
    public init(_ configuration: HTTPClientConfiguration, threadCount: Int = 1) throws(TLSError) {
        self.configuration = configuration
        tlsContext = switch configuration.tls {
        case .none: nil
        case .some(let tls): try TLSContext.client(
            serverCAsPEM: tls.serverCAsPEM, chainPEM: tls.certificateChainPEM,
            keyPEM: tls.privateKeyPEM)
        }
        group = MultiThreadedEventLoopGroup(numberOfThreads: threadCount)
        executors = Array(group.makeIterator()).map { EventLoopExecutor(eventLoop: $0) }
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// A request that can be repeated is repeated once when a kept connection turns out to be gone,
    /// unless the configuration says otherwise.
    public func send(_ request: HTTPClientRequest) async throws(HTTPClientError)
        -> HTTPClientResponse {
        let bytes = encode(request)
        let isHead = request.method == .head
        if let kept = try takeIdle() {
            do throws(HTTPClientError) {
                return try await kept.send(bytes, isHead: isHead)
            } catch .disconnected
                where configuration.repeatsRequests && request.method.isRepeatable {
                // The server closed it while it was idle: try on a new one.
            }
        }
        return try await connect().send(bytes, isHead: isHead)
    }

    /// Connections that are open and have no request.
    var idleConnectionCount: Int { pool.withLockedValue { $0.idle.count } }

    /// Closes all connections, those of watches included. Call once; the client is of no use then.
    public func shutdown() async {
        pool.withLockedValue { $0.isShutDown = true }
        do {
            try await group.shutdownGracefully()
        } catch {
            preconditionFailure("event loops of our own could not be shut down: \(error)")
        }
    }

    // MARK: Connections

    private func takeIdle() throws(HTTPClientError) -> ClientConnection? {
        let (isShutDown, connection) = pool.withLockedValue { ($0.isShutDown, $0.idle.popLast()) }
        if isShutDown { throw .cancelled }
        return connection
    }

    private func connect() async throws(HTTPClientError) -> ClientConnection {
        let isAdmitted = pool.withLockedValue { pool in
            guard pool.openCount < configuration.connectionsMax else { return false }
            pool.openCount += 1
            return true
        }
        guard isAdmitted else { throw .tooManyConnections }
        let connectionBox = NIOLockedValueBox<ClientConnection?>(nil)
        do {
            _ = try await bootstrap(connectionBox)
                .connect(host: configuration.host, port: configuration.port).get()
        } catch {
            closed(connectionBox.withLockedValue { $0 })
            throw .unreachable("\(configuration.host):\(configuration.port): \(error)")
        }
        guard let connection = connectionBox.withLockedValue({ $0 }) else {
            preconditionFailure("connected without a handler")
        }
        try await connection.handshake()
        return connection
    }

    private func bootstrap(_ made: NIOLockedValueBox<ClientConnection?>) -> ClientBootstrap {
        ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let executor = executors.first(where: {
                        $0.eventLoop === channel.eventLoop
                    }) else { preconditionFailure("a channel of a foreign loop") }
                    let session = try tlsContext.map {
                        try TLSSession($0, serverName: configuration.tls?.serverName
                                       ?? configuration.host)
                    }
                    let connection = ClientConnection(client: self, configuration: configuration,
                                                      executor: executor, tls: session)
                    made.withLockedValue { $0 = connection }
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
    }

    /// The connection is free for another request.
    func keep(_ connection: ClientConnection) -> Bool {
        pool.withLockedValue { pool in
            guard !pool.isShutDown, pool.idle.count < configuration.idleConnectionsMax else {
                return false
            }
            pool.idle.append(connection)
            return true
        }
    }

    func closed(_ connection: ClientConnection?) {
        pool.withLockedValue { pool in
            pool.openCount -= 1
            pool.idle.removeAll { $0 === connection }
        }
    }

    private func encode(_ request: HTTPClientRequest) -> [UInt8] {
        var headers = request.headers
        if !headers.contains("host") {
            let host = configuration.host.contains(":") ? "[\(configuration.host)]"
                : configuration.host
            headers.add("host", "\(host):\(configuration.port)")
        }
        if let token = configuration.bearerToken, !headers.contains("authorization") {
            headers.add("authorization", "Bearer \(token)")
        }
        return HTTP1Writer.request(request.method.name, request.target, headers,
                                   body: request.body)
    }
}

extension HTTPMethod {
    /// Whether doing it twice does what doing it once does.
    var isRepeatable: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        default: false
        }
    }
}

extension HTTP1Writer {
    /// A whole request. What could end the request line is escaped.
    static func request(_ method: String, _ target: String, _ headers: HTTPHeaders,
                        body: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(128 + target.utf8.count + headers.bytesTotal + body.count)
        output += method.utf8.filter(isTokenByte)
        output.append(32)
        for byte in target.utf8 {
            if byte > 32 && byte < 127 {
                output.append(byte)
            } else {
                output += "%".utf8
                output += String(byte >> 4, radix: 16, uppercase: true).utf8
                output += String(byte & 15, radix: 16, uppercase: true).utf8
            }
        }
        output += " HTTP/1.1\r\n".utf8
        append(headers, to: &output)
        if !body.isEmpty || method != "GET" && method != "HEAD" {
            output += "content-length: ".utf8
            appendDecimal(body.count, to: &output)
            output += [13, 10]
        }
        output += [13, 10]
        output += body
        return output
    }
}
