import Joining
import PKI
import Synchronization
import Testing
import Transport
@testable import Peers

@Suite("Frames between members", .timeLimit(.minutes(1)))
struct PeerNetworkTests {
    let authority: TestAuthority

    init() throws { authority = try TestAuthority() }

    private func pair(
        limits: (inout PeerLimits) -> Void = { _ in }
    ) async throws -> (TestMember, TestMember) {
        let one = try await TestMember.start(
            authority.member("n1"), believes: authority, limits: limits)
        let two = try await TestMember.start(authority.member("n2"), believes: authority)
        return (one, two)
    }

    @Test("Frames of all sizes come through, in order")
    func sizes() async throws {
        let (one, two) = try await pair()
        for count in [1, 100, 16_384, 300_000, 5_000_000] {
            let frame = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            one.send(frame, to: two)
            #expect(try await two.frames.first() == frame)
        }
        #expect(one.network.connected == [2])
        #expect(one.network.counts.bytesSent == two.network.counts.bytesReceived)
        await [one, two].stop()
    }

    @Test("Ten thousand frames that are sent at once come in order, both ways")
    func many() async throws {
        let (one, two) = try await pair()
        for number in 0..<10_000 {
            let frame = [UInt8(number & 255), UInt8(number >> 8)]
            one.send(frame, to: two)
            two.send(frame, to: one, as: 1)
        }
        for number in 0..<10_000 {
            let frame = [UInt8(number & 255), UInt8(number >> 8)]
            #expect(try await two.frames.first() == frame)
            #expect(try await one.frames.first() == frame)
        }
        #expect(one.network.counts.framesDropped == 0)
        await [one, two].stop()
    }

    @Test("A member of another CA is not believed by who connects to it")
    func foreignServer() async throws {
        let other = try TestAuthority()
        let one = try await TestMember.start(authority.member("n1"), believes: authority)
        let two = try await TestMember.start(other.member("n2"), believes: other)
        one.send([1], to: two)
        #expect(try await one.complaint().hasPrefix("its certificate is not of this cluster's CA"))
        #expect(try await two.refusal().hasPrefix("TLS failed"))
        #expect(try await one.losses.first() == 2)
        #expect(one.network.connected == [])
        await [one, two].stop()
    }

    @Test("A member of another CA is not believed when it connects")
    func foreignClient() async throws {
        let other = try TestAuthority()
        let one = try await TestMember.start(other.member("n1"), believes: authority)
        let two = try await TestMember.start(authority.member("n2"), believes: authority)
        one.send([1], to: two)
        #expect(try await two.refusal().hasPrefix("its certificate is not of this cluster's CA"))
        #expect(try await one.complaint() == "it does not take this member for one")
        #expect(two.network.counts.framesReceived == 0)
        await [one, two].stop()
    }

    @Test("A client of the API is no member, though it has a certificate of the cluster's CA")
    func wrongRole() async throws {
        let one = try await TestMember.start(authority.client("admin"), believes: authority)
        let two = try await TestMember.start(authority.member("n2"), believes: authority)
        one.send([1], to: two)
        #expect(try await two.refusal() == "its certificate (admin) is not a member's")
        #expect(two.network.counts.framesReceived == 0)
        await [one, two].stop()
    }

    @Test("The API's server is no member either")
    func wrongServerRole() async throws {
        let one = try await TestMember.start(authority.member("n1"), believes: authority)
        let two = try await TestMember.start(authority.server("martlet"), believes: authority)
        one.send([1], to: two)
        #expect(try await one.complaint() == "its certificate (martlet) is not a member's")
        await [one, two].stop()
    }

    @Test("An address that somebody has is said to be in use")
    func addressInUse() async throws {
        let one = try await TestMember.start(authority.member("n1"), believes: authority)
        let identity = try authority.member("n2")
        let two = try PeerNetwork(
            PeerNetworkConfiguration(
                host: "127.0.0.1", port: one.address.port, certificatePEM: identity.certificatePEM,
                keyPEM: identity.keyPEM, authorityPEM: authority.authority.certificate.pem()),
            receive: { _, _ in })
        let error = await #expect(throws: ListenError.self) { try await two.start() }
        #expect(error?.reason == "Address already in use")
        await two.shutdown()
        await [one].stop()
    }

