/// Base64 (RFC 4648), in its usual alphabet and in that for URLs.
public enum Base64 {
    /// With padding.
    public static func encode(_ bytes: [UInt8]) -> String {
        encode(bytes, standardAlphabet, isPadded: true)
    }

    /// In the alphabet for URLs, without padding.
    public static func encodeForURL(_ bytes: [UInt8]) -> String {
        encode(bytes, urlAlphabet, isPadded: false)
    }

    /// The bytes of a padded text; nil if it is not exactly what ``encode(_:)`` gives for them.
    public static func decode(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 4 == 0 else { return nil }
        let padding = digits.suffix(2).count { $0 == UInt8(ascii: "=") }
        return decode(digits.dropLast(padding), standardValues)
    }

    /// The bytes of an unpadded text in the alphabet for URLs; nil if it is not canonical.
    public static func decodeFromURL(_ text: some StringProtocol) -> [UInt8]? {
        decode(Array(text.utf8)[...], urlValues)
    }

    private static let standardAlphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlAlphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let standardValues = values(of: standardAlphabet)
    private static let urlValues = values(of: urlAlphabet)

    private static let noValue: UInt8 = 255

    private static func values(of alphabet: [UInt8]) -> [UInt8] {
        var values = [UInt8](repeating: noValue, count: 256)
        for (value, digit) in alphabet.enumerated() { values[Int(digit)] = UInt8(value) }
        return values
    }

    private static func encode(_ bytes: [UInt8], _ alphabet: [UInt8], isPadded: Bool) -> String {
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for index in 0..<3 {
                group = group << 8 | (index < count ? UInt32(bytes[start + index]) : 0)
            }
            for index in 0..<4 {
                if index <= count {
                    output.append(alphabet[Int(group >> UInt32(18 - 6 * index) & 63)])
                } else if isPadded {
                    output.append(UInt8(ascii: "="))
                }
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func decode(_ digits: ArraySlice<UInt8>, _ values: [UInt8]) -> [UInt8]? {
        guard digits.count % 4 != 1 else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(digits.count / 4 * 3 + 2)
        var group: UInt32 = 0
        var bitCount: UInt32 = 0
        for digit in digits {
            let value = values[Int(digit)]
            guard value != noValue else { return nil }
            group = group << 6 | UInt32(value)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                output.append(UInt8(truncatingIfNeeded: group >> bitCount))
                group &= (1 << bitCount) - 1
            }
        }
        return group == 0 ? output : nil
    }
}
