import NIOCore
import NIOPosix
import Synchronization
import Testing
@testable import Transport

@Suite("A request whose kept connection is gone")
struct RepeatedRequestTests {
    /// Answers the first request of each connection, and closes at the second.
    private final class OneAnswer: ChannelInboundHandler, @unchecked Sendable {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let counter: Counter
        private var count = 0

        init(_ counter: Counter) { self.counter = counter }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            count += 1
            counter.add(1)
            guard count == 1 else { return context.close(promise: nil) }
            let answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        }
    }

    /// Sends one request twice. Returns how often it arrived, and what became of the second.
    private func send(_ method: HTTPMethod, repeats: Bool) async throws
        -> (arrived: Int, error: HTTPClientError?)
    {
        let counter = Counter()
        let server = try await ServerBootstrap(
            group: MultiThreadedEventLoopGroup.singleton
        )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(OneAnswer(counter))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        var configuration = HTTPClientConfiguration(host: "127.0.0.1", port: port, tls: nil)
        configuration.repeatsRequests = repeats
        let client = try HTTPClient(configuration)
        let first = try await client.send(HTTPClientRequest(method, "/"))
        #expect(try await first.body.collect(upTo: 10).isEmpty)
        var failure: HTTPClientError?
        do throws(HTTPClientError) {
            _ = try await client.send(HTTPClientRequest(method, "/"))
        } catch {
            failure = error
        }
        await client.shutdown()
        try await server.close()
        return (counter.value, failure)
    }

    @Test("is sent again, if doing it twice does what doing it once does")
    func repeats() async throws {
        let put = try await send(.put, repeats: true)
        #expect(put.arrived == 3 && put.error == nil)
        let post = try await send(.post, repeats: true)
        #expect(post.arrived == 2 && post.error == .disconnected)
    }

    @Test("is not, if the client is told so")
    func doesNotRepeat() async throws {
        let put = try await send(.put, repeats: false)
        #expect(put.arrived == 2 && put.error == .disconnected)
    }
}

/// A counter that several hold.
private final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .acquiring) }
    func add(_ number: Int) { count.add(number, ordering: .acquiringAndReleasing) }
}