    @Test("Who speaks HTTPS to a member is turned away")
    func https() async throws {
        let two = try await TestMember.start(authority.member("n2"), believes: authority)
        let tls = try ClientTLSConfiguration(
            serverCAsPEM: authority.authority.certificate.pem(), certificateChainPEM: [],
            privateKeyPEM: [])
        let client = try HTTPClient(HTTPClientConfiguration(
            host: "127.0.0.1", port: two.address.port, tls: tls))
        await #expect(throws: HTTPClientError.self) {
            try await client.send(HTTPClientRequest(.get, "/"))
        }
        await client.shutdown()
        await [two].stop()
    }

    @Test("A frame that is larger than it may be cuts its sender off")
    func tooLarge() async throws {
        let one = try await TestMember.start(authority.member("n1"), believes: authority)
        let two = try await TestMember.start(
            authority.member("n2"), believes: authority, limits: { $0.frameBytesMax = 100_000 })
        one.send([UInt8](repeating: 1, count: 100_000), to: two)
        #expect(try await two.frames.first().count == 100_000)
        one.send([UInt8](repeating: 1, count: 100_001), to: two)
        #expect(try await two.refusal() == "it sent a frame of 100001 bytes, too large")
        #expect(try await one.complaint() == "the other side closed it")
        await [one, two].stop()
    }

    @Test("A frame that is larger than this side's own limit is not sent, nor is an empty one")
    func notSent() async throws {
        let (one, two) = try await pair(limits: { $0.frameBytesMax = 10 })
        one.send([UInt8](repeating: 1, count: 11), to: two)
        one.send([], to: two)
        one.send([7], to: two)
        #expect(try await two.frames.first() == [7])
        #expect(one.network.counts.framesDropped == 2)
        await [one, two].stop()
    }

    @Test("What a slow member does not take is dropped beyond a limit, and the rest comes in order")
    func slow() async throws {
        let gate = Gate()
        let frames = Mailbox<[UInt8]>()
        let one = try await TestMember.start(
            authority.member("n1"), believes: authority, limits: { $0.bytesWaitingMax = 1_000_000 })
        let two = try await TestMember.start(
            authority.member("n2"), believes: authority,
            receive: { frame, _ in
                gate.pass()
                frames.put(frame)
            })
        one.send([0, 0], to: two)
        try await one.isConnected()
        var sent = 1
        while one.network.counts.framesDropped == 0 {
            one.send([UInt8(sent & 255), UInt8(sent >> 8)] + [UInt8](repeating: 9, count: 60_000),
                     to: two)
            sent += 1
        }
        // It waits for nobody, and what is dropped is the newest.
        #expect(one.network.connected == [2])
        gate.open()
        for number in 0..<sent - 1 {
            let frame = try await frames.first()
            #expect(frame.prefix(2) == [UInt8(number & 255), UInt8(number >> 8)])
        }
        await [one, two].stop()
    }

    @Test("A member that restarts is connected to again, and gets what is sent from then on")
    func restart() async throws {
        let (one, two) = try await pair()
        one.send([1], to: two)
        #expect(try await two.frames.first() == [1])
        await two.network.shutdown()
        #expect(try await one.losses.first() == 2)
        let again = try await TestMember.start(
            authority.member("n2"), believes: authority, port: two.address.port)
        try await one.isConnected()
        try await one.isConnected()
        one.send([2], to: again)
        #expect(try await again.frames.first() == [2])
        await [one, again].stop()
    }

    @Test("What waits for a member that cannot be reached is dropped at each attempt")
    func unreachable() async throws {
        let (one, two) = try await pair()
        await two.network.shutdown()
        one.send([1], to: two)
        #expect(try await one.complaint() == "Connection refused")
        #expect(one.network.counts.framesDropped == 1)
        #expect(one.network.counts.framesSent == 0)
        await [one].stop()
    }

    @Test("An address that is none is said to be, and costs the frame")
    func badAddress() async throws {
        let one = try await TestMember.start(authority.member("n1"), believes: authority)
        one.network.send([1], to: 2, at: "nowhere")
        #expect(try await one.complaint() == "that is no HOST:PORT")
        await [one].stop()
    }

    @Test("A member that moves is followed to its new address")
    func moves() async throws {
        let (one, two) = try await pair()
        let moved = try await TestMember.start(authority.member("n2"), believes: authority)
        one.send([1], to: two)
        #expect(try await two.frames.first() == [1])
        one.send([2], to: moved)
        #expect(try await moved.frames.first() == [2])
        await [one, two, moved].stop()
    }

    @Test("A member that comes back under another number keeps its place, and one connection")
    func anotherNumber() async throws {
        let (one, two) = try await pair()
        one.send([1], to: two)
        #expect(try await two.frames.first() == [1])
        one.network.send([2], to: 20, at: two.address.description)
        #expect(try await two.frames.first() == [2])
        one.network.send([3], to: 20, at: two.address.description)
        #expect(try await two.frames.first() == [3])
        await [one, two].stop()
        #expect(one.network.connected == [])
    }

    @Test("A member that is forgotten is connected to no more, until something is sent to it")
    func forget() async throws {
        let (one, two) = try await pair()
        one.send([1], to: two)
        #expect(try await two.frames.first() == [1])
        one.network.forget(member: 2)
        one.send([2], to: two)
        #expect(try await two.frames.first() == [2])
        try await one.isConnected()
        try await one.isConnected()
        await [one, two].stop()
        #expect(one.network.connected == [])
    }

    @Test("A connection that hangs half open is found out by its silence, and made anew")
    func halfOpen() async throws {
        let one = try await TestMember.start(
            authority.member("n1"), believes: authority,
            limits: {
                $0.signInterval = .milliseconds(20)
                $0.silenceMax = .milliseconds(500)
            })
        let two = try await TestMember.start(
            authority.member("n2"), believes: authority,
            limits: { $0.signInterval = .milliseconds(20) })
        let wire = try await Wire.start(to: two.address)
        one.network.send([1], to: 2, at: wire.address.description)
        #expect(try await two.frames.first() == [1])
        await wire.hang()
        // Nothing says that the frame does not arrive, but the silence.
        one.network.send([2], to: 2, at: wire.address.description)
        #expect(try await one.complaint() == "it was silent for 0.5 seconds")
        try await one.isConnected()
        one.network.send([3], to: 2, at: wire.address.description)
        // The one before may come late, as it is in the wire.
        #expect(try await two.frames.first { $0 == [3] } == [3])
        await [one, two].stop()
        await wire.stop()
    }

    @Test("A host that takes connections and says nothing is no member")
    func silentServer() async throws {
        let one = try await TestMember.start(
            authority.member("n1"), believes: authority,
            limits: { $0.connectTimeout = .milliseconds(200) })
        let wire = try await Wire.start(to: one.address)
        await wire.hangFromTheStart()
        one.network.send([1], to: 2, at: wire.address.description)
        #expect(try await one.complaint() == "no answer within 0.2 seconds")
        await [one].stop()
        await wire.stop()
    }

    @Test("A client that says nothing is closed")
    func silentClient() async throws {
        let two = try await TestMember.start(
            authority.member("n2"), believes: authority,
            limits: { $0.connectTimeout = .milliseconds(200) })
        try await Wire.connectAndWaitForClose(to: two.address)
        await [two].stop()
    }

    @Test("There are as many connections as there may be, and no more")
    func connectionLimit() async throws {
        let two = try await TestMember.start(
            authority.member("n2"), believes: authority, limits: { $0.connectionsMax = 1 })
        let one = try await TestMember.start(authority.member("n1"), believes: authority)
        let three = try await TestMember.start(authority.member("n3"), believes: authority)
        one.send([1], to: two)
        #expect(try await two.frames.first() == [1])
        three.send([3], to: two)
        _ = try await three.complaint()
        await one.network.shutdown()
        try await three.isConnected()
        three.send([4], to: two)
        #expect(try await two.frames.first { $0 == [4] } == [4])
        await [two, three].stop()
    }
}

/// Closed at first.
private final class Gate: Sendable {
    private let isOpen = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }

    /// Waits on its thread, as a consumer that is too slow would.
    func pass() {
        while !isOpen.withLock({ $0 }) { yieldThread() }
    }
}
