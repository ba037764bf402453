/// An answer, with a body that is there already or is made while it is sent.
public struct HTTPResponse: Sendable {
    public enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Several pieces, sent as one body of known length without joining them.
        case chunks([[UInt8]])
        /// Made piece by piece. Returning ends the body; throwing breaks it off, so that the client
        /// sees that it is not whole. The task is cancelled when the client goes away or the
        /// server shuts down; throwing `CancellationError` then ends the body as returning does.
        case stream(@Sendable (any ResponseWriter) async throws -> Void)
        /// Asked for when there is something and the client has room: for answers that are quiet
        /// for long, of which there may be thousands. Never compressed.
        case feed(any ResponseFeed)
    }

    public var status: Int
    /// `content-length`, `transfer-encoding`, `connection` and `date` are the server's business.
    public var headers: HTTPHeaders
    public var body: Body
    /// Whether the body may be gzipped when the client takes that and it is large enough.
    public var isCompressible: Bool

    public init(status: Int, headers: HTTPHeaders = [:], body: Body = .none,
                isCompressible: Bool = false) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isCompressible = isCompressible
    }
}

/// Where a streamed body goes.
public protocol ResponseWriter: Sendable {
    /// Sends `bytes`, at once if the client keeps up.
    ///
    /// Keeps a reference to the array, not a copy: the same event can go to many clients. Returns
    /// when less than the high-water mark waits to be sent, so a slow client holds up its writer.
    ///
    /// - Throws: ``ResponseWriteError/disconnected`` once the client is gone.
    func write(_ bytes: [UInt8]) async throws(ResponseWriteError)
}

/// A body that comes about by itself, such as a watch. It has no task: it is asked on the
/// connection's event loop, by one at a time.
public protocol ResponseFeed: Sendable {
    /// Has `wake` called, from any thread, when there is something after ``next()`` said
    /// ``ResponseFeedStep/wait``. Called once, before anything else.
    func onWake(_ wake: @escaping @Sendable () -> Void)
    /// What is to be sent now. Must not wait.
    func next() -> ResponseFeedStep
    /// The client is gone, or the server shuts down: come to an end.
    func stop()
}

public enum ResponseFeedStep: Sendable {
    case bytes([UInt8])
    /// Nothing yet.
    case wait
    case end
    /// The body can't be completed; the client must notice.
    case broken
}

public enum ResponseWriteError: Error, Equatable {
    /// The client went away or reset the stream. Nothing more can be sent.
    case disconnected
}

/// Answers requests. The one thing that the transport asks of the program above it.
public protocol RequestHandler: Sendable {
    /// Called once for a request. Starts on the connection's event loop; work that takes long
    /// should suspend or go elsewhere. Cancelled when the client goes away.
    func respond(to request: HTTPRequest) async -> HTTPResponse
}
