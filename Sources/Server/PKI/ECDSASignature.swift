internal import COpenSSL

/// The two forms of an ECDSA signature on P-256: DER, and r and s in 32 bytes each.
enum ECDSASignature {
    static let plainByteCount = 64

    static func plain(fromDER der: [UInt8]) throws(PKIError) -> [UInt8] {
        let signature = unsafe der.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return unsafe d2i_ECDSA_SIG(nil, &start, bytes.count)
        }
        guard let signature = unsafe signature else { throw .failed(takeOpenSSLReason()) }
        defer { unsafe ECDSA_SIG_free(signature) }
        var r = [UInt8](repeating: 0, count: plainByteCount / 2)
        var s = r
        guard unsafe BN_bn2binpad(ECDSA_SIG_get0_r(signature), &r, Int32(r.count)) == r.count,
              unsafe BN_bn2binpad(ECDSA_SIG_get0_s(signature), &s, Int32(s.count)) == s.count else {
            throw .failed("ECDSA signature of another curve")
        }
        return r + s
    }

    /// Nil if `plain` has another length.
    static func der(fromPlain plain: [UInt8]) -> [UInt8]? {
        guard plain.count == plainByteCount,
              let signature = unsafe ECDSA_SIG_new() else { return nil }
        defer { unsafe ECDSA_SIG_free(signature) }
        let half = plainByteCount / 2
        let r = unsafe BN_bin2bn(Array(plain[..<half]), Int32(half), nil)
        let s = unsafe BN_bin2bn(Array(plain[half...]), Int32(half), nil)
        // Takes over both numbers.
        guard unsafe ECDSA_SIG_set0(signature, r, s) == 1 else {
            unsafe BN_free(r)
            unsafe BN_free(s)
            return nil
        }
        var start: UnsafeMutablePointer<UInt8>?
        let count = unsafe i2d_ECDSA_SIG(signature, &start)
        guard count > 0, let bytes = unsafe start else { return nil }
        defer { unsafe CRYPTO_free(bytes, nil, 0) }
        return unsafe Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }
}
