/// Where a member listens, as whom, and how much it lets others take.
public struct PeerNetworkConfiguration: Sendable {
    /// An IP address or a name.
    public var host: String
    /// 0 picks a free one.
    public var port: Int
    /// The member's certificate and key, PEM: of `CertificateAuthority.issueMember`.
    public var certificatePEM: [UInt8]
    public var keyPEM: [UInt8]
    /// The cluster's own CA, PEM: nobody else's certificates are believed.
    public var authorityPEM: [UInt8]
    public var limits: PeerLimits
    /// Lets new members in; nil turns all of them away.
    public var joinDesk: JoinDesk?
    /// Told of what an operator may want to know. Called on the network's thread.
    public var onNotice: @Sendable (PeerNotice) -> Void

    public init(
        host: String, port: Int, certificatePEM: [UInt8], keyPEM: [UInt8], authorityPEM: [UInt8],
        limits: PeerLimits = PeerLimits(), joinDesk: JoinDesk? = nil,
        onNotice: @escaping @Sendable (PeerNotice) -> Void = { _ in }
    ) {
        (self.host, self.port) = (host, port)
        (self.certificatePEM, self.keyPEM) = (certificatePEM, keyPEM)
        self.authorityPEM = authorityPEM
        (self.limits, self.joinDesk, self.onNotice) = (limits, joinDesk, onNotice)
    }
}

/// What no member can exceed.
public struct PeerLimits: Sendable {
    /// Bytes of a frame. A larger one is not sent; a peer that sends one is cut off.
    public var frameBytesMax = 64 * 1_048_576
    /// Frames and their bytes that wait for a member, besides those being written.
    public var framesWaitingMax = 16_384
    public var bytesWaitingMax = 128 * 1_048_576
    /// Members that frames are kept for at a time.
    public var membersMax = 64
    /// Connections from others at a time; further ones are closed as they come.
    public var connectionsMax = 64
    /// From the first packet to the peer's being known.
    public var connectTimeout = Duration.seconds(2)
    /// Each side of a connection says at least so often that it is there.
    public var signInterval = Duration.milliseconds(500)
    /// A connection that was silent for so long is closed: the other side is gone.
    public var silenceMax = Duration.seconds(3)
    /// Between two attempts to connect: doubled from the one to the other.
    public var reconnectDelayMin = Duration.milliseconds(50)
    public var reconnectDelayMax = Duration.seconds(1)
    /// How long a new member may take to be let in.
    public var joinTimeout = Duration.seconds(30)
    /// Notices of one kind about one address are no closer than this.
    public var noticeInterval = Duration.seconds(10)

    public init() {}
}

/// What a network did, since it was made.
public struct PeerCounts: Equatable, Sendable {
    public var framesSent = 0
    public var bytesSent = 0
    public var framesReceived = 0
    public var bytesReceived = 0
    /// Frames that found too many waiting before them, were too large, or were lost with their
    /// connection.
    public var framesDropped = 0

    public init() {}
}
