internal import COpenSSL

/// A BIO that reads a copy of `bytes`; the caller frees it. Nil without memory.
func memoryBIO(_ bytes: [UInt8]) -> OpaquePointer? {
    guard let bio = unsafe BIO_new(BIO_s_mem()) else { return nil }
    let count = unsafe bytes.withUnsafeBytes {
        unsafe BIO_write(bio, $0.baseAddress, Int32($0.count))
    }
    guard count == bytes.count || bytes.isEmpty else {
        unsafe BIO_free(bio)
        return nil
    }
    return unsafe bio
}

/// What `write` puts into a BIO.
func bytesWritten(_ what: String, _ write: (OpaquePointer) -> Int32) throws(PKIError) -> [UInt8] {
    guard let bio = unsafe BIO_new(BIO_s_mem()) else { throw .failed(takeOpenSSLReason()) }
    defer { unsafe BIO_free(bio) }
    guard unsafe write(bio) == 1 else { throw .failed("\(what): \(takeOpenSSLReason())") }
    var start: UnsafeMutablePointer<CChar>?
    let count = unsafe martlet_bio_memory(bio, &start)
    guard let start = unsafe start else { return [] }
    return unsafe start.withMemoryRebound(to: UInt8.self, capacity: count) {
        unsafe Array(UnsafeBufferPointer(start: $0, count: count))
    }
}

/// Whether two byte strings are equal, in a time that tells nothing about where they differ.
public func equalsInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return unsafe left.withUnsafeBytes { left in
        unsafe right.withUnsafeBytes { right in
            unsafe CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
        }
    }
}
