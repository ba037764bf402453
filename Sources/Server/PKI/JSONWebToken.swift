/// Signed tokens (RFC 7519 in the compact form of RFC 7515), as service accounts have them.
public enum JSONWebToken {
    /// Longest token that is looked at.
    public static let bytesMax = 16_384

    /// Signs `claims`, a JSON object, which is used as it is.
    ///
    /// - Returns: `header.claims.signature`; the header names the algorithm and the key.
    public static func sign(claims: [UInt8], key: PrivateKey) throws(PKIError) -> String {
        let keyID = try key.publicKey.keyID()
        let header = "{\"alg\":\"\(key.algorithm.rawValue)\",\"kid\":\"\(keyID)\"}"
        let signed = Base64.encodeForURL(Array(header.utf8)) + "." + Base64.encodeForURL(claims)
        let signature = try key.signature(of: Array(signed.utf8))
        return signed + "." + Base64.encodeForURL(signature)
    }

    /// The claims of a token that one of `keys` signed; their meaning is the caller's business.
    ///
    /// The key decides about the algorithm; a header that names another one is refused, whatever
    /// it names. Base64 must be canonical.
    public static func verify(_ token: String, keys: [TokenKey])
        throws(JSONWebTokenError) -> [UInt8] {
        guard token.utf8.count <= bytesMax else {
            throw .malformed("longer than \(bytesMax) bytes")
        }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed("not three parts") }
        guard let headerBytes = Base64.decodeFromURL(parts[0]),
              let claims = Base64.decodeFromURL(parts[1]),
              let signature = Base64.decodeFromURL(parts[2]) else {
            throw .malformed("bad base64")
        }
        guard let header = flatJSONStrings(headerBytes) else { throw .malformed("bad header") }
        guard let algorithm = header["alg"] else { throw .malformed("header without alg") }
        // RFC 7515, 4.1.11: what is critical and not understood is refused.
        guard header["crit"] == nil else { throw .malformed("header with crit") }
        let signed = Array((parts[0] + "." + parts[1]).utf8)
        for key in keys where header["kid"].map({ $0 == key.id }) ?? true {
            guard key.key.algorithm.rawValue == algorithm else { continue }
            if key.key.verifies(signature, of: signed) { return claims }
        }
        throw .untrusted
    }

    /// The claims without a look at the signature: to find out whose the token says it is. What
    /// they say is not to be believed.
    public static func unverifiedClaims(_ token: String) throws(JSONWebTokenError) -> [UInt8] {
        guard token.utf8.count <= bytesMax else {
            throw .malformed("longer than \(bytesMax) bytes")
        }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let claims = Base64.decodeFromURL(parts[1]) else {
            throw .malformed("not a signed token")
        }
        return claims
    }
}

/// A public key with its name in tokens, computed once.
public struct TokenKey: Sendable {
    public let id: String
    public let key: PublicKey

    public init(_ key: PublicKey) throws(PKIError) {
        id = try key.keyID()
        self.key = key
    }
}

public enum JSONWebTokenError: Error, Equatable {
    /// Not a token at all: another authenticator may know it.
    case malformed(String)
    /// A token, but of no key that we know.
    case untrusted
}
