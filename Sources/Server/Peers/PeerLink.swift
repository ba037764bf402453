import Joining
import NIOCore
import NIOPosix
import Transport

/// The connection to one member that frames are sent over: made, kept, and made again. Lives on
/// the network's loop.
final class PeerLink: @unchecked Sendable {
    private enum State {
        /// Until the next attempt.
        case waiting
        /// Until the other side has said that it believes us.
        case greeting(FrameChannel, deadline: NIODeadline)
        case connected(FrameChannel)
        case closed
    }

    let member: UInt64
    let route: Outboxes.Route
    private let loop: PeerLoop
    private var state = State.waiting
    private var backoff: Backoff
    private var writer = FrameWriter()
    private var hasWrittenSinceTick = false
    private var isPumping = false
    private var address: String { route.address }

    init(to member: UInt64, by route: Outboxes.Route, loop: PeerLoop) {
        (self.member, self.route, self.loop) = (member, route, loop)
        backoff = Backoff(from: loop.limits.reconnectDelayMin, upTo: loop.limits.reconnectDelayMax)
    }

    func connect() {
        guard case .waiting = state else { return }
        guard let place = PeerAddress(address) else { return fail("that is no HOST:PORT") }
        let channel: FrameChannel
        do throws(TLSError) {
            channel = FrameChannel(
                tls: try TLSSession(loop.clientTLS), startsHandshake: true, owner: self)
        } catch {
            return fail("\(error)")
        }
        state = .greeting(channel, deadline: .now() + TimeAmount(loop.limits.connectTimeout))
        loop.begin()
        FrameChannel.connect(channel, to: place, on: loop.eventLoop,
                             timeout: loop.limits.connectTimeout)
            .whenComplete { result in
                if case .failure(let error) = result { self.couldNotConnect(channel, error) }
                self.loop.finish()
            }
    }

    private func couldNotConnect(_ channel: FrameChannel, _ error: any Error) {
        guard case .greeting(let current, _) = state, current === channel else { return }
        fail(describe(error))
    }

    /// Sends what waits, as much as the socket takes.
    func pump() {
        // A write may find that more can be written, or nothing any more.
        guard !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        while case .connected(let channel) = state, channel.isWritable {
            if writer.isEmpty {
                loop.outboxes.move(to: &writer, for: member, bytesMax: FrameChannel.fillBytesMax)
                if writer.isEmpty { return }
            }
            var plaintext: [UInt8] = []
            writer.fill(&plaintext, bytesMax: FrameChannel.fillBytesMax)
            hasWrittenSinceTick = true
            channel.write(plaintext: plaintext)
        }
    }

    func tick(now: NIODeadline) {
        switch state {
        case .waiting, .closed: return
        case .greeting(let channel, let deadline):
            guard deadline <= now else { return }
            fail("no answer within \(loop.limits.connectTimeout)")
            channel.close()
        case .connected(let channel):
            if now - channel.lastHeard > TimeAmount(loop.limits.silenceMax) {
                fail("it was silent for \(loop.limits.silenceMax)")
                channel.close()
            } else if !hasWrittenSinceTick && writer.isEmpty {
                channel.write([])
            }
            hasWrittenSinceTick = false
        }
    }

    func close() {
        let state = self.state
        self.state = .closed
        switch state {
        case .waiting, .closed: break
        case .greeting(let channel, _), .connected(let channel): channel.close()
        }
        loop.outboxes.noteGone(member, unwritten: dropWritten())
    }

    /// The attempt or the connection is over; another follows.
    private func fail(_ reason: String) {
        let wasConnected = if case .connected = state { true } else { false }
        state = .waiting
        loop.outboxes.noteGone(member, unwritten: dropWritten())
        loop.outboxes.dropWaiting(for: member)
        loop.tell(wasConnected ? .lost(member: member, address: address, reason: reason)
            : .unreachable(member: member, address: address, reason: reason))
        loop.unreachable(member)
        loop.eventLoop.scheduleTask(in: TimeAmount(backoff.wait())) { self.connect() }
    }

