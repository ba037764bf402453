import NIOCore

/// One request and its answer in flight, for either version of HTTP. Lives on its event loop.
final class Exchange: @unchecked Sendable {
    /// The connection that the exchange is part of.
    protocol Owner: AnyObject {
        /// The head is decided. `bodyCount` is nil when the body's length is not known yet.
        func send(_ head: ResponseHead, bodyCount: Int?, of exchange: Exchange)
        /// `output` has more bytes or is ended.
        func outputGrew(of exchange: Exchange)
        /// The body can't be completed; the client must notice.
        func breakOff(_ exchange: Exchange)
        /// The handler's task is over.
        func taskEnded(of exchange: Exchange)
    }

    /// Tells the exchanges of an HTTP/2 connection apart.
    let streamID: Int32
    let executor: EventLoopExecutor
    let incoming: IncomingBody?
    let limits: ServerLimits
    /// Holds the exchange while it is in flight, so the two hold each other until it ends.
    private(set) var owner: (any Owner)?
    var output = BodyQueue()
    private(set) var isHeadSent = false
    private(set) var isRunning = false
    /// The client is gone or has reset the stream.
    private(set) var isGone = false
    private var isShuttingDown = false
    private var isStreaming = false
    private var task: Task<Void, Never>?
    /// Where the rest of the answer comes from, if from a feed.
    private var feed: (any ResponseFeed)?
    /// The feed waits for the client to take what it gave.
    private var isFeedHeldUp = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    init(streamID: Int32, executor: EventLoopExecutor, incoming: IncomingBody?,
         limits: ServerLimits, owner: any Owner) {
        self.streamID = streamID
        self.executor = executor
        self.incoming = incoming
        self.limits = limits
        self.owner = owner
    }

    func start(_ request: HTTPRequest, handler: any RequestHandler) {
        isRunning = true
        task = Task(executorPreference: executor) {
            let response = await handler.respond(to: request)
            await self.send(response, to: request)
            self.task = nil
            if self.feed == nil { self.finish() }
        }
    }

    private func finish() {
        isRunning = false
        owner?.taskEnded(of: self)
        owner = nil
    }

    /// Nobody waits for the answer any more.
    func abandon() {
        guard !isGone else { return }
        isGone = true
        output.removeAll()
        incoming?.fail(.disconnected)
        task?.cancel()
        endFeed { _ in }
        wakeWriters()
    }

    /// Ends a streamed answer; an answer that has a known end is left to come to it.
    func shutDown() {
        isShuttingDown = true
        if isStreaming { task?.cancel() }
        feed?.stop()
    }

    /// Bytes of `output` went out.
    func outputShrank() {
        guard output.count < limits.responseBytesWaitingMax else { return }
        wakeWriters()
        // Not now: the connection is in the middle of taking from `output`.
        if isFeedHeldUp { executor.wake(self) }
    }

    private func wakeWriters() {
        guard !waiters.isEmpty else { return }
        let woken = waiters
        waiters = []
        for waiter in woken { waiter.resume() }
    }

    // MARK: The handler's task

    private func send(_ response: HTTPResponse, to request: HTTPRequest) async {
        guard !isGone else { return }
        var head = ResponseHead(status: response.status, headers: response.headers)
        if request.method == .head || !head.mayHaveBody {
            return finish(&head, pieces: [], count: response.body.countKnown)
        }
        let gzip = response.isCompressible && acceptsGzip(request.headers)
        switch response.body {
        case .none:
            finish(&head, pieces: [], count: 0)
        case .bytes(let bytes):
            guard gzip, bytes.count > limits.gzipBytesMin else {
                return finish(&head, pieces: [bytes], count: bytes.count)
            }
            await stream(&head, gzip: true) { try await $0.write(bytes) }
        case .chunks(let chunks):
            let count = chunks.reduce(0) { $0 + $1.count }
            guard gzip, count > limits.gzipBytesMin else {
                return finish(&head, pieces: chunks, count: count)
            }
            await stream(&head, gzip: true) { for chunk in chunks { try await $0.write(chunk) } }
        case .stream(let produce):
            await stream(&head, gzip: gzip, produce)
        case .feed(let feed): begin(feed, head)
        }
    }

