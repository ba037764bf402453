/// The side of a join that lets somebody in. Messages in, actions out; ``JoiningMember`` shows the
/// conversation.
public struct AdmittingMember: ~Copyable {
    public enum Action: Equatable, Sendable {
        case send([UInt8])
        /// Somebody who knows a token: decide, and call ``answer(_:tokens:)``.
        case admit(JoinRequest)
        /// Say this, then close.
        case refuse([UInt8], because: JoinRefusal)
    }

    private enum State {
        case waiting
        case challenged(newMemberNonce: [UInt8])
        case admitting(JoinTranscript, JoinKey)
        case ended
    }

    public static let nonceByteCount = JoinMessage.nonceByteCount

    private let nonce: [UInt8]
    private let fingerprint: [UInt8]
    private var state = State.waiting

    /// - Parameters:
    ///   - nonce: ``nonceByteCount`` bytes that never come twice.
    ///   - certificateFingerprint: SHA-256 of the certificate that this side showed in TLS.
    public init(nonce: [UInt8], certificateFingerprint: [UInt8]) {
        (self.nonce, fingerprint) = (nonce, certificateFingerprint)
    }

    /// - Throws: ``JoinFailure`` for what is no message, or out of turn: close without a word.
    public mutating func receive(
        _ bytes: [UInt8], tokens: inout JoinTokens, nowSeconds: Int64
    ) throws(JoinFailure) -> Action {
        let message = try JoinMessage(bytes)
        switch (state, message) {
        case (.waiting, .hello(let newMemberNonce)):
            state = .challenged(newMemberNonce: newMemberNonce)
            return .send(JoinMessage.challenge(nonce: nonce).encoded())
        case (.challenged(let newMemberNonce), .proof(let code, let body)):
            let transcript = JoinTranscript(
                newMemberNonce: newMemberNonce, memberNonce: nonce,
                certificateFingerprint: fingerprint)
            state = .ended
            let verdict = tokens.take(nowSeconds: nowSeconds) { key in
                transcript.isProven(by: .newMember, code, key: key, body: body)
            }
            switch verdict {
            case .unknown: return Self.refuse(.unknownToken)
            case .expired: return Self.refuse(.expiredToken)
            case .granted(let key, let name):
                return try admit(body, for: name, transcript, key, &tokens)
            }
        default: throw .malformed("a message out of turn")
        }
    }

    private mutating func admit(
        _ body: [UInt8], for name: String?, _ transcript: JoinTranscript, _ key: JoinKey,
        _ tokens: inout JoinTokens
    ) throws(JoinFailure) -> Action {
        do throws(JoinFailure) {
            let request = try JoinRequest(encoded: body)
            if let name, name != request.name {
                tokens.settle(key, isUsed: false)
                return Self.refuse(.never("the token is for a member named \(name)"))
            }
            state = .admitting(transcript, key)
            return .admit(request)
        } catch {
            tokens.settle(key, isUsed: false)
            throw error
        }
    }

    /// The last message, once it is decided. A token that works once is used up by a grant, and
    /// can be tried again after a refusal.
    public mutating func answer(
        _ decision: Result<JoinGrant, JoinRefusal>, tokens: inout JoinTokens
    ) -> [UInt8] {
        guard case .admitting(let transcript, let key) = state else {
            preconditionFailure("an answer without a question")
        }
        state = .ended
        switch decision {
        case .success(let grant):
            tokens.settle(key, isUsed: true)
            let body = grant.encoded()
            return JoinMessage.grant(
                code: transcript.code(by: .member, key: key, body: body), body: body).encoded()
        case .failure(let refusal):
            tokens.settle(key, isUsed: false)
            return JoinMessage.refusal(refusal).encoded()
        }
    }

    private static func refuse(_ refusal: JoinRefusal) -> Action {
        .refuse(JoinMessage.refusal(refusal).encoded(), because: refusal)
    }
}