    private func dropWritten() -> Int {
        defer { writer = FrameWriter() }
        return writer.count
    }
}

extension PeerLink: FrameChannel.Owner {
    func established(_ channel: FrameChannel) {
        guard case .greeting(let current, _) = state, current === channel else { return }
        var reason: String?
        if channel.tls.negotiatedProtocol != MemberProtocol.peer {
            reason = MemberProtocol.isUnknownToPeer
        } else if case .notMember(let why) = MemberProof(channel.tls.peerCertificate()) {
            reason = why
        }
        if let reason {
            fail(reason)
            channel.close()
        }
    }

    func received(_ frame: [UInt8], on channel: FrameChannel) {
        // All that comes this way are signs of life; the first says that we are believed.
        guard case .greeting(let current, _) = state, current === channel else { return }
        state = .connected(channel)
        backoff.reset()
        loop.outboxes.note(connected: member)
        loop.tell(.connected(member: member, address: address))
        pump()
    }

    func canWrite(_ channel: FrameChannel) { pump() }

    func ended(_ channel: FrameChannel, because end: FrameChannel.End) {
        switch state {
        case .greeting(let current, _) where current === channel:
            fail(end == .closedByPeer ? "it does not take this member for one" : "\(end.reason)")
        case .connected(let current) where current === channel: fail("\(end.reason)")
        default: break
        }
    }
}

/// What members speak, by ALPN.
enum MemberProtocol {
    static let peer = "martlet-peer/1"
    static let join = "martlet-join/1"
    /// The rest of a sentence.
    static let isUnknownToPeer = "it does not speak the members' protocol"
}

/// Whether a certificate that was shown is that of a member of this cluster.
enum MemberProof: Equatable {
    case member(name: String)
    /// The rest of a sentence.
    case notMember(String)

    init(_ certificate: ConnectionInfo.PeerCertificate) {
        switch certificate {
        case .none: self = .notMember("it shows no certificate")
        case .unverified(let reason):
            self = .notMember("its certificate is not of this cluster's CA (\(reason))")
        case .verified(let shown) where shown.organizations == [memberOrganization]:
            self = .member(name: shown.commonName)
        case .verified(let shown):
            self = .notMember("its certificate (\(shown.commonName)) is not a member's")
        }
    }
}

extension FrameChannel.End {
    /// The rest of a sentence.
    var reason: String {
        switch self {
        case .closedHere: "it was closed here"
        case .closedByPeer: "the other side closed it"
        case .tls(.untrustedServer(let reason)):
            "its certificate is not of this cluster's CA (\(reason))"
        case .tls(.handshakeFailed(let reason)), .tls(.connectionFailed(let reason)),
            .tls(.unusableIdentity(let reason)): "TLS failed (\(reason))"
        case .frameTooLarge(let byteCount): "it sent a frame of \(byteCount) bytes, too large"
        }
    }
}

extension FrameChannel {
    private static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(
        low: 131_072, high: 524_288)

    static func connect(
        _ channel: FrameChannel, to place: PeerAddress, on eventLoop: any EventLoop,
        timeout: Duration
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(timeout))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: waterMark)
            .channelInitializer { socket in
                socket.eventLoop.makeCompletedFuture {
                    try socket.pipeline.syncOperations.addHandler(channel)
                }
            }
        // An address needs nobody who resolves it, and who may take long.
        do {
            return bootstrap.connect(
                to: try SocketAddress(ipAddress: place.host, port: place.port))
        } catch {
            return bootstrap.connect(host: place.host, port: place.port)
        }
    }
}

/// What the system said to an attempt to connect, without NIO's wrapping.
func describe(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
        if let first = error.connectionErrors.first { describe(first.error) }
        else { "its name is not known" }
    case ChannelError.connectTimeout(let time):
        "no answer within \(time.nanoseconds / 1_000_000) ms"
    default: ListenError(error).reason
    }
}
