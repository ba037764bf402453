import PKI
import Testing
@testable import Transport

@Suite("Server and client over TLS")
struct ServerTests {
    @Test("Requests and answers of all sizes come through", arguments: [0, 1, 16_384, 100_000])
    func echo(count: Int) async throws {
        try await withServer({ await .echo($0) }) { client in
            let body = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            for _ in 0..<3 {
                let answer = try await client.send(HTTPClientRequest(.post, "/", body: body))
                #expect(answer.status == 200)
                #expect(try await answer.body.collect(upTo: 100_000) == body)
            }
        }
    }

    @Test("A body that is over the limit is 413, however it is framed")
    func tooLarge() async throws {
        try await withServer({ await .echo($0) }) { client in
            let body = [UInt8](repeating: 1, count: 100_001)
            let answer = try await client.send(HTTPClientRequest(.post, "/", body: body))
            #expect(answer.status == 413)
        }
    }

    @Test("A client's certificate is verified against the client CA")
    func clientCertificate() async throws {
        let identity = try TestIdentity.client(commonName: "admin", organizations: ["a", "b"])
        try await withServer({ .text("\($0.connection.peerCertificate.summary)") },
                             identity: identity) { client in
            let answer = try await client.send(HTTPClientRequest(.get, "/"))
            #expect(try await answer.body.collect(upTo: 1_000) == Array("admin a b".utf8))
        }
    }

    @Test("A certificate of another CA is reported as unverified, and the request gets through")
    func foreignCertificate() async throws {
        let identity = try TestIdentity.client(
            commonName: "admin", organizations: [],
            authority: .makeSelfSigned(commonName: "other", nowSeconds: TestIdentity.nowSeconds,
                                       validSeconds: 86_400))
        try await withServer({ .text("\($0.connection.peerCertificate.summary)") },
                             identity: identity) { client in
            let answer = try await client.send(HTTPClientRequest(.get, "/"))
            let told = String(decoding: try await answer.body.collect(upTo: 1_000), as: UTF8.self)
            #expect(told.hasPrefix("unverified: "))
        }
    }

    @Test("A client without a certificate is welcome")
    func noCertificate() async throws {
        try await withServer({ .text("\($0.connection.peerCertificate.summary)") }) { client in
            let answer = try await client.send(HTTPClientRequest(.get, "/"))
            #expect(try await answer.body.collect(upTo: 1_000) == Array("none".utf8))
        }
    }

