import Testing
@testable import Transport

@Suite("HTTP/1.1 on a connection")
struct HTTP1ConnectionTests {
    @Test("A request is answered in the turn that brought it")
    func simple() {
        let harness = DriverHarness(.http11) { .text("\($0.method) \($0.target)") }
        harness.receive("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(harness.text == "HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            + "content-length: 6\r\n\r\nget /a")
        #expect(!harness.isFinished)
        #expect(harness.isIdle)
    }

    @Test("Pipelined requests are answered in order")
    func pipelining() {
        let harness = DriverHarness(.http11) { .text($0.target) }
        harness.receive("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
            + "GET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTT")
        let text = harness.text
        #expect(text.contains("\r\n\r\n/1HTTP/1.1 200 OK"))
        #expect(text.hasSuffix("\r\n\r\n/2"))
        harness.receive("P/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        #expect(harness.text.hasSuffix("connection: close\r\n\r\n/3"))
        #expect(harness.isFinished)
    }

    @Test("HEAD tells the length and sends nothing")
    func head() {
        let harness = DriverHarness(.http11) { _ in .text("hello") }
        harness.receive("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(harness.text.hasSuffix("content-length: 5\r\n\r\n"))
        #expect(!harness.isFinished)
    }

    @Test("A body that comes in pieces is collected")
    func pieces() {
        let harness = DriverHarness(.http11) { await .echo($0) }
        harness.receive("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
        #expect(harness.text == "")
        harness.receive("llo")
        #expect(harness.text.hasSuffix("\r\n\r\nhello"))
    }

    @Test("100 Continue goes out when the handler asks for the body")
    func expectContinue() {
        let harness = DriverHarness(.http11) { await .echo($0) }
        harness.receive("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
            + "Expect: 100-continue\r\n\r\n")
        #expect(harness.text == "HTTP/1.1 100 Continue\r\n\r\n")
        harness.receive("ok")
        #expect(harness.text.hasSuffix("\r\n\r\nok"))
        #expect(!harness.isFinished)
    }

    @Test("A handler that does not want the body ends a connection that waits to continue")
    func expectRefused() {
        let harness = DriverHarness(.http11) { _ in HTTPResponse(status: 401) }
        harness.receive("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
            + "Expect: 100-continue\r\n\r\n")
        let text = harness.text
        #expect(text.hasPrefix("HTTP/1.1 401 Unauthorized\r\n"))
        #expect(text.contains("connection: close"))
        #expect(harness.isFinished)
    }

    @Test("A body over the handler's limit is refused before it comes in")
    func tooLarge() {
        let harness = DriverHarness(.http11) { await .echo($0) }
        harness.receive("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n")
        #expect(harness.text.hasPrefix("HTTP/1.1 413 Request Entity Too Large"))
    }

    @Test("A chunked body over the limit is refused while it comes in, and not read for ever")
    func tooLargeChunked() {
        let harness = DriverHarness(.http11) { await .echo($0) }
        harness.receive("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        let chunk = "ffff\r\n" + String(repeating: "x", count: 65_535) + "\r\n"
        harness.receive(chunk)
        #expect(harness.text == "")
        harness.receive(chunk)
        #expect(harness.text.hasPrefix("HTTP/1.1 413"))
        #expect(!harness.isFinished)
        for _ in 0..<6 { harness.receive(chunk) }
        #expect(harness.isFinished)
    }

    @Test("What nobody takes is not read on")
    func backPressure() {
        let limits = ServerLimits()
        let harness = DriverHarness(.http11) { request in
            await withCheckedContinuation { _ = Parked($0) }
            return .text(request.target)
        }
        harness.receive("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
        harness.receive([UInt8](repeating: 0, count: limits.requestBytesWaitingMax))
        #expect(harness.isReading)
        harness.receive([0])
        #expect(!harness.isReading)
        harness.abandon()
    }

    @Test("A streamed answer goes out in chunks and ends")
    func streamed() {
        let harness = DriverHarness(.http11) { _ in
            HTTPResponse(status: 200, body: .stream { writer in
                try await writer.write(Array("hello".utf8))
                try await writer.write(Array("0123456789abcdef".utf8))
            })
        }
        harness.receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(harness.text.hasSuffix(
            "transfer-encoding: chunked\r\n\r\n15\r\nhello0123456789abcdef\r\n0\r\n\r\n"))
        #expect(!harness.isFinished)
    }

    @Test("An answer that breaks off has no last chunk and ends the connection")
    func brokenOff() {
        struct Trouble: Error {}
        let harness = DriverHarness(.http11) { _ in
            HTTPResponse(status: 200, body: .stream { writer in
                try await writer.write(Array("hello".utf8))
                throw Trouble()
            })
        }
        harness.receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(!harness.text.contains("0\r\n\r\n"))
        #expect(harness.isFinished)
    }

    @Test("HTTP/1.0 gets a streamed answer as it is, up to the connection's end")
    func http10() {
        let harness = DriverHarness(.http11) { _ in
            HTTPResponse(status: 200, body: .stream { try await $0.write(Array("hello".utf8)) })
        }
        harness.receive("GET / HTTP/1.0\r\n\r\n")
        #expect(harness.text.hasSuffix("connection: close\r\n\r\nhello"))
        #expect(harness.isFinished)
    }

    @Test("A request that can't be understood is answered with 400 and ends the connection")
    func malformed() {
        let harness = DriverHarness(.http11) { _ in .text("never") }
        harness.receive("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n"
            + "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        let text = harness.text
        #expect(text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(text.hasSuffix("400 Bad Request: bad header field"))
        #expect(harness.isFinished)
    }

    @Test("The handler is cancelled when the client goes away")
    func cancelled() async {
        await confirmation { gone in
            let (stream, ended) = AsyncStream<Void>.makeStream()
            let harness = DriverHarness(.http11) { request in
                await withTaskCancellationHandler {
                    _ = await .echo(request) as HTTPResponse
                } onCancel: {
                    gone()
                }
                ended.finish()
                return .text("")
            }
            harness.receive("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
            harness.abandon()
            for await _ in stream {}
        }
    }

    @Test("A field's value can't start another field")
    func splitting() {
        let harness = DriverHarness(.http11) { _ in
            HTTPResponse(status: 200, headers: ["location": "a\r\nset-cookie: b"])
        }
        harness.receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(harness.text.contains("location: a  set-cookie: b\r\n"))
    }

    @Test("Shutting down lets the request in flight finish, and closes")
    func shutDown() {
        let harness = DriverHarness(.http11) { await .echo($0) }
        harness.receive("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
        harness.shutDown()
        #expect(!harness.isFinished)
        harness.receive("ok")
        #expect(harness.text.hasSuffix("connection: close\r\n\r\nok"))
        #expect(harness.isFinished)
    }
}

/// Holds a continuation that is never resumed, without a warning when the process ends.
private final class Parked: @unchecked Sendable {
    nonisolated(unsafe) private static var all: [Parked] = []
    private let continuation: CheckedContinuation<Void, Never>

    init(_ continuation: CheckedContinuation<Void, Never>) {
        self.continuation = continuation
        unsafe Self.all.append(self)
    }
}
