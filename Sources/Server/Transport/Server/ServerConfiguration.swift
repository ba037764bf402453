/// Where a server listens, as whom, and how much it lets one client take.
public struct ServerConfiguration: Sendable {
    /// An IP address or a name.
    public var host: String
    /// 0 picks a free one.
    public var port: Int
    /// Nil serves HTTP/1.1 in the clear.
    public var tls: TLSConfiguration?
    /// Event loops, each with its thread; nil is one a core.
    public var threadCount: Int?
    public var limits: ServerLimits

    public init(host: String = "127.0.0.1", port: Int, tls: TLSConfiguration?,
                threadCount: Int? = nil, limits: ServerLimits = ServerLimits()) {
        self.host = host
        self.port = port
        self.tls = tls
        self.threadCount = threadCount
        self.limits = limits
    }
}

/// The server's certificate and whom it believes, all PEM.
public struct TLSConfiguration: Sendable {
    /// The server's certificate, then the intermediate ones.
    public var certificateChainPEM: [UInt8]
    public var privateKeyPEM: [UInt8]
    /// Certificates of client CAs. Empty: clients are not asked for a certificate.
    public var clientCAsPEM: [UInt8]

    public init(certificateChainPEM: [UInt8], privateKeyPEM: [UInt8],
                clientCAsPEM: [UInt8] = []) {
        self.certificateChainPEM = certificateChainPEM
        self.privateKeyPEM = privateKeyPEM
        self.clientCAsPEM = clientCAsPEM
    }
}

/// What no client can exceed.
public struct ServerLimits: Sendable {
    /// Connections at a time; further ones are closed as they come.
    public var connectionsMax = 20_000
    /// Request line and header fields together (HTTP/2: names and values). 431 beyond.
    public var headerBytesMax = 65_536
    /// Requests of one HTTP/2 connection being answered at a time, as Go's server has it.
    public var streamsPerConnectionMax = 250
    /// Flow-control window for one HTTP/2 request body; kube-apiserver's.
    public var streamWindowBytes = 262_144
    /// Flow-control window for all bodies of an HTTP/2 connection.
    public var connectionWindowBytes = 1_048_576
    /// Bytes of an HTTP/1.1 body, or of pipelined requests, that wait for the handler.
    public var requestBytesWaitingMax = 262_144
    /// Bytes of a body that is read and thrown away to keep a connection, after its answer is out.
    public var bodyDiscardBytesMax = 262_144
    /// High-water mark of a streamed answer: above it `ResponseWriter.write` waits.
    public var responseBytesWaitingMax = 65_536
    /// Smaller bodies are not compressed; kube-apiserver's.
    public var gzipBytesMin = 131_072
    /// HTTP/2 streams that a client may reset at once, and how many more each second.
    public var resetsMax = 1_000
    public var resetsPerSecond = 33
    public var handshakeTimeout = Duration.seconds(10)
    /// From a request's first byte to its head's last; kube-apiserver's.
    public var readHeaderTimeout = Duration.seconds(32)
    /// How long a connection may have no request; kube-apiserver's.
    public var idleTimeout = Duration.seconds(90)
    /// How long a client may take nothing of an answer that is made while it is sent. What the answer
    /// is made of is held until then.
    public var stalledAnswerTimeout = Duration.seconds(60)

    public init() {}
}
