import Joining
import NIOCore
import NIOPosix
import Synchronization
import Transport
@testable import Peers

/// Somebody who sits between a new member and a member, and hands on what each says.
final class Middle: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let listener: Mutex<(any Channel)?> = Mutex(nil)
    private let count = Mutex(0)

    private init(_ group: MultiThreadedEventLoopGroup) { self.group = group }

    /// Messages that went through its hands.
    var overheard: Int { count.withLock { $0 } }

    var address: PeerAddress {
        PeerAddress(host: "127.0.0.1", port: listener.withLock { $0?.localAddress?.port } ?? 0)
    }

    static func start(between place: PeerAddress, _ tls: TLSConfiguration) async throws -> Middle {
        let middle = Middle(MultiThreadedEventLoopGroup(numberOfThreads: 1))
        let context = try TLSContext.member(tls)
        let channel = try await ServerBootstrap(group: middle.group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let relay = Relay(to: place, on: channel.eventLoop) {
                        middle.count.withLock { $0 += 1 }
                    }
                    let near = FrameChannel(
                        tls: try TLSSession(context), startsHandshake: false, owner: relay)
                    relay.near = near
                    try channel.pipeline.syncOperations.addHandler(near)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        middle.listener.withLock { $0 = channel }
        return middle
    }

    func stop() async {
        group.shutdownGracefully { _ in }
    }
}

/// The two connections of one conversation.
private final class Relay: FrameChannel.Owner, @unchecked Sendable {
    var near: FrameChannel?
    private var far: FrameChannel?
    private let place: PeerAddress
    private let eventLoop: any EventLoop
    private let overhear: () -> Void
    private var waiting: [[UInt8]] = []

    init(to place: PeerAddress, on eventLoop: any EventLoop, overhear: @escaping () -> Void) {
        (self.place, self.eventLoop, self.overhear) = (place, eventLoop, overhear)
    }

    func established(_ channel: FrameChannel) {
        if channel === far {
            for frame in waiting { channel.write(frame) }
            return
        }
        guard let session = try? TLSSession(TLSContext.clientThatKnowsNobody()) else {
            return channel.close()
        }
        let far = FrameChannel(tls: session, startsHandshake: true, owner: self)
        self.far = far
        FrameChannel.connect(far, to: place, on: eventLoop, timeout: .seconds(5))
            .whenFailure { _ in channel.close() }
    }

    func received(_ frame: [UInt8], on channel: FrameChannel) {
        overhear()
        if channel === far {
            near?.write(frame)
        } else if let far, far.tls.isEstablished {
            far.write(frame)
        } else {
            waiting.append(frame)
        }
    }

    func canWrite(_ channel: FrameChannel) {}

    func ended(_ channel: FrameChannel, because end: FrameChannel.End) {
        near?.close()
        far?.close()
        (near, far) = (nil, nil)
    }
}
