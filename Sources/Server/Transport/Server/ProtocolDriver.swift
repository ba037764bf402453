/// One version of HTTP on one connection: bytes in, bytes out. Knows no sockets and no TLS.
protocol ProtocolDriver: AnyObject {
    /// Takes plaintext from the client.
    func receive(_ bytes: Span<UInt8>)
    /// Appends what should go out next, about `bytesMax` at most; nothing if there is nothing.
    func fill(_ output: inout [UInt8], bytesMax: Int)
    /// Whether the connection should end once what was filled is out.
    var isFinished: Bool { get }
    /// Whether no request is in flight.
    var isIdle: Bool { get }
    /// Whether a request's head has begun to come in.
    var isReadingHead: Bool { get }
    /// Take no new requests; finish when those in flight are done.
    func shutDown()
    /// The connection is gone.
    func abandon()
}

/// What a driver asks of its connection.
protocol DriverHost: AnyObject {
    var executor: EventLoopExecutor { get }
    /// There is something to fill, or `isFinished` changed.
    func outputIsReady()
    /// Whether to go on reading from the socket.
    func setReading(_ isReading: Bool)
    /// `Date` of now: `Sun, 06 Nov 1994 08:49:37 GMT`.
    var date: [UInt8] { get }
    /// Time that does not jump, for rates.
    var secondsUp: Int64 { get }
}

/// What every request of a connection has in common.
struct ConnectionScope {
    let info: ConnectionInfo
    let limits: ServerLimits
    let handler: any RequestHandler
}
