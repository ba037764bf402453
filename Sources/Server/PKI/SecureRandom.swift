internal import COpenSSL

/// Randomness that nobody can guess.
public enum SecureRandom {
    public static func bytes(count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let isDone = unsafe RAND_bytes(&bytes, Int32(count))
        precondition(isDone == 1, "the system gives no randomness")
        return bytes
    }

    /// A UUID, version 4 (RFC 9562): `0f8fad5b-d9cb-469f-a165-70867728950e`.
    public static func uuid() -> String { uuid(from: bytes(count: 16)) }

    static func uuid(from random: [UInt8]) -> String {
        precondition(random.count == 16)
        var bytes = random
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        return [bytes[0..<4], bytes[4..<6], bytes[6..<8], bytes[8..<10], bytes[10..<16]]
            .map { hex($0) }.joined(separator: "-")
    }
}