    @Test("A client believes no server of another CA")
    func foreignServer() async throws {
        let other = try CertificateAuthority.makeSelfSigned(
            commonName: "other", nowSeconds: TestIdentity.nowSeconds, validSeconds: 86_400)
        try await withServer({ _ in .text("") }, serverCAs: other.certificate.pem()) { client in
            await #expect { try await client.send(HTTPClientRequest(.get, "/")) } throws: { error in
                guard case .tls(.untrustedServer)? = error as? HTTPClientError else { return false }
                return true
            }
        }
    }

    @Test("A client believes no certificate of another name")
    func foreignName() async throws {
        try await withServer({ _ in .text("") }, serverName: "example.com") { client in
            await #expect(throws: HTTPClientError.self) {
                try await client.send(HTTPClientRequest(.get, "/"))
            }
        }
    }

    @Test("A large body is gzipped for a client that takes it, however it is made")
    func gzip() async throws {
        let body = (0..<300_000).map { UInt8($0 / 1_000 % 26 + 97) }
        let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
            let isStreamed = request.target == "/stream"
            return HTTPResponse(
                status: 200, body: isStreamed ? .stream { try await $0.write(body) }
                    : .chunks([Array(body[..<150_000]), Array(body[150_000...])]),
                isCompressible: true)
        }
        try await withServer(handler) { client in
            for target in ["/chunks", "/stream"] {
                var request = HTTPClientRequest(.get, target)
                let plain = try await client.send(request)
                #expect(plain.headers["content-encoding"] == nil)
                #expect(try await plain.body.collect(upTo: 300_000) == body)
                request.headers.add("accept-encoding", "deflate, gzip")
                let zipped = try await client.send(request)
                #expect(zipped.headers["content-encoding"] == "gzip")
                #expect(zipped.headers["vary"] == "Accept-Encoding")
                let bytes = try await zipped.body.collect(upTo: 300_000)
                #expect(bytes.count < 10_000)
                #expect(bytes.prefix(2) == [0x1f, 0x8b])
            }
        }
    }

    @Test("A small body is not")
    func noGzip() async throws {
        let body = [UInt8](repeating: 97, count: 131_072)
        let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
            HTTPResponse(status: 200, body: request.target == "/stream"
                ? .stream { try await $0.write(body) } : .bytes(body), isCompressible: true)
        }
        try await withServer(handler) { client in
            for target in ["/", "/stream"] {
                let request = HTTPClientRequest(.get, target, headers: ["accept-encoding": "gzip"])
                let answer = try await client.send(request)
                #expect(answer.headers["content-encoding"] == nil)
                #expect(try await answer.body.collect(upTo: 200_000) == body)
            }
        }
    }

    @Test("A writer waits for a slow client, and the stream comes through whole")
    func backPressure() async throws {
        let piece = [UInt8](repeating: 7, count: 100_000)
        let (written, told) = AsyncStream<Int>.makeStream()
        let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
            HTTPResponse(status: 200, body: .stream { writer in
                for index in 0..<50 {
                    try await writer.write(piece)
                    told.yield(index)
                }
                told.finish()
            })
        }
        try await withServer(handler) { client in
            let answer = try await client.send(HTTPClientRequest(.get, "/"))
            var count = 0
            while let bytes = try await answer.body.next() { count += bytes.count }
            #expect(count == 50 * 100_000)
        }
        var pieces = 0
        for await _ in written { pieces += 1 }
        #expect(pieces == 50)
    }

    @Test("A watch ends for the handler when the client lets go of it")
    func abandonedWatch() async throws {
        let (stream, ended) = AsyncStream<Void>.makeStream()
        let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
            HTTPResponse(status: 200, body: .stream { writer in
                defer { ended.finish() }
                try await writer.write(Array("event".utf8))
                for await _ in AsyncStream<Void>.makeStream().stream {}
            })
        }
        try await withServer(handler) { client in
            var answer: HTTPClientResponse? = try await client.send(HTTPClientRequest(.get, "/"))
            #expect(try await answer?.body.next() == Array("event".utf8))
            answer = nil
            for await _ in stream {}
        }
    }

    @Test("A handler may outlive its connection")
    func outlived() async throws {
        var limits = ServerLimits()
        limits.bodyDiscardBytesMax = 1
        let (started, start) = AsyncStream<Void>.makeStream()
        let (ended, end) = AsyncStream<Int>.makeStream()
        let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
            start.finish()
            for await _ in AsyncStream<Void>.makeStream().stream {}
            await Task.yield()
            let answer = await HTTPResponse.echo(request)
            end.yield(answer.status)
            end.finish()
            return answer
        }
        try await withServer(handler, limits: limits) { client in
            let sending = Task {
                try await client.send(HTTPClientRequest(.post, "/", body: [1, 2, 3]))
            }
            for await _ in started {}
            sending.cancel()
            for await status in ended { #expect([200, 400].contains(status)) }
            await #expect(throws: HTTPClientError.cancelled) { _ = try await sending.value }
        }
    }

    @Test("Shutting down ends watches cleanly and within the grace")
    func shutdown() async throws {
        let server = try TestServer.make { _ in
            HTTPResponse(status: 200, body: .stream { writer in
                try await writer.write(Array("event".utf8))
                for await _ in AsyncStream<Void>.makeStream().stream {}
                throw CancellationError()
            })
        }
        let client = try TestServer.client(of: try await server.start())
        let answer = try await client.send(HTTPClientRequest(.get, "/"))
        #expect(try await answer.body.next() == Array("event".utf8))
        async let ended: Void = server.shutdown(grace: .seconds(60))
        #expect(try await answer.body.next() == nil)
        await ended
        await client.shutdown()
    }

    @Test("A client forgets a kept connection that the server closes")
    func closedWhileKept() async throws {
        let server = try TestServer.make { _ in .text("x") }
        let client = try TestServer.client(of: try await server.start())
        let answer = try await client.send(HTTPClientRequest(.get, "/"))
        #expect(try await answer.body.collect(upTo: 1) == Array("x".utf8))
        await server.shutdown(grace: .seconds(60))
        while client.idleConnectionCount > 0 { await Task.yield() }
        await client.shutdown()
    }

    @Test("Keys and certificates that can't be used are refused with a reason")
    func unusable() throws {
        let authority = try TestIdentity.authority.get()
        #expect(throws: TLSError.self) {
            try HTTPServer(ServerConfiguration(port: 0, tls: TLSConfiguration(
                certificateChainPEM: try authority.certificate.pem(),
                privateKeyPEM: try PrivateKey.makeP256().pem())),
                handler: Closure { _ in .text("") })
        }
        #expect(throws: TLSError.self) {
            try HTTPServer(ServerConfiguration(port: 0, tls: TLSConfiguration(
                certificateChainPEM: Array("nonsense".utf8), privateKeyPEM: [])),
                handler: Closure { _ in .text("") })
        }
    }
}

extension ConnectionInfo.PeerCertificate {
    var summary: String {
        switch self {
        case .none: "none"
        case .verified(let certificate):
            ([certificate.commonName] + certificate.organizations).joined(separator: " ")
        case .unverified(let reason): "unverified: \(reason)"
        }
    }
}
