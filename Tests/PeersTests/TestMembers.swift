import Glibc
import Joining
import PKI
@testable import Peers

/// Certificates of the tests.
struct TestAuthority {
    static let nowSeconds = Int64(time(nil))
    let authority: CertificateAuthority

    init() throws {
        authority = try .makeSelfSigned(
            commonName: "test", nowSeconds: Self.nowSeconds, validSeconds: 86_400)
    }

    struct Identity {
        let certificatePEM: [UInt8]
        let keyPEM: [UInt8]
    }

    func member(_ name: String) throws -> Identity {
        let key = try PrivateKey.makeP256()
        let certificate = try authority.issueMember(
            name: name, key: key.publicKey, nowSeconds: Self.nowSeconds, validSeconds: 86_400)
        return try Identity(certificatePEM: certificate.pem(), keyPEM: key.pem())
    }

    func client(_ name: String) throws -> Identity {
        let key = try PrivateKey.makeP256()
        let certificate = try authority.issueClient(
            commonName: name, organizations: ["system:masters"], key: key.publicKey,
            nowSeconds: Self.nowSeconds, validSeconds: 86_400)
        return try Identity(certificatePEM: certificate.pem(), keyPEM: key.pem())
    }

    func server(_ name: String) throws -> Identity {
        let key = try PrivateKey.makeP256()
        let certificate = try authority.issueServer(
            commonName: name, names: ["127.0.0.1"], key: key.publicKey,
            nowSeconds: Self.nowSeconds, validSeconds: 86_400)
        return try Identity(certificatePEM: certificate.pem(), keyPEM: key.pem())
    }
}

/// What happened, in order; a test waits for it.
final class Mailbox<Event: Sendable>: Sendable {
    private let events: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation

    init() { (events, continuation) = AsyncStream.makeStream() }

    func put(_ event: Event) { continuation.yield(event) }

    /// The next event that is like that; those before it are forgotten.
    func first(where isWanted: (Event) -> Bool = { _ in true }) async throws -> Event {
        for await event in events where isWanted(event) { return event }
        throw CancellationError()
    }
}

/// A member, with what it received and noticed.
struct TestMember: Sendable {
    let network: PeerNetwork
    let address: PeerAddress
    let frames: Mailbox<[UInt8]>
    let notices: Mailbox<PeerNotice>
    /// Members that frames to may be lost.
    let losses: Mailbox<UInt64>

    /// - Parameter believes: The CA of the others; nil is the member's own.
    static func start(
        _ identity: TestAuthority.Identity, believes: TestAuthority, port: Int = 0,
        joinDesk: JoinDesk? = nil, limits change: (inout PeerLimits) -> Void = { _ in },
        receive: (@Sendable ([UInt8], String) -> Void)? = nil
    ) async throws -> TestMember {
        var limits = PeerLimits()
        limits.noticeInterval = .zero
        limits.reconnectDelayMin = .milliseconds(1)
        limits.silenceMax = .seconds(60)
        change(&limits)
        let (frames, notices) = (Mailbox<[UInt8]>(), Mailbox<PeerNotice>())
        let losses = Mailbox<UInt64>()
        let network = try PeerNetwork(
            PeerNetworkConfiguration(
                host: "127.0.0.1", port: port, certificatePEM: identity.certificatePEM,
                keyPEM: identity.keyPEM,
                authorityPEM: try believes.authority.certificate.pem(),
                limits: limits, joinDesk: joinDesk, onNotice: { notices.put($0) }),
            receive: receive ?? { frame, _ in frames.put(frame) }, unreachable: { losses.put($0) })
        return TestMember(network: network, address: try await network.start(), frames: frames,
                          notices: notices, losses: losses)
    }

    func send(_ frame: [UInt8], to other: TestMember, as member: UInt64 = 2) {
        network.send(frame, to: member, at: other.address.description)
    }

    /// Waits until frames to `member` can be sent.
    func isConnected(to member: UInt64 = 2) async throws {
        _ = try await notices.first {
            if case .connected(member, _) = $0 { true } else { false }
        }
    }

    /// The reason for which a connection to another member was not made, or ended.
    func complaint() async throws -> String {
        let notice = try await notices.first {
            switch $0 {
            case .lost, .unreachable: true
            default: false
            }
        }
        switch notice {
        case .lost(_, _, let reason), .unreachable(_, _, let reason): return reason
        default: return ""
        }
    }

    /// The reason for which somebody who connected was turned away.
    func refusal() async throws -> String {
        let notice = try await notices.first { if case .refused = $0 { true } else { false } }
        if case .refused(_, let reason) = notice { return reason }
        return ""
    }
}

extension Array<TestMember> {
    func stop() async {
        for member in self { await member.network.shutdown() }
    }
}
