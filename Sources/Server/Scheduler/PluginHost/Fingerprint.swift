/// How the file of a strategy is named in reports.
public enum Fingerprint {
    /// SHA-256 as 64 hexadecimal digits.
    public static func sha256(of bytes: [UInt8]) -> String { SHA256.hex(of: bytes) }
}
