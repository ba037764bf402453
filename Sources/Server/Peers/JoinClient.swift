public import Joining
import NIOCore
import NIOPosix
import PKI
import Synchronization
import Transport

/// One attempt to become a member of a cluster, by asking one that is.
public enum JoinClient {
    public enum Failure: Error, Equatable, CustomStringConvertible {
        /// No connection, or one that broke: another attempt may go better.
        case unreachable(String)
        case failed(JoinFailure)
        /// The task that waited was.
        case cancelled

        public var description: String {
            switch self {
            case .unreachable(let reason): reason
            case .failed(let failure): "\(failure)"
            case .cancelled: "cancelled"
            }
        }
    }

    /// Room for the CA, keys and what the store has to tell.
    static let grantBytesMax = 4 * 1_048_576

    /// - Parameter timeout: For the whole conversation.
    public static func join(
        at address: PeerAddress, token: String, request: JoinRequest,
        timeout: Duration = .seconds(30)
    ) async throws(Failure) -> JoinGrant {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let result = await withCheckedContinuation { continuation in
            let attempt = JoinAttempt(token: token, request: request) {
                continuation.resume(returning: $0)
            }
            attempt.start(at: address, on: group.next(), timeout: timeout)
        }
        do {
            try await group.shutdownGracefully()
        } catch {
            preconditionFailure("an event loop of our own could not be shut down: \(error)")
        }
        return try result.get()
    }

    private static let delayMin = Duration.milliseconds(100)
    private static let delayMax = Duration.seconds(2)

    /// Asks again and again, as long as it may help: the member asked may not be there yet.
    ///
    /// - Parameters:
    ///   - patience: No further attempt begins after that.
    ///   - onWait: Told why, before each wait.
    public static func joinPatiently(
        at address: PeerAddress, token: String, request: JoinRequest, patience: Duration,
        onWait: @Sendable (String) -> Void = { _ in }
    ) async throws(Failure) -> JoinGrant {
        let end = ContinuousClock.now + patience
        var backoff = Backoff(from: delayMin, upTo: delayMax)
        while true {
            do throws(Failure) {
                return try await join(at: address, token: token, request: request)
            } catch where error.mayPass && ContinuousClock.now < end {
                onWait("\(error)")
                do { try await Task.sleep(for: backoff.wait()) } catch { throw .cancelled }
            }
        }
    }
}

extension JoinClient.Failure {
    /// Whether another attempt may go better.
    fileprivate var mayPass: Bool {
        switch self {
        case .unreachable, .failed(.refused(.notNow)): true
        case .failed, .cancelled: false
        }
    }
}

/// Carries a ``JoiningMember``'s conversation. Lives on its event loop.
private final class JoinAttempt: @unchecked Sendable {
    private let token: String
    private let request: JoinRequest
    private var finish: (@Sendable (Result<JoinGrant, JoinClient.Failure>) -> Void)?
    private var connecting: EventLoopFuture<any Channel>?
    private var channel: FrameChannel?
    private var talk: JoiningMember?

    init(token: String, request: JoinRequest,
         finish: @escaping @Sendable (Result<JoinGrant, JoinClient.Failure>) -> Void) {
        (self.token, self.request, self.finish) = (token, request, finish)
    }

    func start(at address: PeerAddress, on eventLoop: any EventLoop, timeout: Duration) {
        eventLoop.execute {
            do throws(TLSError) {
                let session = try TLSSession(TLSContext.clientThatKnowsNobody())
                let channel = FrameChannel(tls: session, startsHandshake: true, owner: self)
                self.channel = channel
                let connecting = FrameChannel.connect(
                    channel, to: address, on: eventLoop, timeout: timeout)
                self.connecting = connecting
                connecting.whenFailure { self.end(.failure(.unreachable(describe($0)))) }
            } catch {
                return self.end(.failure(.unreachable("\(error)")))
            }
            eventLoop.scheduleTask(in: TimeAmount(timeout)) {
                self.end(.failure(.unreachable("no answer within \(timeout)")))
            }
        }
    }

    private func end(_ result: Result<JoinGrant, JoinClient.Failure>) {
        guard let finish else { return }
        self.finish = nil
        channel?.close()
        channel = nil
        // The loop is wanted until then.
        guard let connecting else { return finish(result) }
        connecting.whenComplete { _ in finish(result) }
    }
}

extension JoinAttempt: FrameChannel.Owner {
    func established(_ channel: FrameChannel) {
        guard channel.tls.negotiatedProtocol == MemberProtocol.join,
              let fingerprint = channel.tls.peerFingerprint else {
            return end(.failure(.unreachable(MemberProtocol.isUnknownToPeer)))
        }
        let talk = JoiningMember(
            token: token, request: request,
            nonce: SecureRandom.bytes(count: AdmittingMember.nonceByteCount),
            certificateFingerprint: fingerprint)
        let hello = talk.hello
        self.talk = consume talk
        channel.permitFrames(upTo: JoinClient.grantBytesMax)
        channel.write(hello)
    }

    func received(_ frame: [UInt8], on channel: FrameChannel) {
        do throws(JoinFailure) {
            switch try talk?.receive(frame) {
            case .send(let message): channel.write(message)
            case .joined(let grant): end(.success(grant))
            case nil: break
            }
        } catch {
            end(.failure(.failed(error)))
        }
    }

    func canWrite(_ channel: FrameChannel) {}

    func ended(_ channel: FrameChannel, because reason: FrameChannel.End) {
        end(.failure(.unreachable(reason.reason)))
    }
}
