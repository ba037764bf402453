import NIOCore

/// One client's connection: socket, TLS, and the version of HTTP they agreed on.
final class Connection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Plaintext made into records at a time.
    private static let fillBytesMax = 32_768
    /// Bytes handed to the socket in a turn, before others get theirs.
    private static let flushBytesMax = 262_144

    private let loop: ServerLoop
    private var context: ChannelHandlerContext?
    private var tls: TLSSession?
    private var driver: (any ProtocolDriver)?
    private var isFlushPending = false
    private var isClosing = false
    private var isShuttingDown = false
    /// Something has come from the client. What comes later in a handshake may begin anywhere
    /// within a record, and must not be taken for a request.
    private var hasReceived = false
    /// When the connection ends unless something happens before.
    private(set) var deadline: NIODeadline?

    init(loop: ServerLoop) {
        self.loop = loop
    }

    // MARK: The channel's side

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard driver == nil, tls == nil else { return }
        guard loop.admit(self) else { return context.close(promise: nil) }
        setDeadline(loop.limits.handshakeTimeout)
        guard let tlsContext = loop.tlsContext else {
            startDriver(.http11, .none)
            return
        }
        do throws(TLSError) {
            tls = try TLSSession(tlsContext)
        } catch {
            context.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        loop.executor.turn {
            if tls == nil {
                unsafe buffer.withUnsafeReadableBytes { bytes in
                    unsafe driver?.receive(bytes.assumingMemoryBound(to: UInt8.self).span)
                }
            } else {
                decrypt(buffer)
            }
            noteProgress()
        }
        loop.receiveMemory.giveBack(buffer)
    }

    private func decrypt(_ buffer: ByteBuffer) {
        guard let tls, !isClosing else { return }
        if !hasReceived, answerPlainHTTP(buffer) { return }
        hasReceived = true
        var output = ByteBuffer()
        var scratch: [UInt8] = []
        swap(&scratch, &loop.executor.buffers.plaintextIn)
        defer { swap(&scratch, &loop.executor.buffers.plaintextIn) }
        var failure: TLSError?
        do throws(TLSError) {
            try receive(buffer, tls, &output, &scratch)
        } catch {
            failure = error
        }
        if output.readableBytes > 0 {
            context?.write(wrapOutboundOut(output), promise: nil)
            outputIsReady()
        }
        if failure != nil || tls.isClosedByPeer { close() }
    }

    private func receive(_ buffer: ByteBuffer, _ tls: TLSSession, _ output: inout ByteBuffer,
                         _ scratch: inout [UInt8]) throws(TLSError) {
        let result = unsafe buffer.withUnsafeReadableBytes { bytes -> Result<Void, TLSError> in
            do throws(TLSError) {
                unsafe try tls.receive(bytes, output: &output, scratch: &scratch) { plaintext in
                    startDriverIfNeeded(tls)
                    driver?.receive(plaintext)
                }
                if tls.isEstablished { startDriverIfNeeded(tls) }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private func startDriverIfNeeded(_ tls: TLSSession) {
        guard driver == nil else { return }
        startDriver(tls.negotiatedProtocol == "h2" ? .http2 : .http11, tls.peerCertificate())
    }

    private func startDriver(_ version: ConnectionInfo.Version,
                             _ certificate: ConnectionInfo.PeerCertificate) {
        let info = ConnectionInfo(
            remoteAddress: context?.remoteAddress?.addressAndPort ?? "unknown", version: version,
            isTLS: tls != nil, peerCertificate: certificate)
        let scope = ConnectionScope(info: info, limits: loop.limits, handler: loop.handler)
        driver = version == .http2
            ? HTTP2Connection(scope, host: self) : HTTP1Connection(scope, host: self)
        if isShuttingDown { driver?.shutDown() }
        noteProgress()
    }

    /// Tells a client that speaks HTTP to the TLS port, as Go's server does.
    private func answerPlainHTTP(_ buffer: ByteBuffer) -> Bool {
        guard let first = buffer.readableBytesView.first, (65...90).contains(first) else {
            return false
        }
        let text = "HTTP/1.0 400 Bad Request\r\n\r\n"
            + "Client sent an HTTP request to an HTTPS server.\n"
        tls = nil
        context?.write(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        close()
        return true
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { loop.executor.turn { outputIsReady() } }
    }

    func channelInactive(context: ChannelHandlerContext) {
        loop.executor.turn {
            driver?.abandon()
            driver = nil
            tls = nil
            deadline = nil
            loop.dismiss(self)
        }
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A socket's error is the client's going away.
        context.close(promise: nil)
    }

    // MARK: Time

    /// Sets the deadline that fits what the connection waits for now.
    private func noteProgress() {
        guard let driver else { return }
        if !driver.isIdle {
            deadline = nil
        } else if driver.isReadingHead {
            if !wasReadingHead { setDeadline(loop.limits.readHeaderTimeout) }
        } else {
            setDeadline(loop.limits.idleTimeout)
        }
        wasReadingHead = driver.isIdle && driver.isReadingHead
    }

    private var wasReadingHead = false

    private func setDeadline(_ timeout: Duration) {
        deadline = loop.now + TimeAmount(timeout)
        loop.watchDeadlines()
    }

    func deadlineHasPassed() {
        deadline = nil
        guard let driver, driver.isIdle, !driver.isReadingHead else { return close() }
        driver.shutDown()
        setDeadline(loop.limits.handshakeTimeout)
    }

    // MARK: Ending

    func shutDown() {
        isShuttingDown = true
        guard let driver else { return close() }
        driver.shutDown()
    }

    /// Sends what is written already, says goodbye, and closes.
    func close() {
        guard !isClosing, let context else { return }
        isClosing = true
        if let tls, tls.isEstablished {
            var output = ByteBuffer()
            tls.close(&output)
            if output.readableBytes > 0 {
                context.write(wrapOutboundOut(output), promise: nil)
            }
        }
        context.flush()
        context.close(promise: nil)
    }
}

extension Connection: DriverHost, EventLoopExecutor.Flushable {
    var executor: EventLoopExecutor { loop.executor }
    var date: [UInt8] { loop.date }
    var secondsUp: Int64 { Int64(loop.now.uptimeNanoseconds / 1_000_000_000) }

    func outputIsReady() {
        guard !isFlushPending else { return }
        isFlushPending = true
        executor.flushLater(self)
    }

    func setReading(_ isReading: Bool) {
        // A channel that is closed already has nothing to regulate.
        context?.channel.setOption(.autoRead, value: isReading).whenFailure { _ in }
    }

    func flush() {
        isFlushPending = false
        guard let context, !isClosing else { return }
        // In a handshake there is no driver yet, but what OpenSSL had to say.
        guard let driver, context.channel.isWritable else { return context.flush() }
        var ciphertext = ByteBuffer()
        swap(&ciphertext, &executor.buffers.ciphertext)
        ciphertext.clear(minimumCapacity: 0)
        let isDrained = fill(&ciphertext, from: driver)
        if ciphertext.readableBytes > 0 {
            context.write(wrapOutboundOut(ciphertext), promise: nil)
        }
        context.flush()
        if ciphertext.capacity <= Self.flushBytesMax {
            swap(&ciphertext, &executor.buffers.ciphertext)
        }
        if driver.isFinished && isDrained { return close() }
        if driver.isIdle { noteProgress() }
        if !isDrained && context.channel.isWritable { outputIsReady() }
    }

    /// Returns whether the driver has nothing more to send now.
    private func fill(_ output: inout ByteBuffer, from driver: any ProtocolDriver) -> Bool {
        var plaintext: [UInt8] = []
        swap(&plaintext, &executor.buffers.plaintextOut)
        defer { swap(&plaintext, &executor.buffers.plaintextOut) }
        while output.readableBytes < Self.flushBytesMax {
            plaintext.removeAll(keepingCapacity: true)
            driver.fill(&plaintext, bytesMax: Self.fillBytesMax)
            if plaintext.isEmpty { return true }
            guard let tls else {
                output.writeBytes(plaintext)
                continue
            }
            do throws(TLSError) {
                try tls.send(plaintext, output: &output)
            } catch {
                driver.abandon()
                return true
            }
        }
        return false
    }
}

extension SocketAddress {
    /// `127.0.0.1:6443`, `[::1]:6443`
    var addressAndPort: String {
        guard let ipAddress, let port else { return description }
        return ipAddress.contains(":") ? "[\(ipAddress)]:\(port)" : "\(ipAddress):\(port)"
    }
}
