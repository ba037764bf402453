import Joining
import NIOCore
import PKI
import Transport

/// A connection that somebody else made to this member: another member, or one who wants to be.
/// Lives on the network's loop.
final class PeerArrival: @unchecked Sendable {
    private enum State {
        case unknown(deadline: NIODeadline)
        case member(name: String)
        case joining(deadline: NIODeadline)
        case ended
    }

    private let loop: PeerLoop
    private var channel: FrameChannel?
    private var state: State
    private var talk: AdmittingMember?
    private var deciding: Task<Void, Never>?
    /// When a sign of life was last given.
    private var lastSign = NIODeadline.now()

    init(loop: PeerLoop) {
        self.loop = loop
        state = .unknown(deadline: .now() + TimeAmount(loop.limits.connectTimeout))
    }

    func begin(_ channel: FrameChannel) { self.channel = channel }

    private var address: String { channel?.remoteAddress ?? "unknown" }

    /// Of the member that it is known to be.
    var memberName: String? {
        if case .member(let name) = state { name } else { nil }
    }

    func close() {
        state = .ended
        deciding?.cancel()
        channel?.close()
    }

    func tick(now: NIODeadline) {
        guard let channel else { return }
        switch state {
        case .ended: return
        case .unknown(let deadline), .joining(let deadline):
            if deadline <= now { close() }
        case .member:
            if now - channel.lastHeard > TimeAmount(loop.limits.silenceMax) {
                close()
            } else if channel.lastHeard > lastSign {
                lastSign = now
                channel.write([])
            }
        }
    }

    private func refuse(_ reason: String) {
        loop.tell(.refused(address: address, reason: reason))
        close()
    }
}

extension PeerArrival: FrameChannel.Owner {
    func established(_ channel: FrameChannel) {
        guard case .unknown(let deadline) = state else { return }
        if channel.tls.negotiatedProtocol == MemberProtocol.join {
            guard loop.joinDesk != nil else { return refuse("no new members are let in here") }
            state = .joining(deadline: deadline)
            talk = AdmittingMember(
                nonce: SecureRandom.bytes(count: AdmittingMember.nonceByteCount),
                certificateFingerprint: loop.fingerprint)
            return
        }
        // Agreement on a protocol is TLS's condition, except for one who proposes none at all.
        guard channel.tls.negotiatedProtocol == MemberProtocol.peer else {
            return refuse(MemberProtocol.isUnknownToPeer)
        }
        switch MemberProof(channel.tls.peerCertificate()) {
        case .notMember(let reason): refuse(reason)
        case .member(let name):
            state = .member(name: name)
            loop.replaceOthers(of: self, named: name)
            loop.tell(.accepted(name: name, address: address))
            channel.permitFrames(upTo: loop.limits.frameBytesMax)
            channel.write([])
        }
    }

    func received(_ frame: [UInt8], on channel: FrameChannel) {
        switch state {
        case .member(let name):
            guard !frame.isEmpty else { return }
            loop.outboxes.noteReceived(byteCount: frame.count)
            loop.receive(frame, name)
        case .joining: if !frame.isEmpty { join(frame, channel) }
        case .unknown, .ended: break
        }
    }

    func canWrite(_ channel: FrameChannel) {}

    func ended(_ channel: FrameChannel, because end: FrameChannel.End) {
        switch (state, end) {
        case (.unknown, .tls): refuse(end.reason)
        case (_, .frameTooLarge): refuse(end.reason)
        default: break
        }
        state = .ended
        loop.dismiss(channel)
        self.channel = nil
    }
}

// MARK: Joining

extension PeerArrival {
    private func join(_ message: [UInt8], _ channel: FrameChannel) {
        guard let desk = loop.joinDesk else { return close() }
        do throws(JoinFailure) {
            switch try desk.receive(message, &talk) {
            case .send(let answer): channel.write(answer)
            case .refuse(let answer, let refusal):
                end(with: answer, channel)
                loop.tell(.refused(address: address, reason: "it may not join: \(refusal)"))
            case .admit(let request): admit(request, desk)
            }
        } catch {
            refuse("it may not join: \(error)")
        }
    }

    private func admit(_ request: JoinRequest, _ desk: JoinDesk) {
        state = .joining(deadline: .now() + TimeAmount(loop.limits.joinTimeout))
        loop.begin()
        deciding = Task {
            let decision = await desk.decide(request)
            loop.eventLoop.execute {
                self.answer(decision, request, desk)
                self.loop.finish()
            }
        }
    }

    /// Also when the connection is gone: a token that let somebody in is used up.
    private func answer(
        _ decision: Result<JoinGrant, JoinRefusal>, _ request: JoinRequest, _ desk: JoinDesk
    ) {
        guard let answer = desk.answer(decision, &talk) else { return }
        switch decision {
        case .success: loop.tell(.joined(name: request.name, address: request.address))
        case .failure(let refusal):
            loop.tell(.refused(address: address, reason: "it may not join: \(refusal)"))
        }
        if let channel { end(with: answer, channel) }
    }

    /// It is for the other side to close, which has read everything then.
    private func end(with answer: [UInt8], _ channel: FrameChannel) {
        state = .joining(deadline: .now() + TimeAmount(loop.limits.connectTimeout))
        channel.write(answer)
    }
}
