import Testing
@testable import Transport

@Suite("HTTP/2 on a connection")
struct HTTP2ConnectionTests {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Frame(.settings, 0).bytes

    static func request(_ stream: UInt32, _ method: String = "GET", _ path: String = "/",
                        isLast: Bool = true, fields: [(String, String)] = []) -> [UInt8] {
        let all = [(":method", method), (":scheme", "https"), (":path", path), (":authority", "x")]
        let block = (all + fields).flatMap { literal($0.0, $0.1) }
        return Frame(.headers, stream, flags: isLast ? 5 : 4, block).bytes
    }

    /// HPACK: a literal field, not indexed, not compressed.
    private static func literal(_ name: String, _ value: String) -> [UInt8] {
        [0] + integer(name.utf8.count) + Array(name.utf8) + integer(value.utf8.count)
            + Array(value.utf8)
    }

    private static func integer(_ number: Int) -> [UInt8] {
        guard number >= 127 else { return [UInt8(number)] }
        var (bytes, rest) = ([UInt8(127)], number - 127)
        while rest >= 128 {
            bytes.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    private func frames(_ harness: DriverHarness) throws -> [Frame] {
        try Frame.all(in: harness.output()).filter {
            $0.kind != .settings && $0.kind != .windowUpdate
        }
    }

    private func data(_ frames: [Frame], _ stream: UInt32) -> [UInt8] {
        frames.filter { $0.kind == .data && $0.stream == stream }.flatMap(\.payload)
    }

    @Test("Many requests at once are answered in the turn that brought them")
    func simple() throws {
        let harness = DriverHarness(.http2) { .text($0.target + ($0.headers["host"] ?? "")) }
        harness.receive(Self.preface + Self.request(1, "GET", "/1") + Self.request(3, "GET", "/3"))
        let frames = try frames(harness)
        #expect(data(frames, 1) == Array("/1x".utf8))
        #expect(data(frames, 3) == Array("/3x".utf8))
        #expect(frames.filter { $0.kind == .data && $0.isLast }.count == 2)
        #expect(harness.isIdle)
        #expect(!harness.isFinished)
    }

    @Test("A body comes in, and the window opens again as it is taken")
    func body() throws {
        let harness = DriverHarness(.http2) { await .echo($0) }
        harness.receive(Self.preface + Self.request(1, "POST", isLast: false))
        for index in 0..<6 {
            let isLast = index == 5
            let piece = [UInt8](repeating: UInt8(index), count: 16_000)
            harness.receive(Frame(.data, 1, flags: isLast ? 1 : 0, piece).bytes)
        }
        let answer = data(try frames(harness), 1)
        // The client's window is 65,535 until it says otherwise.
        #expect(answer.count == 65_535)
        harness.receive(Frame(.windowUpdate, 0, [0, 1, 0, 0]).bytes
                        + Frame(.windowUpdate, 1, [0, 1, 0, 0]).bytes)
        let rest = try frames(harness)
        #expect(data(rest, 1).count == 96_000 - 65_535)
        #expect(rest.last?.isLast == true)
    }

    @Test("A reset cancels the handler")
    func reset() async {
        await confirmation { gone in
            let (stream, ended) = AsyncStream<Void>.makeStream()
            let harness = DriverHarness(.http2) { request in
                await withTaskCancellationHandler {
                    _ = await .echo(request) as HTTPResponse
                } onCancel: {
                    gone()
                }
                ended.finish()
                return .text("")
            }
            harness.receive(Self.preface + Self.request(1, "POST", isLast: false))
            harness.receive(Frame(.reset, 1, [0, 0, 0, 8]).bytes)
            for await _ in stream {}
        }
    }

    @Test("More requests at a time than allowed are refused")
    func streamsMax() throws {
        var limits = ServerLimits()
        limits.streamsPerConnectionMax = 2
        let harness = DriverHarness(.http2, limits: limits) { await .echo($0) }
        harness.receive(Self.preface + [1, 3, 5].flatMap {
            Self.request($0, "POST", isLast: false)
        })
        let resets = try frames(harness).filter { $0.kind == .reset }
        #expect(resets.map(\.stream) == [5])
        #expect(resets.first?.payload == [0, 0, 0, 7])
    }

    @Test("A client that resets too many streams is sent away")
    func rapidReset() throws {
        var limits = ServerLimits()
        limits.resetsMax = 10
        let harness = DriverHarness(.http2, limits: limits) { await .echo($0) }
        harness.receive(Self.preface)
        for index in 0..<11 as Range<UInt32> {
            let id = index * 2 + 1
            harness.receive(Self.request(id, "POST", isLast: false))
            harness.receive(Frame(.reset, id, [0, 0, 0, 8]).bytes)
        }
        let goAway = try frames(harness).first { $0.kind == .goAway }
        #expect(goAway?.payload[4..<8] == [0, 0, 0, 11])
        #expect(harness.isFinished)
    }

    @Test("A head over the limit is answered with 431")
    func largeHead() throws {
        var limits = ServerLimits()
        limits.headerBytesMax = 1_024
        let harness = DriverHarness(.http2, limits: limits) { _ in .text("never") }
        let field = ("x", String(repeating: "y", count: 2_000))
        harness.receive(Self.preface + Self.request(1, fields: [field]))
        let frames = try frames(harness)
        #expect(frames.count == 1)
        #expect(frames.first?.isLast == true)
        #expect(harness.isIdle)
    }

    @Test("A streamed answer goes out piece by piece; breaking off resets the stream")
    func streamed() throws {
        struct Trouble: Error {}
        let harness = DriverHarness(.http2) { request in
            HTTPResponse(status: 200, body: .stream { writer in
                try await writer.write(Array("hello".utf8))
                if request.target == "/bad" { throw Trouble() }
            })
        }
        harness.receive(Self.preface + Self.request(1) + Self.request(3, "GET", "/bad"))
        let frames = try frames(harness)
        #expect(data(frames, 1) == Array("hello".utf8))
        #expect(frames.contains { $0.kind == .reset && $0.stream == 3 })
        #expect(!frames.contains { $0.kind == .data && $0.stream == 3 && $0.isLast })
    }

    @Test("Answers from feeds go on beside each other; one ends, the other is reset")
    func feeds() throws {
        let feeds = [ScriptedFeed(.bytes([1])), ScriptedFeed(.bytes([2]))]
        let harness = DriverHarness(.http2) { request in
            HTTPResponse(status: 200, body: .feed(feeds[request.target == "/a" ? 0 : 1]))
        }
        harness.receive(Self.preface + Self.request(1, "GET", "/a") + Self.request(3, "GET", "/b"))
        var told = try frames(harness)
        #expect(data(told, 1) == [1] && data(told, 3) == [2])
        harness.executor.turn { feeds[0].put(.bytes([3])) }
        harness.executor.turn { feeds[0].put(.end) }
        harness.receive(Frame(.reset, 3, [0, 0, 0, 8]).bytes)
        told = try frames(harness)
        #expect(data(told, 1) == [3])
        #expect(told.contains { $0.kind == .data && $0.stream == 1 && $0.isLast })
        #expect(feeds[1].isStopped)
        #expect(harness.isIdle)
    }

    @Test("Shutting down says so, refuses nothing in flight, and ends when all is answered")
    func shutDown() throws {
        let harness = DriverHarness(.http2) { await .echo($0) }
        harness.receive(Self.preface + Self.request(1, "POST", isLast: false))
        harness.shutDown()
        #expect(try frames(harness).contains { $0.kind == .goAway })
        #expect(!harness.isFinished)
        harness.receive(Frame(.data, 1, flags: 1, Array("ok".utf8)).bytes)
        #expect(data(try frames(harness), 1) == Array("ok".utf8))
        #expect(harness.isFinished)
    }

    @Test("A ping is answered")
    func ping() throws {
        let harness = DriverHarness(.http2) { _ in .text("") }
        harness.receive(Self.preface + Frame(.ping, 0, [1, 2, 3, 4, 5, 6, 7, 8]).bytes)
        #expect(try frames(harness).first?.payload == [1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test("No frames make it trap", arguments: fuzzSeeds(inputsPerSeed: 1_000, inputs: 64_000))
    func fuzz(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        for _ in 0..<50 {
            let harness = DriverHarness(.http2) { await .echo($0) }
            harness.receive(Self.preface)
            for _ in 0..<20 {
                harness.receive(randomFrame(using: &generator))
                _ = harness.output()
            }
            harness.abandon()
        }
    }

    private func randomFrame(using generator: inout SplitMix) -> [UInt8] {
        let stream = UInt32.random(in: 0...9, using: &generator)
        var bytes: [UInt8]
        switch Int.random(in: 0...3, using: &generator) {
        case 0: bytes = Self.request(stream, "POST", isLast: .random(using: &generator))
        case 1: bytes = Frame(.data, stream, flags: .random(in: 0...1, using: &generator),
                              [1, 2, 3]).bytes
        case 2: bytes = Frame(.windowUpdate, stream, [0, 0, 1, 0]).bytes
        default:
            let payload = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            bytes = Frame(raw: .random(in: 0...10, using: &generator), stream,
                          flags: .random(in: 0...255, using: &generator), payload).bytes
        }
        if Int.random(in: 0...3, using: &generator) == 0 {
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] =
                .random(in: 0...255, using: &generator)
        }
        return bytes
    }
}
