import Synchronization
import Testing
@testable import Transport

/// A feed that gives what a test puts into it.
final class ScriptedFeed: ResponseFeed {
    private struct State {
        var steps: [ResponseFeedStep] = []
        var wake: (@Sendable () -> Void)?
        var isStopped = false
        var givenCount = 0
    }

    private let state = Mutex(State())

    init(_ steps: ResponseFeedStep...) { state.withLock { $0.steps = steps } }

    var isStopped: Bool { state.withLock { $0.isStopped } }
    /// Pieces that were taken.
    var givenCount: Int { state.withLock { $0.givenCount } }

    func onWake(_ wake: @escaping @Sendable () -> Void) { state.withLock { $0.wake = wake } }

    func next() -> ResponseFeedStep {
        state.withLock { state in
            if state.steps.isEmpty { return state.isStopped ? .end : .wait }
            if case .bytes = state.steps[0] { state.givenCount += 1 }
            return state.steps.removeFirst()
        }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        state.withLock { $0.wake }?()
    }

    func put(_ step: ResponseFeedStep) {
        state.withLock { $0.steps.append(step) }
        state.withLock { $0.wake }?()
    }
}

@Suite("An answer from a feed")
struct FeedTests {
    private func harness(_ feed: ScriptedFeed, _ limits: ServerLimits = ServerLimits())
        -> DriverHarness {
        let harness = DriverHarness(.http11, limits: limits) { _ in
            HTTPResponse(status: 200, body: .feed(feed))
        }
        harness.receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return harness
    }

    private func bytes(_ text: String) -> ResponseFeedStep { .bytes(Array(text.utf8)) }

    @Test("goes out as it comes about, until its end, and the connection lives on")
    func comesAbout() {
        let feed = ScriptedFeed(bytes("one"))
        let harness = harness(feed)
        #expect(harness.text.hasSuffix("transfer-encoding: chunked\r\n\r\n3\r\none\r\n"))
        #expect(harness.text.isEmpty)
        harness.executor.turn { feed.put(bytes("two")) }
        #expect(harness.text == "3\r\ntwo\r\n")
        #expect(!harness.isIdle)
        harness.executor.turn { feed.put(.end) }
        #expect(harness.text == "0\r\n\r\n")
        #expect(harness.isIdle && !harness.isFinished)
        #expect(feed.isStopped)
    }

    @Test("that cannot be completed has no last chunk and ends the connection")
    func broken() {
        let harness = harness(ScriptedFeed(bytes("one"), .broken))
        #expect(!harness.text.contains("0\r\n\r\n"))
        #expect(harness.isFinished)
    }

    @Test("is asked for no more than the client has room for")
    func slowClient() {
        var limits = ServerLimits()
        limits.responseBytesWaitingMax = 5
        let feed = ScriptedFeed(bytes("abc"), bytes("def"), bytes("ghi"), .end)
        let harness = harness(feed, limits)
        #expect(feed.givenCount == 2)
        #expect(harness.text.hasSuffix("6\r\nabcdef\r\n3\r\nghi\r\n0\r\n\r\n"))
    }

    @Test("is stopped when the client goes away")
    func abandoned() {
        let feed = ScriptedFeed(bytes("one"))
        let harness = harness(feed)
        #expect(!feed.isStopped)
        harness.abandon()
        #expect(feed.isStopped)
        harness.executor.turn { feed.put(bytes("two")) }
        #expect(feed.givenCount == 1)
    }

    @Test("comes to its end when the server shuts down, with what was left to say")
    func shutDown() {
        let feed = ScriptedFeed()
        let harness = harness(feed)
        harness.shutDown()
        #expect(harness.text.hasSuffix("0\r\n\r\n"))
        #expect(harness.isFinished)
    }

    @Test("is not asked when only the head is wanted")
    func head() {
        let feed = ScriptedFeed(bytes("one"))
        let harness = DriverHarness(.http11) { _ in
            HTTPResponse(status: 200, body: .feed(feed))
        }
        harness.receive("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(harness.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(harness.isIdle)
        #expect(feed.givenCount == 0)
    }

    @Test("reaches many clients from another thread, each whole and in order")
    func manyClients() async throws {
        let count = 20
        let feeds = Mutex<[ScriptedFeed]>([])
        let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
            let feed = ScriptedFeed()
            feeds.withLock { $0.append(feed) }
            return HTTPResponse(status: 200, body: .feed(feed))
        }
        try await withServer(handler) { client in
            var answers: [HTTPClientResponse] = []
            for _ in 0..<count {
                answers.append(try await client.send(HTTPClientRequest(.get, "/")))
            }
            for number in 0..<10 {
                for feed in feeds.withLock({ $0 }) { feed.put(bytes("\(number)")) }
            }
            for feed in feeds.withLock({ $0 }) { feed.put(.end) }
            for answer in answers {
                #expect(try await answer.body.collect(upTo: 100) == Array("0123456789".utf8))
            }
        }
    }
}
