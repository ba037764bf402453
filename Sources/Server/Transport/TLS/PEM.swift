internal import COpenSSL

/// The certificates of a PEM text, owned: freed exactly once.
@safe final class CertificateList {
    private(set) var raw: [OpaquePointer] = unsafe []

    /// - Throws: ``TLSError/unusableIdentity(_:)`` if there is none, or one is damaged.
    init(pem: [UInt8], called name: String) throws(TLSError) {
        guard let bio = unsafe memoryBIO(pem) else { throw .unusableIdentity("\(name): no memory") }
        defer { unsafe BIO_free(bio) }
        while let certificate = unsafe PEM_read_bio_X509(bio, nil, nil, nil) {
            unsafe raw.append(certificate)
        }
        let code = ERR_peek_last_error()
        let isAtEnd = Int(code & 0x7f_ffff) == Int(PEM_R_NO_START_LINE)
        let reason = takeOpenSSLReason()
        guard unsafe !raw.isEmpty, isAtEnd else {
            throw .unusableIdentity("\(name): no usable PEM certificate: \(reason)")
        }
    }

    deinit {
        for unsafe certificate in unsafe raw { unsafe X509_free(certificate) }
    }
}

/// A BIO that reads a copy of `bytes`; the caller frees it.
func memoryBIO(_ bytes: [UInt8]) -> OpaquePointer? {
    guard let bio = unsafe BIO_new(BIO_s_mem()) else { return nil }
    let count = unsafe bytes.withUnsafeBytes {
        unsafe BIO_write(bio, $0.baseAddress, Int32($0.count))
    }
    guard count == bytes.count else {
        unsafe BIO_free(bio)
        return nil
    }
    return unsafe bio
}
