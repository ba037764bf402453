import Joining
import PKI
import Testing
import Transport
@testable import Peers

@Suite("Joining over the network", .timeLimit(.minutes(1)))
struct JoinNetworkTests {
    static let token = "correct-horse-battery-staple"
    static let secrets = ClusterSecrets(
        authorityCertificatePEM: Array("CA".utf8), authorityKeyPEM: Array("CA's key".utf8),
        serviceAccountKeyPEM: Array("key".utf8))
    static let request = JoinRequest(name: "n2", address: "10.0.0.2:6480", details: [1])

    let authority: TestAuthority
    let desk: JoinDesk

    init() throws {
        authority = try TestAuthority()
        desk = JoinDesk(secrets: Self.secrets, nowSeconds: { 1_000 }) {
            request throws(JoinRefusal) in
            if request.name == "taken" { throw .never("there is a member named taken") }
            // Larger than what a socket takes at once.
            return Array(request.name.utf8) + [UInt8](repeating: 7, count: 3_000_000)
        }
        desk.welcome(Self.token, untilSeconds: 1_600)
    }

    private func member(desk: JoinDesk?) async throws -> TestMember {
        try await TestMember.start(authority.member("n1"), believes: authority, joinDesk: desk)
    }

    @Test("A new member gets the cluster's secrets and what the store has to tell")
    func joins() async throws {
        let one = try await member(desk: desk)
        let grant = try await JoinClient.join(
            at: one.address, token: Self.token, request: Self.request)
        #expect(grant.secrets == Self.secrets)
        #expect(grant.details.prefix(3) == [UInt8(ascii: "n"), UInt8(ascii: "2"), 7])
        #expect(grant.details.count == 3_000_002)
        #expect(try await one.notices.first() == .joined(name: "n2", address: "10.0.0.2:6480"))
        await [one].stop()
    }

    @Test("A token that was made works once")
    func once() async throws {
        let one = try await member(desk: desk)
        let token = try #require(desk.issueToken(for: "n2"))
        _ = try await JoinClient.join(at: one.address, token: token, request: Self.request)
        await #expect(throws: JoinClient.Failure.failed(.refused(.unknownToken))) {
            try await JoinClient.join(at: one.address, token: token, request: Self.request)
        }
        await [one].stop()
    }

    @Test("Who is patient is told what it waits for, and joins once the member is there")
    func patient() async throws {
        let gone = try await member(desk: desk)
        await gone.network.shutdown()
        let waits = Mailbox<String>()
        async let grant = JoinClient.joinPatiently(
            at: gone.address, token: Self.token, request: Self.request, patience: .seconds(50),
            onWait: { waits.put($0) })
        #expect(try await waits.first() == "Connection refused")
        let one = try await TestMember.start(
            authority.member("n1"), believes: authority, port: gone.address.port, joinDesk: desk)
        #expect(try await grant.secrets == Self.secrets)
        await [one].stop()
    }

    @Test("Patience has an end, and none is wasted on a token that is wrong")
    func impatient() async throws {
        let one = try await member(desk: desk)
        await #expect(throws: JoinClient.Failure.failed(.refused(.unknownToken))) {
            try await JoinClient.joinPatiently(
                at: one.address, token: "some-other-token", request: Self.request,
                patience: .seconds(600))
        }
        await one.network.shutdown()
        await #expect(throws: JoinClient.Failure.unreachable("Connection refused")) {
            try await JoinClient.joinPatiently(
                at: one.address, token: Self.token, request: Self.request,
                patience: .milliseconds(300))
        }
    }

    @Test("A wrong token is refused, and both sides say so")
    func wrongToken() async throws {
        let one = try await member(desk: desk)
        await #expect(throws: JoinClient.Failure.failed(.refused(.unknownToken))) {
            try await JoinClient.join(
                at: one.address, token: "some-other-token", request: Self.request)
        }
        #expect(try await one.refusal() == "it may not join: "
            + "the token is not known there: it is wrong, or was used before")
        await [one].stop()
    }

    @Test("The store may refuse, in its own words")
    func refused() async throws {
        let one = try await member(desk: desk)
        let reason = JoinRefusal.never("there is a member named taken")
        await #expect(throws: JoinClient.Failure.failed(.refused(reason))) {
            try await JoinClient.join(at: one.address, token: Self.token,
                                      request: JoinRequest(name: "taken", address: ""))
        }
        await [one].stop()
    }

    @Test("A member that lets nobody in turns new members away")
    func noDesk() async throws {
        let one = try await member(desk: nil)
        await #expect(throws: JoinClient.Failure.unreachable("the other side closed it")) {
            try await JoinClient.join(at: one.address, token: Self.token, request: Self.request)
        }
        #expect(try await one.refusal() == "no new members are let in here")
        await [one].stop()
    }

    @Test("One in the middle, with a certificate of its own, learns nothing that gets it in")
    func inTheMiddle() async throws {
        let one = try await member(desk: desk)
        // It relays what both say, over a connection of its own to each: the proof is about its
        // certificate, and not about the member's.
        let key = try PrivateKey.makeP256()
        let certificate = try TestAuthority().authority.issueMember(
            name: "n1", key: key.publicKey, nowSeconds: TestAuthority.nowSeconds,
            validSeconds: 86_400)
        let middle = try await Middle.start(
            between: one.address,
            TLSConfiguration(certificateChainPEM: certificate.pem(), privateKeyPEM: key.pem()))
        await #expect(throws: JoinClient.Failure.failed(.refused(.unknownToken))) {
            try await JoinClient.join(
                at: middle.address, token: Self.token, request: Self.request)
        }
        #expect(middle.overheard == 4)
        await middle.stop()
        await [one].stop()
    }

    @Test("Who is no member is no place to join")
    func noMember() async throws {
        let identity = try authority.server("martlet")
        let server = try HTTPServer(
            ServerConfiguration(
                port: 0,
                tls: TLSConfiguration(certificateChainPEM: identity.certificatePEM,
                                      privateKeyPEM: identity.keyPEM),
                threadCount: 1),
            handler: NoAnswer())
        let address = try await server.start()
        let reason = "it does not speak the members' protocol"
        await #expect(throws: JoinClient.Failure.unreachable(reason)) {
            try await JoinClient.join(
                at: PeerAddress(host: address.host, port: address.port), token: Self.token,
                request: Self.request)
        }
        await server.shutdown(grace: .seconds(5))
    }
}

private struct NoAnswer: RequestHandler {
    func respond(to request: HTTPRequest) async -> HTTPResponse { HTTPResponse(status: 404) }
}
