/// HTTP/1.1 on one connection: one request at a time, answered in order.
final class HTTP1Connection: ProtocolDriver {
    private let scope: ConnectionScope
    private unowned let host: any DriverHost
    private var parser: HTTP1Parser
    /// Bytes that came in and are not used yet: part of a head, or pipelined requests.
    private var pending: [UInt8] = []
    private var exchange: Exchange?
    private var incoming: IncomingBody?
    private var isReadingPaused = false
    private var mustContinue = false
    private var discardedCount = 0
    /// Bytes to send before the body's: a head, or 100 Continue.
    private var headBytes: [UInt8] = []
    private var isChunked = false
    private var isHead = false
    private var isKeepAlive = true
    private var isShuttingDown = false
    private(set) var isFinished = false

    init(_ scope: ConnectionScope, host: any DriverHost) {
        self.scope = scope
        self.host = host
        parser = HTTP1Parser(.requests, headBytesMax: scope.limits.headerBytesMax)
    }

    var isIdle: Bool { exchange == nil }
    var isReadingHead: Bool { exchange == nil && !pending.isEmpty }

    // MARK: In

    func receive(_ bytes: Span<UInt8>) {
        guard !isFinished else { return }
        if pending.isEmpty {
            let used = parse(bytes)
            keep(bytes.extracting(used..<bytes.count))
        } else {
            keep(bytes)
            parsePending()
        }
        regulateReading()
    }

    private func keep(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe pending.append(contentsOf: $0) }
    }

    private func parsePending() {
        var bytes: [UInt8] = []
        swap(&bytes, &pending)
        let used = parse(bytes.span)
        if used < bytes.count { pending = Array(bytes[used...]) }
    }

    /// Returns how many bytes were used.
    private func parse(_ input: Span<UInt8>) -> Int {
        var offset = 0
        do throws(HTTP1Error) {
            // A pipelined request waits until the one before it is answered.
            while !isFinished, exchange == nil || !parser.isBetweenMessages,
                  let event = try parser.next(input, &offset) {
                switch event {
                case .head(let head): begin(head)
                case .body(let range): take(input.extracting(range))
                case .end: incoming?.finish()
                }
            }
        } catch {
            refuse(error)
            return input.count
        }
        return offset
    }

    private func begin(_ head: HTTP1Head) {
        guard case .request(let method, let target) = head.startLine else { return }
        isKeepAlive = head.isKeepAlive && !isShuttingDown
        isHead = method == "HEAD"
        isChunked = head.versionMinor > 0
        discardedCount = 0
        mustContinue = head.versionMinor > 0 && head.headers.hasToken("expect", "100-continue")
        var body = RequestBody.empty
        incoming = nil
        if head.framing != .none {
            var count: Int?
            if case .count(let announced) = head.framing { count = announced }
            let stream = IncomingBody(executor: host.executor, bytesAnnounced: count, supply: self)
            incoming = stream
            body = RequestBody(incoming: stream)
        }
        let exchange = Exchange(streamID: 0, executor: host.executor, incoming: incoming,
                                limits: scope.limits, owner: self)
        self.exchange = exchange
        exchange.start(HTTPRequest(method: HTTPMethod(method), target: target,
                                   headers: head.headers, body: body, connection: scope.info),
                       handler: scope.handler)
    }

    private func take(_ bytes: Span<UInt8>) {
        mustContinue = false
        incoming?.append(bytes)
    }

    /// Answers a message that can't be understood; nothing behind it can be, either.
    private func refuse(_ error: HTTP1Error) {
        isKeepAlive = false
        if let incoming, exchange != nil {
            incoming.fail(.disconnected)
            return
        }
        let text = Array(error.text.utf8)
        headBytes += HTTP1Writer.head(
            ResponseHead(status: error.status,
                         headers: ["content-type": "text/plain; charset=utf-8"]),
            framing: .count(text.count), isKeepAlive: false, date: host.date)
        headBytes += text
        isFinished = true
        host.outputIsReady()
    }

    private func regulateReading() {
        let waiting = pending.count + (incoming?.bytesWaiting ?? 0)
        let mustPause = exchange != nil && waiting > scope.limits.requestBytesWaitingMax
        guard mustPause != isReadingPaused else { return }
        isReadingPaused = mustPause
        host.setReading(!mustPause)
    }

    // MARK: Out

    func fill(_ output: inout [UInt8], bytesMax: Int) {
        if !headBytes.isEmpty {
            output += headBytes
            headBytes = []
        }
        guard let exchange, exchange.isHeadSent else { return }
        if !exchange.output.isEmpty {
            let count = min(exchange.output.count, bytesMax)
            if isChunked { HTTP1Writer.appendChunkHead(count, to: &output) }
            exchange.output.move(upTo: count, to: &output)
            if isChunked { output += [13, 10] }
            exchange.outputShrank()
        }
        guard exchange.output.isEmpty, exchange.output.isEnded else { return }
        if isChunked { output += HTTP1Writer.lastChunk }
        endExchange()
    }

    private func endExchange() {
        incoming?.discard()
        exchange = nil
        if !isKeepAlive || mustContinue {
            isFinished = true
        } else if incoming?.isComplete ?? true {
            nextRequest()
        }
    }

    private func nextRequest() {
        incoming = nil
        if !pending.isEmpty { parsePending() }
        regulateReading()
    }

    func shutDown() {
        isShuttingDown = true
        isKeepAlive = false
        if let exchange { exchange.shutDown() } else { isFinished = true }
        host.outputIsReady()
    }

    func abandon() {
        isFinished = true
        exchange?.abandon()
        exchange = nil
        incoming = nil
        pending = []
    }
}

extension HTTP1Connection: Exchange.Owner {
    func send(_ head: ResponseHead, bodyCount: Int?, of exchange: Exchange) {
        guard exchange === self.exchange else { return }
        // The connection can't be kept when the request's rest may never come.
        if mustContinue { isKeepAlive = false }
        let hasBody = head.mayHaveBody && !isHead
        let framing: BodyFraming
        if !head.mayHaveBody {
            framing = .none
        } else if let bodyCount {
            framing = .count(bodyCount)
        } else {
            framing = isChunked ? .chunked : .untilClose
        }
        if framing == .untilClose { isKeepAlive = false }
        headBytes += HTTP1Writer.head(head, framing: framing, isKeepAlive: isKeepAlive,
                                      date: host.date)
        isChunked = framing == .chunked && hasBody
        host.outputIsReady()
    }

    func outputGrew(of exchange: Exchange) {
        if exchange === self.exchange { host.outputIsReady() }
    }

    func breakOff(_ exchange: Exchange) {
        guard exchange === self.exchange else { return }
        // Without the last chunk the client sees that something is missing.
        isKeepAlive = false
        isFinished = true
        host.outputIsReady()
    }

    func taskEnded(of exchange: Exchange) {}
}

extension HTTP1Connection: IncomingBody.Supply {
    func bodyIsWanted() {
        guard mustContinue, !isFinished else { return }
        mustContinue = false
        headBytes += "HTTP/1.1 100 Continue\r\n\r\n".utf8
        host.outputIsReady()
    }

    func bodyWasTaken(count: Int) {
        // A handler may outlive its connection, which has no socket to regulate any more.
        guard !isFinished else { return }
        if exchange == nil {
            discardedCount += count
            if discardedCount > scope.limits.bodyDiscardBytesMax {
                isFinished = true
                host.outputIsReady()
            }
        }
        regulateReading()
    }
}
