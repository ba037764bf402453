/// HTTP/2 on one connection: many requests at a time.
final class HTTP2Connection: ProtocolDriver {
    /// A request whose head comes in, then the exchange that it became.
    private final class Stream {
        var method = ""
        var target = ""
        var headers = HTTPHeaders()
        var headerBytes = 0
        var bytesAnnounced: Int? { headers["content-length"].flatMap(Int.init) }
        var incoming: IncomingBody?
        var exchange: Exchange?
        var discardedCount = 0
    }

    private let scope: ConnectionScope
    private unowned let host: any DriverHost
    private let session: HTTP2Session
    private var streams: [Int32: Stream] = [:]
    /// The stream whose head comes in; HTTP/2 lets nothing come between.
    private var opening: Stream?
    /// Streams whose requests came in with the bytes being received.
    private var ready: [(Int32, Stream)] = []
    /// Handlers at work, those of streams that the client reset included.
    private var runningCount = 0
    private var resets: ResetBudget
    private var isShuttingDown = false
    private var hasFailed = false

    init(_ scope: ConnectionScope, host: any DriverHost) {
        self.scope = scope
        self.host = host
        session = HTTP2Session(limits: scope.limits)
        resets = ResetBudget(max: scope.limits.resetsMax, perSecond: scope.limits.resetsPerSecond,
                             secondsNow: host.secondsUp)
        host.outputIsReady()
    }

    var isFinished: Bool { hasFailed || session.isOver }
    var isIdle: Bool { streams.isEmpty && runningCount == 0 }
    var isReadingHead: Bool { false }

    func receive(_ bytes: Span<UInt8>) {
        do throws(HTTP2Session.ProtocolError) {
            try session.receive(bytes, for: self)
        } catch {
            // nghttp2 answers what HTTP/2 has an answer for; this client does not speak it.
            hasFailed = true
        }
        startReady()
        host.outputIsReady()
    }

    func fill(_ output: inout [UInt8], bytesMax: Int) {
        do throws(HTTP2Session.ProtocolError) {
            try session.send(&output, bytesMax: bytesMax, for: self)
        } catch {
            hasFailed = true
        }
    }

    func shutDown() {
        guard !isShuttingDown else { return }
        isShuttingDown = true
        session.goAway(.none)
        for stream in streams.values { stream.exchange?.shutDown() }
        host.outputIsReady()
    }

    func abandon() {
        hasFailed = true
        for stream in streams.values { stream.exchange?.abandon() }
        streams = [:]
        ready = []
    }

    /// After all the bytes at hand are read, so that a small body is there when its handler starts.
    private func startReady() {
        guard !ready.isEmpty else { return }
        var starting: [(Int32, Stream)] = []
        swap(&starting, &ready)
        for (id, stream) in starting where streams[id] === stream { start(id, stream) }
        starting.removeAll(keepingCapacity: true)
        ready = starting
    }

    private func start(_ id: Int32, _ stream: Stream) {
        guard runningCount < scope.limits.streamsPerConnectionMax else {
            session.reset(id, .refusedStream)
            return
        }
        let exchange = Exchange(streamID: id, executor: host.executor, incoming: stream.incoming,
                                limits: scope.limits, owner: self)
        stream.exchange = exchange
        runningCount += 1
        guard stream.headerBytes <= scope.limits.headerBytesMax else {
            return refuseHead(exchange)
        }
        let request = HTTPRequest(
            method: HTTPMethod(stream.method), target: stream.target, headers: stream.headers,
            body: stream.incoming.map { RequestBody(incoming: $0) } ?? .empty,
            connection: scope.info)
        exchange.start(request, handler: scope.handler)
    }

    private func refuseHead(_ exchange: Exchange) {
        runningCount -= 1
        exchange.output.isEnded = true
        send(ResponseHead(status: 431, headers: [:]), bodyCount: 0, of: exchange)
    }
}

extension HTTP2Connection: HTTP2Session.Delegate {
    func requestBegan(_ stream: Int32) {
        let opening = Stream()
        streams[stream] = opening
        self.opening = opening
    }

    func field(_ id: Int32, name: Span<UInt8>, value: Span<UInt8>) -> HTTP2Session.FieldVerdict {
        guard let stream = opening else { return .resetStream }
        stream.headerBytes += name.count + value.count
        // Beyond the limit fields are dropped, and the request is answered with 431.
        guard stream.headerBytes <= scope.limits.headerBytesMax else { return .accept }
        guard name.count > 0, name[0] == UInt8(ascii: ":") else {
            stream.headers.append(name: name, value: value)
            return .accept
        }
        switch name.count {
        case 5 where name[1] == UInt8(ascii: "p"): stream.target = text(value)        // :path
        case 7 where name[1] == UInt8(ascii: "m"): stream.method = text(value)        // :method
        case 10: stream.headers.append(name: Array("host".utf8).span, value: value)   // :authority
        default: break
        }
        return .accept
    }

