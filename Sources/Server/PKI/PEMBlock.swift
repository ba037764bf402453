internal import COpenSSL

/// One `-----BEGIN ...-----` of a PEM text.
struct PEMBlock {
    /// Blocks of one text that are read before it is refused.
    static let countMax = 1_000

    let label: String
    let der: [UInt8]

    /// Every block of `pem`, in order; text between blocks is skipped.
    static func all(in pem: [UInt8]) throws(PKIError) -> [PEMBlock] {
        guard let bio = unsafe memoryBIO(pem) else { throw .failed(takeOpenSSLReason()) }
        defer { unsafe BIO_free(bio) }
        var blocks: [PEMBlock] = []
        while let block = unsafe try next(bio) {
            guard blocks.count < countMax else { throw .unreadable("too many PEM blocks") }
            blocks.append(block)
        }
        return blocks
    }

    private static func next(_ bio: OpaquePointer) throws(PKIError) -> PEMBlock? {
        var name: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
        guard unsafe PEM_read_bio(bio, &name, &header, &bytes, &count) == 1 else {
            let isAtEnd = Int(ERR_peek_last_error() & 0x7f_ffff) == Int(PEM_R_NO_START_LINE)
            let reason = takeOpenSSLReason()
            if isAtEnd { return nil }
            throw .unreadable("damaged PEM: \(reason)")
        }
        defer {
            unsafe CRYPTO_free(name, nil, 0)
            unsafe CRYPTO_free(header, nil, 0)
            unsafe CRYPTO_free(bytes, nil, 0)
        }
        guard let name = unsafe name, let bytes = unsafe bytes else { return nil }
        return unsafe PEMBlock(label: String(cString: name),
                               der: Array(UnsafeBufferPointer(start: bytes, count: count)))
    }

    /// The block's key, or its public half; nil if it holds something else (EC parameters, say).
    func publicKey() throws(PKIError) -> PublicKey? {
        if label == "CERTIFICATE" { return try Certificate(der: der).publicKey }
        guard label.hasSuffix("PUBLIC KEY") || label.hasSuffix("PRIVATE KEY") else { return nil }
        let raw = unsafe der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            var start = bytes.baseAddress
            switch label {
            case "PUBLIC KEY": return unsafe d2i_PUBKEY(nil, &start, bytes.count)
            case "RSA PUBLIC KEY":
                return unsafe d2i_PublicKey(EVP_PKEY_RSA, nil, &start, bytes.count)
            default: return unsafe d2i_AutoPrivateKey(nil, &start, bytes.count)
            }
        }
        guard let raw = unsafe raw else {
            throw .unreadable("damaged \(label): \(takeOpenSSLReason())")
        }
        return unsafe PublicKey(handle: try KeyHandle(owning: raw))
    }
}
