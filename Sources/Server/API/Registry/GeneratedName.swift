/// Names that the server makes up, as Kubernetes does: a prefix and five characters.
enum GeneratedName {
    /// Without vowels and what is easily misread, so that no word comes out.
    private static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)
    private static let suffixCount = 5
    /// A longer prefix is cut, so that the name stays a DNS label.
    private static let prefixBytesMax = 58

    static func make(prefix: String, random: UInt64) -> String {
        String(prefix.prefix(prefixBytesMax)) + suffix(random)
    }

    /// Five characters of the alphabet, chosen by random bits.
    static func suffix(_ random: UInt64) -> String {
        var rest = random
        var bytes: [UInt8] = []
        for _ in 0..<suffixCount {
            bytes.append(alphabet[Int(rest % UInt64(alphabet.count))])
            rest /= UInt64(alphabet.count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
