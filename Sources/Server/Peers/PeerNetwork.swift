public import Joining
import NIOCore
import NIOPosix
public import Transport

/// Carries frames between the members of a cluster, over mutual TLS.
///
/// Frames may be lost, repeated or reordered when a connection breaks, and are never corrupted.
/// Each member connects to every other it sends to, and keeps that connection. Both sides show a
/// certificate of the cluster's own CA that is a member's; who cannot is turned away.
public final class PeerNetwork: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let loop: PeerLoop

    /// - Parameters:
    ///   - receive: Takes a frame, and the name that its sender has proven. Called on the network's
    ///     thread: it must not block long.
    ///   - unreachable: Told when what was sent to a member may be lost: its connection broke, or
    ///     there could be none. Called on the network's thread.
    /// - Throws: `TLSError` or `PKIError` if certificates or key can't be used.
    public init(
        _ configuration: PeerNetworkConfiguration,
        receive: @escaping @Sendable (_ frame: [UInt8], _ sender: String) -> Void,
        unreachable: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            loop = try PeerLoop(
                configuration, eventLoop: group.next(), receive: receive,
                unreachable: unreachable)
        } catch {
            group.shutdownGracefully { _ in }
            throw error
        }
        self.group = group
    }

    /// Listens. Frames may come before this returns.
    ///
    /// - Returns: The address, with the port that was picked for 0.
    /// - Throws: `ListenError` if the address can't be had.
    public func start() async throws(ListenError) -> PeerAddress {
        do { return try await loop.listen(group) } catch { throw ListenError(error) }
    }

    /// Sends a frame without waiting: it is on its way, or dropped and counted, when this returns.
    ///
    /// It is dropped if ``PeerLimits`` has more waiting for that member, and if it is empty or too
    /// large. What still waits when a connection breaks, or can't be made, is dropped, too.
    ///
    /// - Parameter address: `HOST:PORT`. Another one than before closes the connection to that.
    public func send(_ frame: [UInt8], to member: UInt64, at address: String) {
        loop.outboxes.offer(frame, to: member, at: address) { loop.wake() }
    }

    /// Closes the connection to a member, and drops what waits for it.
    public func forget(member: UInt64) {
        loop.outboxes.remove(member) { loop.wake() }
    }

    /// The members that frames can be sent to now, in order.
    public var connected: [UInt64] { loop.outboxes.connected }

    public var counts: PeerCounts { loop.outboxes.counts }

    /// Closes everything, and cancels what ``JoinDesk`` decides on. Call once; what is sent
    /// afterwards is dropped.
    public func shutdown() async {
        loop.outboxes.close()
        await loop.shutDown()
        do {
            try await group.shutdownGracefully()
        } catch {
            preconditionFailure("an event loop of our own could not be shut down: \(error)")
        }
    }
}