    func requestHeadEnded(_ id: Int32, isBodyless: Bool) {
        guard let stream = opening else { return }
        opening = nil
        if !isBodyless {
            stream.incoming = IncomingBody(
                executor: host.executor, bytesAnnounced: stream.bytesAnnounced,
                supply: StreamSupply(connection: self, stream: id))
        }
        ready.append((id, stream))
    }

    func bodyBytes(_ id: Int32, _ bytes: Span<UInt8>) {
        guard let incoming = streams[id]?.incoming else {
            return session.consume(id, count: bytes.count)
        }
        incoming.append(bytes)
    }

    func bodyEnded(_ id: Int32) {
        streams[id]?.incoming?.finish()
    }

    func resetByClient(_ id: Int32) {
        if !resets.take(secondsNow: host.secondsUp) { session.goAway(.enhanceYourCalm) }
    }

    func closed(_ id: Int32) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        stream.exchange?.abandon()
        stream.incoming?.fail(.disconnected)
    }

    func outputReady(_ id: Int32) -> (count: Int, isLast: Bool) {
        guard let exchange = streams[id]?.exchange else { return (0, true) }
        return (exchange.output.count, exchange.output.isEnded)
    }

    func moveOutput(_ id: Int32, count: Int, to output: inout [UInt8]) {
        guard let exchange = streams[id]?.exchange else { return }
        exchange.output.move(upTo: count, to: &output)
        exchange.outputShrank()
        if exchange.output.isEmpty && exchange.output.isEnded { exchange.incoming?.discard() }
    }
}

extension HTTP2Connection: Exchange.Owner {
    func send(_ head: ResponseHead, bodyCount: Int?, of exchange: Exchange) {
        guard streams[exchange.streamID]?.exchange === exchange else { return }
        let hasBody = !exchange.output.isEnded || !exchange.output.isEmpty
        session.respond(exchange.streamID,
                        HTTP2HeadBlock(head, bodyCount: head.mayHaveBody ? bodyCount : nil,
                                       date: host.date),
                        hasBody: hasBody)
        host.outputIsReady()
    }

    func outputGrew(of exchange: Exchange) {
        guard streams[exchange.streamID]?.exchange === exchange else { return }
        session.resume(exchange.streamID)
        host.outputIsReady()
    }

    func breakOff(_ exchange: Exchange) {
        guard streams[exchange.streamID]?.exchange === exchange else { return }
        session.reset(exchange.streamID, .internalError)
        host.outputIsReady()
    }

    func taskEnded(of exchange: Exchange) {
        runningCount -= 1
    }
}

extension HTTP2Connection {
    fileprivate func bodyWasTaken(_ id: Int32, count: Int) {
        guard let stream = streams[id] else { return }
        session.consume(id, count: count)
        if let exchange = stream.exchange, exchange.output.isEnded, exchange.output.isEmpty {
            stream.discardedCount += count
            if stream.discardedCount > scope.limits.bodyDiscardBytesMax { session.reset(id, .none) }
        }
        host.outputIsReady()
    }
}

/// What one stream's body asks of its connection.
private final class StreamSupply: IncomingBody.Supply {
    private weak var connection: HTTP2Connection?
    private let stream: Int32

    init(connection: HTTP2Connection, stream: Int32) {
        self.connection = connection
        self.stream = stream
    }

    func bodyIsWanted() {}
    func bodyWasTaken(count: Int) { connection?.bodyWasTaken(stream, count: count) }
}

/// How often a client may reset streams: a reset costs it little and the server much
/// (CVE-2023-44487). A bucket that fills with time, as nghttp2 has it since 1.57.
struct ResetBudget {
    private let max: Int
    private let perSecond: Int
    private var left: Int
    private var secondsLast: Int64

    init(max: Int, perSecond: Int, secondsNow: Int64) {
        (self.max, self.perSecond, left, secondsLast) = (max, perSecond, max, secondsNow)
    }

    /// Takes one; false if there is none.
    mutating func take(secondsNow: Int64) -> Bool {
        let seconds = Swift.min(Swift.max(0, secondsNow - secondsLast), Int64(max))
        left = Swift.min(max, left + Int(seconds) * perSecond)
        secondsLast = secondsNow
        guard left > 0 else { return false }
        left -= 1
        return true
    }
}

func text(_ bytes: Span<UInt8>) -> String {
    unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
}
