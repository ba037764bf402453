/// The parameters of a request's query, percent-decoded, in the order in which they stand.
public struct QueryParameters: Sendable {
    private var pairs: [(name: String, value: String)] = []

    /// Reads `a=1&b=2`. `+` is a space; a bad percent sequence stays as it is.
    public init(_ query: Substring) {
        guard !query.isEmpty else { return }
        for part in query.split(separator: "&") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = halves.count == 2 ? percentDecoded(halves[1], plusIsSpace: true) : ""
            pairs.append((percentDecoded(halves[0], plusIsSpace: true), value))
        }
    }

    /// The first value of a parameter; nil if it is not there.
    public subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// Every value of a parameter.
    public func all(_ name: String) -> [String] {
        pairs.filter { $0.name == name }.map(\.value)
    }

    /// A switch as Go's conversion reads it: present and neither `false` nor `0`.
    public func flag(_ name: String) -> Bool {
        guard let value = self[name] else { return false }
        return value.lowercased() != "false" && value != "0"
    }
}

/// Replaces `%XX` by the byte it stands for. What is not UTF-8 then is mended, not refused.
func percentDecoded(_ text: Substring, plusIsSpace: Bool = false) -> String {
    guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
        return String(text)
    }
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%"), let high = rest.first.flatMap(hexadecimal),
            let low = rest.dropFirst().first.flatMap(hexadecimal) {
            bytes.append(high << 4 | low)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

private func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// Two digits for each byte.
func hexadecimalText(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: text, as: UTF8.self)
}
