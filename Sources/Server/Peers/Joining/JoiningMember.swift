/// The side of a join that wants in. Messages in, messages out; knows no sockets and no clock.
///
///     new member                                   member
///     hello: a nonce                  ->
///                                     <-           challenge: a nonce
///     proof: knows the token; who I am ->
///                                     <-           grant: knows it too; CA, keys, members
///
/// The new member proves first: a stranger who knocks gets nothing that could be tried against.
public struct JoiningMember: ~Copyable {
    public enum Step: Equatable, Sendable {
        case send([UInt8])
        case joined(JoinGrant)
    }

    private enum State {
        case greeted
        case proven(JoinTranscript)
        case ended
    }

    private let key: JoinKey
    private let request: JoinRequest
    private let nonce: [UInt8]
    private let fingerprint: [UInt8]
    private var state = State.greeted

    /// - Parameters:
    ///   - nonce: ``AdmittingMember/nonceByteCount`` bytes that never come twice.
    ///   - certificateFingerprint: SHA-256 of the certificate that the other side showed in TLS.
    public init(
        token: String, request: JoinRequest, nonce: [UInt8], certificateFingerprint: [UInt8]
    ) {
        key = JoinKey(token: token)
        (self.request, self.nonce) = (request, nonce)
        fingerprint = certificateFingerprint
    }

    /// What is said first.
    public var hello: [UInt8] { JoinMessage.hello(nonce: nonce).encoded() }

    /// - Throws: ``JoinFailure``; nothing that came may be believed then, and nothing more is said.
    public mutating func receive(_ bytes: [UInt8]) throws(JoinFailure) -> Step {
        let state = self.state
        self.state = .ended
        switch (state, try JoinMessage(bytes)) {
        case (.greeted, .challenge(let memberNonce)):
            let transcript = JoinTranscript(
                newMemberNonce: nonce, memberNonce: memberNonce,
                certificateFingerprint: fingerprint)
            let body = request.encoded()
            self.state = .proven(transcript)
            return .send(JoinMessage.proof(
                code: transcript.code(by: .newMember, key: key, body: body), body: body).encoded())
        case (.proven(let transcript), .grant(let code, let body)):
            guard transcript.isProven(by: .member, code, key: key, body: body) else {
                throw .unprovenMember
            }
            return .joined(try JoinGrant(encoded: body))
        case (.proven, .refusal(let refusal)): throw .refused(refusal)
        default: throw .malformed("a message out of turn")
        }
    }
}
