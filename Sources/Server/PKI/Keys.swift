internal import COpenSSL

/// How a key signs.
public enum SignatureAlgorithm: String, Sendable {
    /// ECDSA on P-256 with SHA-256.
    case es256 = "ES256"
    /// RSA PKCS#1 1.5 with SHA-256.
    case rs256 = "RS256"
}

/// An `EVP_PKEY *`, freed exactly once. OpenSSL changes none after it is made.
@safe final class KeyHandle: @unchecked Sendable {
    let raw: OpaquePointer
    let algorithm: SignatureAlgorithm

    /// Takes over `raw`.
    init(owning raw: OpaquePointer) throws(PKIError) {
        guard let algorithm = unsafe Self.algorithm(of: raw) else {
            unsafe EVP_PKEY_free(raw)
            throw .unsupported("the key is neither on P-256 nor RSA of 2048 to 8192 bits")
        }
        unsafe self.raw = raw
        self.algorithm = algorithm
    }

    deinit { unsafe EVP_PKEY_free(raw) }

    private static func algorithm(of raw: OpaquePointer) -> SignatureAlgorithm? {
        switch unsafe EVP_PKEY_get_base_id(raw) {
        case EVP_PKEY_RSA:
            return unsafe (2_048...8_192).contains(EVP_PKEY_get_bits(raw)) ? .rs256 : nil
        case EVP_PKEY_EC:
            var name = [CChar](repeating: 0, count: 32)
            guard unsafe EVP_PKEY_get_group_name(raw, &name, name.count, nil) == 1 else {
                return nil
            }
            let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
                              as: UTF8.self)
            return text == "prime256v1" || text == "P-256" ? .es256 : nil
        default:
            return nil
        }
    }
}

/// A key that signs.
public struct PrivateKey: Sendable {
    let handle: KeyHandle

    /// A new key on P-256.
    public static func makeP256() throws(PKIError) -> PrivateKey {
        guard let raw = unsafe martlet_generate_p256() else { throw .failed(takeOpenSSLReason()) }
        return unsafe PrivateKey(handle: try KeyHandle(owning: raw))
    }

    /// A new RSA key. Takes a good part of a second.
    public static func makeRSA(bitCount: Int = 2_048) throws(PKIError) -> PrivateKey {
        guard let raw = unsafe martlet_generate_rsa(bitCount) else {
            throw .failed(takeOpenSSLReason())
        }
        return unsafe PrivateKey(handle: try KeyHandle(owning: raw))
    }

    private init(handle: KeyHandle) {
        self.handle = handle
    }

    /// Reads the first private key of a PEM text: PKCS#8, or the older forms of EC and RSA.
    public init(pem: [UInt8]) throws(PKIError) {
        guard let bio = unsafe memoryBIO(pem) else { throw .failed(takeOpenSSLReason()) }
        defer { unsafe BIO_free(bio) }
        // A passphrase can't be asked for: an encrypted key is an error, not a prompt.
        guard let raw = unsafe PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil) else {
            throw .unreadable("no PEM private key: \(takeOpenSSLReason())")
        }
        unsafe handle = try KeyHandle(owning: raw)
    }

    public var algorithm: SignatureAlgorithm { handle.algorithm }

    /// PKCS#8 in PEM, not encrypted: write it with mode 0600.
    public func pem() throws(PKIError) -> [UInt8] {
        try unsafe bytesWritten("private key") { bio in
            unsafe PEM_write_bio_PKCS8PrivateKey(bio, handle.raw, nil, nil, 0, nil, nil)
        }
    }

    public var publicKey: PublicKey { PublicKey(handle: handle) }

    /// Signs `bytes` with SHA-256. ECDSA signatures are r and s, 32 bytes each, as JWT has them.
    public func signature(of bytes: [UInt8]) throws(PKIError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .failed(takeOpenSSLReason()) }
        defer { unsafe EVP_MD_CTX_free(context) }
        var count = 0
        guard unsafe EVP_DigestSignInit(context, nil, EVP_sha256(), nil, handle.raw) == 1,
              unsafe EVP_DigestSign(context, nil, &count, bytes, bytes.count) == 1 else {
            throw .failed("signing: \(takeOpenSSLReason())")
        }
        var signature = [UInt8](repeating: 0, count: count)
        guard unsafe EVP_DigestSign(context, &signature, &count, bytes, bytes.count) == 1 else {
            throw .failed("signing: \(takeOpenSSLReason())")
        }
        signature.removeLast(signature.count - count)
        return algorithm == .es256 ? try ECDSASignature.plain(fromDER: signature) : signature
    }
}

/// A key that checks signatures.
public struct PublicKey: Sendable {
    let handle: KeyHandle

    init(handle: KeyHandle) {
        self.handle = handle
    }

    /// Reads every key of a PEM text, as --service-account-key-file has them: public keys, and the
    /// public halves of private keys and certificates.
    ///
    /// - Throws: ``PKIError/unreadable(_:)`` if there is none or one is damaged.
    public static func all(pem: [UInt8]) throws(PKIError) -> [PublicKey] {
        var keys: [PublicKey] = []
        for block in try PEMBlock.all(in: pem) {
            if let key = try block.publicKey() { keys.append(key) }
        }
        guard !keys.isEmpty else { throw .unreadable("no PEM key") }
        return keys
    }

    public var algorithm: SignatureAlgorithm { handle.algorithm }

    /// SubjectPublicKeyInfo in DER.
    public func der() throws(PKIError) -> [UInt8] {
        try unsafe bytesWritten("public key") { unsafe i2d_PUBKEY_bio($0, handle.raw) }
    }

    /// SubjectPublicKeyInfo in PEM.
    public func pem() throws(PKIError) -> [UInt8] {
        try unsafe bytesWritten("public key") { unsafe PEM_write_bio_PUBKEY($0, handle.raw) }
    }

    /// What Kubernetes calls the key in tokens: SHA-256 of the DER form, in base64 for URLs.
    public func keyID() throws(PKIError) -> String {
        Base64.encodeForURL(SHA256.digest(try der()))
    }

    /// Whether `signature` is that of `bytes` by this key's private half.
    public func verifies(_ signature: [UInt8], of bytes: [UInt8]) -> Bool {
        guard let encoded = algorithm == .es256
                ? ECDSASignature.der(fromPlain: signature) : signature,
              let context = unsafe EVP_MD_CTX_new() else { return false }
        defer {
            unsafe EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        return unsafe EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, handle.raw) == 1
            && EVP_DigestVerify(context, encoded, encoded.count, bytes, bytes.count) == 1
    }
}
