import Joining
import NIOCore
import NIOPosix
import PKI
import Transport

/// The organization that makes a certificate a member's.
let memberOrganization = CertificateAuthority.memberOrganization

/// All connections of a member to and from others. Lives on one event loop, so on one thread.
final class PeerLoop: @unchecked Sendable {
    /// Connections that the kernel keeps for us until we accept them.
    private static let backlog: Int32 = 128
    private static let ticksPerSign: Int64 = 2

    let eventLoop: any EventLoop
    let limits: PeerLimits
    let outboxes: Outboxes
    let clientTLS: TLSContext
    let receive: @Sendable (_ frame: [UInt8], _ sender: String) -> Void
    let unreachable: @Sendable (UInt64) -> Void
    let joinDesk: JoinDesk?
    /// SHA-256 of the certificate that this member shows.
    let fingerprint: [UInt8]
    private let serverTLS: TLSContext
    private let host: String
    private let port: Int
    private let onNotice: @Sendable (PeerNotice) -> Void
    // What follows belongs to the loop's thread.
    private var filter: NoticeFilter
    private var links: [UInt64: PeerLink] = [:]
    private var arrivals: [ObjectIdentifier: PeerArrival] = [:]
    private var listener: (any Channel)?
    private var ticks: RepeatedTask?
    private var isShutDown = false
    /// Work that ends on the loop, which may not end before.
    private var unfinishedCount = 0
    private var whenFinished: (() -> Void)?

    init(
        _ configuration: PeerNetworkConfiguration, eventLoop: any EventLoop,
        receive: @escaping @Sendable (_ frame: [UInt8], _ sender: String) -> Void,
        unreachable: @escaping @Sendable (UInt64) -> Void
    ) throws {
        let tls = TLSConfiguration(
            certificateChainPEM: configuration.certificatePEM,
            privateKeyPEM: configuration.keyPEM, clientCAsPEM: configuration.authorityPEM)
        serverTLS = try TLSContext.member(tls)
        clientTLS = try TLSContext.client(ofMembersOf: tls)
        fingerprint = SHA256.digest(try Certificate(pem: configuration.certificatePEM).der())
        self.eventLoop = eventLoop
        outboxes = Outboxes(limits: configuration.limits)
        (self.receive, self.unreachable) = (receive, unreachable)
        (host, port, limits) = (configuration.host, configuration.port, configuration.limits)
        (joinDesk, onNotice) = (configuration.joinDesk, configuration.onNotice)
        filter = NoticeFilter(interval: configuration.limits.noticeInterval)
    }

    func listen(_ group: MultiThreadedEventLoopGroup) async throws -> PeerAddress {
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let arrival = PeerArrival(loop: self)
                    let frames = FrameChannel(
                        tls: try TLSSession(self.serverTLS), startsHandshake: false, owner: arrival)
                    try channel.pipeline.syncOperations.addHandler(frames)
                    self.admit(arrival, frames)
                }
            }
            .bind(host: host, port: port).get()
        eventLoop.execute {
            self.listener = channel
            if self.isShutDown { channel.close(promise: nil) }
        }
        return PeerAddress(host: channel.localAddress?.ipAddress ?? host,
                           port: channel.localAddress?.port ?? port)
    }

    private func admit(_ arrival: PeerArrival, _ channel: FrameChannel) {
        guard !isShutDown, arrivals.count < limits.connectionsMax else { return channel.close() }
        arrivals[ObjectIdentifier(channel)] = arrival
        arrival.begin(channel)
        startTicking()
    }

    func dismiss(_ channel: FrameChannel) {
        arrivals.removeValue(forKey: ObjectIdentifier(channel))
    }

    /// A member has one connection to us: an older one is what a crash or a partition left.
    func replaceOthers(of arrival: PeerArrival, named name: String) {
        for other in Array(arrivals.values) where other !== arrival && other.memberName == name {
            other.close()
        }
    }

    func tell(_ notice: PeerNotice) {
        if filter.mayTell(notice, now: .now) { onNotice(notice) }
    }

    // MARK: Sending

    func wake() {
        eventLoop.execute { self.look() }
    }

    private func look() {
        if let members = outboxes.look(), !isShutDown { arrange(members) }
        for link in links.values { link.pump() }
    }

    private func arrange(_ members: [UInt64: Outboxes.Route]) {
        for (member, link) in links where members[member] != link.route {
            links.removeValue(forKey: member)
            link.close()
        }
        for (member, route) in members where links[member] == nil {
            let link = PeerLink(to: member, by: route, loop: self)
            links[member] = link
            link.connect()
        }
        startTicking()
    }

    // MARK: Time

    private func startTicking() {
        guard ticks == nil, !isShutDown else { return }
        let interval = TimeAmount(limits.signInterval / Int(Self.ticksPerSign))
        ticks = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            self.tick()
        }
    }

    private func tick() {
        let now = NIODeadline.now()
        for link in Array(links.values) { link.tick(now: now) }
        for arrival in Array(arrivals.values) { arrival.tick(now: now) }
        guard links.isEmpty && arrivals.isEmpty else { return }
        ticks?.cancel()
        ticks = nil
    }

    // MARK: Ending

    /// Something begins that will call ``finish()`` on the loop.
    func begin() { unfinishedCount += 1 }

    func finish() {
        unfinishedCount -= 1
        if unfinishedCount == 0, let whenFinished {
            self.whenFinished = nil
            whenFinished()
        }
    }

    func shutDown() async {
        await withCheckedContinuation { continuation in
            eventLoop.execute { self.closeAll { continuation.resume() } }
        }
    }

    private func closeAll(_ done: @escaping () -> Void) {
        look()
        isShutDown = true
        whenFinished = done
        begin()
        ticks?.cancel()
        ticks = nil
        listener?.close(promise: nil)
        for link in links.values { link.close() }
        for arrival in arrivals.values { arrival.close() }
        links = [:]
        finish()
    }
}