    private func finish(_ head: inout ResponseHead, pieces: [[UInt8]], count: Int?) {
        for piece in pieces { output.append(piece) }
        output.isEnded = true
        isHeadSent = true
        owner?.send(head, bodyCount: count, of: self)
        owner?.outputGrew(of: self)
    }

    private func stream(
        _ head: inout ResponseHead, gzip: Bool,
        _ produce: @Sendable (any ResponseWriter) async throws -> Void
    ) async {
        isStreaming = true
        if isShuttingDown { task?.cancel() }
        do {
            if gzip {
                let writer = GzipWriter(head: head, exchange: self)
                try await produce(writer)
                try await writer.finish()
            } else {
                sendHead(head)
                try await produce(PlainWriter(exchange: self))
            }
            end()
        } catch is CancellationError {
            end()
        } catch {
            if !isGone { owner?.breakOff(self) }
        }
    }

    // MARK: Feeds

    private func begin(_ feed: any ResponseFeed, _ head: ResponseHead) {
        self.feed = feed
        sendHead(head)
        // They hold each other until the feed ends.
        feed.onWake { self.executor.wake(self) }
        if isShuttingDown { feed.stop() }
        wake()
    }

    /// Takes from the feed what there is and the client has room for.
    func wake() {
        guard let feed, !isGone else { return }
        isFeedHeldUp = false
        var hasGrown = false
        defer { if hasGrown { owner?.outputGrew(of: self) } }
        while output.count < limits.responseBytesWaitingMax {
            switch feed.next() {
            case .bytes(let bytes):
                output.append(bytes)
                hasGrown = true
            case .wait: return
            case .end: return endFeed { $0.end() }
            case .broken: return endFeed { $0.owner?.breakOff($0) }
            }
        }
        isFeedHeldUp = true
    }

    private func endFeed(_ say: (Exchange) -> Void) {
        guard let feed else { return }
        self.feed = nil
        feed.stop()
        say(self)
        // The task that began the feed has still to end if it is within it.
        if task == nil { finish() }
    }

    private func end() {
        guard !isGone else { return }
        output.isEnded = true
        owner?.outputGrew(of: self)
    }

    func sendHead(_ head: ResponseHead) {
        guard !isGone else { return }
        isHeadSent = true
        owner?.send(head, bodyCount: nil, of: self)
    }

    func write(_ bytes: [UInt8]) async throws(ResponseWriteError) {
        guard executor.eventLoop.inEventLoop else {
            let written = await withTaskExecutorPreference(executor) {
                do throws(ResponseWriteError) {
                    try await self.write(bytes)
                    return true
                } catch { return false }
            }
            guard written else { throw .disconnected }
            return
        }
        guard !isGone else { throw .disconnected }
        output.append(bytes)
        owner?.outputGrew(of: self)
        while output.count >= limits.responseBytesWaitingMax && !isGone {
            let timeout = TimeAmount(limits.stalledAnswerTimeout)
            let stalled = executor.eventLoop.scheduleTask(in: timeout) {
                self.executor.turn { self.owner?.breakOff(self) }
            }
            await withCheckedContinuation { waiters.append($0) }
            stalled.cancel()
        }
        if isGone { throw .disconnected }
    }
}

extension Exchange: EventLoopExecutor.Wakeable {}

/// Status and fields of an answer on its way out.
struct ResponseHead: Sendable {
    var status: Int
    var headers: HTTPHeaders

    /// 1xx, 204 and 304 never have one.
    var mayHaveBody: Bool { status >= 200 && status != 204 && status != 304 }
}

/// Hands pieces on as they are.
private struct PlainWriter: ResponseWriter {
    let exchange: Exchange

    func write(_ bytes: [UInt8]) async throws(ResponseWriteError) {
        try await exchange.write(bytes)
    }
}

extension HTTPResponse.Body {
    /// The body's length, unless it is made while it is sent.
    var countKnown: Int? {
        switch self {
        case .none: 0
        case .bytes(let bytes): bytes.count
        case .chunks(let chunks): chunks.reduce(0) { $0 + $1.count }
        case .stream, .feed: nil
        }
    }
}
