import NIOCore
import Synchronization

/// One connection of a client: TLS, and one request at a time. Lives on its event loop.
final class ClientConnection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private typealias HeadWaiter = CheckedContinuation<
        Result<HTTPClientResponse, HTTPClientError>, Never>
    private typealias HandshakeWaiter = CheckedContinuation<Result<Void, HTTPClientError>, Never>

    private let client: HTTPClient
    private let configuration: HTTPClientConfiguration
    private let executor: EventLoopExecutor
    private var tls: TLSSession?
    private var context: ChannelHandlerContext?
    private var parser: HTTP1Parser
    private var pending: [UInt8] = []
    private var handshakeWaiter: HandshakeWaiter?
    private var headWaiter: HeadWaiter?
    private var incoming: IncomingBody?
    private var isKeepAlive = true
    private var isReadingPaused = false
    private var isHead = false
    /// Why the connection ended.
    private var failure: HTTPClientError?
    /// The channel is gone, and its loop may be, too.
    private let isGone = Atomic<Bool>(false)

    init(client: HTTPClient, configuration: HTTPClientConfiguration, executor: EventLoopExecutor,
         tls: TLSSession?) {
        self.client = client
        self.configuration = configuration
        self.executor = executor
        self.tls = tls
        parser = HTTP1Parser(.responses, headBytesMax: configuration.headerBytesMax)
    }

    // MARK: The caller's side

    func handshake() async throws(HTTPClientError) {
        let result = await withCheckedContinuation { (waiter: HandshakeWaiter) in
            onLoop {
                if let failure = self.failure {
                    waiter.resume(returning: .failure(failure))
                } else if self.tls?.isEstablished ?? true {
                    waiter.resume(returning: .success(()))
                } else {
                    self.handshakeWaiter = waiter
                }
            }
        }
        try result.get()
    }

    func send(_ bytes: [UInt8], isHead: Bool) async throws(HTTPClientError) -> HTTPClientResponse {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: HeadWaiter) in
                onLoop { self.begin(bytes, isHead: isHead, waiter) }
            }
        } onCancel: {
            cancel()
        }
        return try result.get()
    }

    /// Ends the connection, and with it what waits for it.
    func cancel() {
        guard !isGone.load(ordering: .acquiring) else { return }
        onLoop { self.fail(.cancelled) }
    }

    /// Nobody reads `body` any more: if it is not whole, its connection has no use.
    func release(_ body: IncomingBody) {
        guard !isGone.load(ordering: .acquiring) else { return }
        onLoop { if self.incoming === body { self.fail(.cancelled) } }
    }

    private func onLoop(_ work: @escaping @Sendable () -> Void) {
        executor.eventLoop.execute { self.executor.turn(work) }
    }

    private func begin(_ bytes: [UInt8], isHead: Bool, _ waiter: HeadWaiter) {
        if let failure { return waiter.resume(returning: .failure(failure)) }
        precondition(headWaiter == nil && incoming == nil, "two requests on one connection")
        headWaiter = waiter
        self.isHead = isHead
        parser.isBodyless = isHead
        write(bytes)
    }

    private func write(_ bytes: [UInt8]) {
        var output = ByteBuffer()
        if let tls {
            do throws(TLSError) {
                try tls.send(bytes, output: &output)
            } catch {
                return fail(.tls(error))
            }
        } else {
            output.writeBytes(bytes)
        }
        context?.writeAndFlush(wrapOutboundOut(output), promise: nil)
    }

    // MARK: The channel's side

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func channelActive(context: ChannelHandlerContext) {
        guard let tls else { return }
        var output = ByteBuffer()
        do throws(TLSError) {
            try tls.handshake(&output)
            context.writeAndFlush(wrapOutboundOut(output), promise: nil)
        } catch {
            fail(.tls(error))
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        executor.turn {
            guard let tls else {
                return unsafe buffer.withUnsafeReadableBytes { bytes in
                    unsafe receive(bytes.assumingMemoryBound(to: UInt8.self).span)
                }
            }
            decrypt(buffer, tls)
        }
    }

    private func decrypt(_ buffer: ByteBuffer, _ tls: TLSSession) {
        var output = ByteBuffer()
        var scratch: [UInt8] = []
        swap(&scratch, &executor.buffers.plaintextIn)
        defer { swap(&scratch, &executor.buffers.plaintextIn) }
        let error = unsafe buffer.withUnsafeReadableBytes { bytes -> TLSError? in
            do throws(TLSError) {
                unsafe try tls.receive(bytes, output: &output, scratch: &scratch) { receive($0) }
                return nil
            } catch {
                return error
            }
        }
        if output.readableBytes > 0 {
            context?.writeAndFlush(wrapOutboundOut(output), promise: nil)
        }
        if let error { return fail(.tls(error)) }
        if tls.isEstablished, let waiter = handshakeWaiter {
            handshakeWaiter = nil
            waiter.resume(returning: .success(()))
        }
        if tls.isClosedByPeer { end() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        executor.turn { end() }
        isGone.store(true, ordering: .releasing)
        self.context = nil
        tls = nil
        client.closed(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A socket's error is the server's going away; channelInactive follows.
        context.close(promise: nil)
    }

    // MARK: Answers

    private func receive(_ bytes: Span<UInt8>) {
        guard failure == nil else { return }
        unsafe bytes.withUnsafeBufferPointer { unsafe pending.append(contentsOf: $0) }
        var input: [UInt8] = []
        swap(&input, &pending)
        var offset = 0
        do throws(HTTP1Error) {
            let span = input.span
            while failure == nil, let event = try parser.next(span, &offset) {
                switch event {
                case .head(let head): begin(head)
                case .body(let range): incoming?.append(span.extracting(range))
                case .end: endMessage()
                }
            }
        } catch {
            return fail(.malformedResponse(error.text))
        }
        if offset < input.count { pending = Array(input[offset...]) }
        regulateReading()
    }

    private func begin(_ head: HTTP1Head) {
        guard case .status(let status) = head.startLine else { return }
        guard let waiter = headWaiter else {
            return fail(.malformedResponse("an answer to no request"))
        }
        isKeepAlive = head.isKeepAlive && head.framing != .untilClose
        guard status >= 200 else { return }
        headWaiter = nil
        var count: Int?
        if case .count(let announced) = head.framing { count = announced }
        let body = IncomingBody(executor: executor, bytesAnnounced: count, supply: self)
        incoming = body
        waiter.resume(returning: .success(HTTPClientResponse(
            status: status, headers: head.headers, body: HTTPClientBody(body, self))))
    }

    private func endMessage() {
        // A 1xx answer has no body, and another head follows it.
        guard let body = incoming else { return }
        incoming = nil
        body.finish()
        guard isKeepAlive, pending.isEmpty, client.keep(self) else { return fail(.disconnected) }
    }

    private func regulateReading() {
        let mustPause = incoming.map { $0.bytesWaiting > configuration.responseBytesWaitingMax }
            ?? false
        guard mustPause != isReadingPaused else { return }
        isReadingPaused = mustPause
        // A channel that is closed already has nothing to regulate.
        context?.channel.setOption(.autoRead, value: !mustPause).whenFailure { _ in }
    }

    /// The server sends no more: that ends a body that has no other end.
    private func end() {
        if parser.mayEndWithConnection, let body = incoming {
            incoming = nil
            body.finish()
        }
        fail(.disconnected)
    }

    private func fail(_ error: HTTPClientError) {
        guard failure == nil else { return }
        failure = error
        handshakeWaiter?.resume(returning: .failure(error))
        headWaiter?.resume(returning: .failure(error))
        (handshakeWaiter, headWaiter) = (nil, nil)
        incoming?.fail(.disconnected)
        incoming = nil
        context?.close(promise: nil)
    }
}

extension ClientConnection: IncomingBody.Supply {
    func bodyIsWanted() {}
    func bodyWasTaken(count: Int) { regulateReading() }
}
