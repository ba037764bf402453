import NIOCore
import NIOEmbedded
import Testing
@testable import Transport

/// One connection on an event loop whose clock goes on when a test says so.
private struct Client {
    private let clock = EmbeddedEventLoop()
    private let channel: EmbeddedChannel

    init(tls: TLSConfiguration? = nil,
         _ respond: @escaping @Sendable (HTTPRequest) async -> HTTPResponse = { _ in .text("x") })
        throws {
        let loop = ServerLoop(eventLoop: clock, tlsContext: try tls.map { try .server($0) },
                              limits: ServerLimits(), handler: Closure(respond),
                              total: ConnectionCount())
        channel = EmbeddedChannel(handler: Connection(loop: loop), loop: clock)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    var isConnected: Bool { channel.isActive }

    func say(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

    func pass(seconds: Int64) { clock.advanceTime(by: .seconds(seconds)) }

    /// All that the server has said since this was last asked.
    func answers() throws -> String {
        clock.run()
        var text = ""
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) {
            text += String(buffer: bytes)
        }
        return text
    }
}

/// Times are those of ``ServerLimits``; a deadline that has passed is noticed within 5 s.
@Suite("A connection's deadlines")
struct DeadlineTests {
    private let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test("A client that asks for nothing is sent away after 90 s")
    func idle() throws {
        let client = try Client()
        client.pass(seconds: 89)
        #expect(client.isConnected)
        client.pass(seconds: 6)
        #expect(!client.isConnected)
    }

    @Test("Each answer gives it another 90 s")
    func busy() throws {
        let client = try Client()
        for _ in 0..<3 {
            client.pass(seconds: 89)
            try client.say(request)
            #expect(try client.answers().hasSuffix("\r\n\r\nx"))
        }
        client.pass(seconds: 89)
        #expect(client.isConnected)
        client.pass(seconds: 6)
        #expect(!client.isConnected)
    }

    @Test("A head must be complete 32 s after its first byte, however often another comes")
    func slowHead() throws {
        let client = try Client()
        try client.say("GET / HTTP/1.1\r\nX: ")
        for _ in 0..<31 {
            client.pass(seconds: 1)
            try client.say("x")
        }
        #expect(client.isConnected)
        client.pass(seconds: 6)
        #expect(!client.isConnected)
    }

    @Test("A request may take its time")
    func slowHandler() throws {
        let (gate, opening) = AsyncStream<Void>.makeStream()
        let client = try Client { _ in
            for await _ in gate {}
            return .text("done")
        }
        try client.say(request)
        client.pass(seconds: 3_600)
        #expect(try client.answers() == "")
        #expect(client.isConnected)
        opening.finish()
        #expect(try client.answers().hasSuffix("\r\n\r\ndone"))
    }

    @Test("A client that does not shake hands is sent away after 10 s")
    func handshake() throws {
        let client = try Client(tls: TestIdentity.server())
        client.pass(seconds: 9)
        #expect(client.isConnected)
        client.pass(seconds: 6)
        #expect(!client.isConnected)
    }

    @Test("A client that takes nothing of a streamed answer for 60 s does not get the rest")
    func stalledAnswer() throws {
        let harness = DriverHarness(.http2) { _ in
            HTTPResponse(status: 200, body: .stream { writer in
                for _ in 0..<8 { try await writer.write([UInt8](repeating: 120, count: 40_000)) }
            })
        }
        let clock = try #require(harness.executor.eventLoop as? EmbeddedEventLoop)
        harness.receive(HTTP2ConnectionTests.preface + HTTP2ConnectionTests.request(1))
        func frames() throws -> [Frame] { try Frame.all(in: harness.output()) }
        // It takes a window's worth and no more.
        #expect(try frames().contains { $0.kind == .data })
        for _ in 0..<2 {
            clock.advanceTime(by: .seconds(59))
            #expect(try !frames().contains { $0.kind == .reset })
            // A little is enough.
            harness.receive(Frame(.windowUpdate, 0, [0, 0, 255, 255]).bytes
                            + Frame(.windowUpdate, 1, [0, 0, 255, 255]).bytes)
            #expect(try frames().contains { $0.kind == .data })
        }
        clock.advanceTime(by: .seconds(61))
        #expect(try frames().contains { $0.kind == .reset })
    }
}
