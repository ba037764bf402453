import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Serves HTTP/1.1 and HTTP/2 on one port.
public final class HTTPServer: Sendable {
    /// Where a server can be reached.
    public struct Address: Sendable, Equatable {
        public let host: String
        public let port: Int
    }

    /// Connections that the kernel keeps for us until we accept them.
    private static let backlog: Int32 = 1_024
    /// A silent peer is asked so often whether it is still there, as Go does.
    private static let keepAliveSeconds: ChannelOptions.Types.SocketOption.Value = 15
    private static let writeWaterMark = ChannelOptions.Types.WriteBufferWaterMark(
        low: 65_536, high: 262_144)

    private let configuration: ServerConfiguration
    private let group: MultiThreadedEventLoopGroup
    private let loops: [ServerLoop]
    private let listener: NIOLockedValueBox<(any Channel)?>

    /// - Throws: ``TLSError/unusableIdentity(_:)`` if the certificates or keys can't be used.
    public init(_ configuration: ServerConfiguration, handler: any RequestHandler)
        throws(TLSError) {
        let tlsContext: TLSContext? = switch configuration.tls {
        case .some(let tls): try TLSContext.server(tls)
        case .none: nil
        }
        self.configuration = configuration
        listener = NIOLockedValueBox(nil)
        group = MultiThreadedEventLoopGroup(
            numberOfThreads: configuration.threadCount ?? System.coreCount)
        let total = ConnectionCount()
        loops = Array(group.makeIterator()).map {
            ServerLoop(eventLoop: $0, tlsContext: tlsContext, limits: configuration.limits,
                       handler: handler, total: total)
        }
    }

    /// Listens. Requests may come before this returns.
    ///
    /// - Returns: The address with the port that was picked for 0.
    /// - Throws: ``ListenError`` if the address can't be had.
    public func start() async throws(ListenError) -> Address {
        let channel: any Channel
        do {
            channel = try await listen()
        } catch {
            throw ListenError(error)
        }
        listener.withLockedValue { $0 = channel }
        return Address(host: channel.localAddress?.ipAddress ?? configuration.host,
                       port: channel.localAddress?.port ?? configuration.port)
    }

    private func listen() async throws -> any Channel {
        let loops = self.loops
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)),
                                value: Self.keepAliveSeconds)
            .childChannelOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)),
                                value: Self.keepAliveSeconds)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.writeBufferWaterMark, value: Self.writeWaterMark)
            .childChannelInitializer { channel in
                guard let loop = loops.first(where: { $0.executor.eventLoop === channel.eventLoop })
                else { preconditionFailure("a channel of a foreign loop") }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.syncOptions?.setOption(
                        .recvAllocator, value: LoopReceiveAllocator(loop.receiveMemory))
                    try channel.pipeline.syncOperations.addHandler(Connection(loop: loop))
                }
            }
            .bind(host: configuration.host, port: configuration.port).get()
    }

    /// Stops listening, tells clients to go, ends streamed answers, and waits until the requests in
    /// flight are answered; after `grace` it closes what is left.
    public func shutdown(grace: Duration) async {
        let channel = listener.withLockedValue { listener in
            defer { listener = nil }
            return listener
        }
        // It may be closed already; then there is nothing to do.
        if let channel { await channel.close().recover { _ in }.getIgnoringErrors() }
        let emptied = loops.map { loop in
            loop.executor.eventLoop.flatSubmit { loop.shutDown() }
        }
        let timers = loops.map { loop in
            loop.executor.eventLoop.scheduleTask(in: TimeAmount(grace)) { loop.closeAll() }
        }
        for future in emptied { await future.getIgnoringErrors() }
        for timer in timers { timer.cancel() }
        do {
            try await group.shutdownGracefully()
        } catch {
            preconditionFailure("event loops of our own could not be shut down: \(error)")
        }
    }
}

/// Why a server cannot listen where it should: `Address already in use`.
public struct ListenError: Error, Equatable {
    public let reason: String

    /// What NIO says, without its wrapping.
    package init(_ error: any Error) {
        switch error {
        case let error as IOError:
            // strerror's text is copied before anything else can change it.
            let text = unsafe strerror(error.errnoCode).map { unsafe String(cString: $0) }
            reason = text ?? "error \(error.errnoCode)"
        case is SocketAddressError.UnknownHost: reason = "There is no such address"
        default: reason = "\(error)"
        }
    }
}

extension EventLoopFuture where Value == Void {
    /// Waits for an outcome that is the same to us, whatever it is.
    fileprivate func getIgnoringErrors() async {
        await withCheckedContinuation { continuation in
            whenComplete { _ in continuation.resume() }
        }
    }
}
