import Glibc
import Joining
import NIOCore
import NIOPosix
import Peers

/// A wire between two members that can be cut without either being told.
struct Wire {
    private let group: MultiThreadedEventLoopGroup
    private let listener: any Channel
    private let state: State

    /// Belongs to the loop.
    private final class State: @unchecked Sendable {
        var ends: [any Channel] = []
        var hangsFromTheStart = false
    }

    var address: PeerAddress {
        PeerAddress(host: "127.0.0.1", port: listener.localAddress?.port ?? 0)
    }

    static func start(to place: PeerAddress) async throws -> Wire {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let state = State()
        let listener = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { near in
                state.ends.append(near)
                if state.hangsFromTheStart { return near.eventLoop.makeSucceededVoidFuture() }
                return ClientBootstrap(group: near.eventLoop)
                    .channelInitializer { far in
                        state.ends.append(far)
                        return far.eventLoop.makeCompletedFuture {
                            try far.pipeline.syncOperations.addHandler(Forward(to: near))
                        }
                    }
                    .connect(host: place.host, port: place.port)
                    .flatMapThrowing { far in
                        try near.pipeline.syncOperations.addHandler(Forward(to: far))
                        near.setOption(.autoRead, value: true).whenFailure { _ in }
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return Wire(group: group, listener: listener, state: state)
    }

    /// Nothing goes through the connections there are; new ones work.
    func hang() async {
        await onLoop { state in
            for end in state.ends { end.setOption(.autoRead, value: false).whenFailure { _ in } }
            state.ends = []
        }
    }

    /// Connections are taken, and nothing ever comes from them.
    func hangFromTheStart() async {
        await onLoop { $0.hangsFromTheStart = true }
    }

    private func onLoop(_ work: @escaping @Sendable (State) -> Void) async {
        let state = self.state
        await withCheckedContinuation { continuation in
            listener.eventLoop.execute {
                work(state)
                continuation.resume()
            }
        }
    }

    func stop() async {
        group.shutdownGracefully { _ in }
    }

    /// Connects, says nothing, and returns when the other side closes.
    static func connectAndWaitForClose(to place: PeerAddress) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try await ClientBootstrap(group: group)
            .connect(host: place.host, port: place.port).get()
        try await channel.closeFuture.get()
        try await group.shutdownGracefully()
    }
}

/// Hands all on to another channel.
private final class Forward: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    private let other: any Channel

    init(to other: any Channel) { self.other = other }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        other.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        other.close(promise: nil)
    }
}

/// Lets other threads run.
func yieldThread() { sched_yield() }
