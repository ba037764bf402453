internal import COpenSSL

/// SHA-256 and what is made from it.
public enum SHA256 {
    public static let byteCount = 32

    /// The digest, 32 bytes.
    public static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        let isDone = unsafe EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil)
        precondition(isDone == 1, "SHA-256 is not there")
        return digest
    }

    /// HMAC (RFC 2104), 32 bytes.
    public static func authenticationCode(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: byteCount)
        let start = unsafe HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &code, nil)
        precondition(unsafe start != nil, "HMAC-SHA-256 is not there")
        return code
    }

    /// The digest in 64 hexadecimal digits.
    public static func hexDigest(_ bytes: [UInt8]) -> String {
        hex(digest(bytes))
    }
}

/// Two digits a byte, in lower case.
func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
                  as: UTF8.self)
}
