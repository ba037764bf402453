internal import PKI

/// What a proof is about: this conversation, over a TLS connection to this certificate, and no
/// other.
///
/// Whoever sits in between has another certificate, as the key of the member's own never leaves
/// it; so what the one side proves to them is of no use with the other. Nonces of both sides make
/// a proof worthless for a second conversation.
struct JoinTranscript: Equatable {
    enum Side: String {
        case newMember = "martlet join 1: new member"
        case member = "martlet join 1: member"
    }

    let newMemberNonce: [UInt8]
    let memberNonce: [UInt8]
    /// SHA-256 of the certificate (DER) of the member asked, as each side sees it.
    let certificateFingerprint: [UInt8]

    /// Proves that `side` knows the token, and that `body` is from it.
    func code(by side: Side, key: JoinKey, body: [UInt8]) -> [UInt8] {
        // All before the body have lengths of their own, so no two inputs read the same.
        precondition(newMemberNonce.count == JoinMessage.nonceByteCount
            && memberNonce.count == JoinMessage.nonceByteCount
            && certificateFingerprint.count == SHA256.byteCount)
        return SHA256.authenticationCode(
            Array(side.rawValue.utf8) + [0] + newMemberNonce + memberNonce
                + certificateFingerprint + body,
            key: key.bytes)
    }

    /// Whether `code` is that proof.
    func isProven(by side: Side, _ code: [UInt8], key: JoinKey, body: [UInt8]) -> Bool {
        equalsInConstantTime(code, self.code(by: side, key: key, body: body))
    }
}
