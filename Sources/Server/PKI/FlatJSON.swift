/// The members of a JSON object that are strings, by name; other values are "" and only checked for
/// balance. Nil if `bytes` is no object, a name comes twice, or a string has an escape: a token's
/// header has no need of them, and two readers must never read two things.
func flatJSONStrings(_ bytes: [UInt8]) -> [String: String]? {
    var reader = FlatJSONReader(bytes: bytes)
    return reader.readObject()
}

private struct FlatJSONReader {
    /// Deepest nesting that is skipped.
    private static let depthMax = 16

    let bytes: [UInt8]
    private var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func readObject() -> [String: String]? {
        var members: [String: String] = [:]
        guard take("{") else { return nil }
        if take("}") { return isAtEnd() ? members : nil }
        repeat {
            guard let name = readString(), take(":") else { return nil }
            let value: String
            if peek() == UInt8(ascii: "\"") {
                guard let text = readString() else { return nil }
                value = text
            } else {
                guard skipValue(depth: 0) else { return nil }
                value = ""
            }
            guard members.updateValue(value, forKey: name) == nil else { return nil }
        } while take(",")
        return take("}") && isAtEnd() ? members : nil
    }

    private mutating func skipBlanks() {
        while offset < bytes.count, [9, 10, 13, 32].contains(bytes[offset]) { offset += 1 }
    }

    private mutating func peek() -> UInt8? {
        skipBlanks()
        return offset < bytes.count ? bytes[offset] : nil
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    private mutating func isAtEnd() -> Bool { peek() == nil }

    private mutating func readString() -> String? {
        guard take("\"") else { return nil }
        let start = offset
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
            guard bytes[offset] >= 32, bytes[offset] != UInt8(ascii: "\\") else { return nil }
            offset += 1
        }
        guard offset < bytes.count else { return nil }
        offset += 1
        return String(validating: bytes[start..<offset - 1], as: UTF8.self)
    }

    private mutating func skipValue(depth: Int) -> Bool {
        guard depth < Self.depthMax, let first = peek() else { return false }
        switch first {
        case UInt8(ascii: "\""): return readString() != nil
        case UInt8(ascii: "{"): return skipList("{", "}", depth: depth, isObject: true)
        case UInt8(ascii: "["): return skipList("[", "]", depth: depth, isObject: false)
        default: return skipWord()
        }
    }

    private mutating func skipList(_ open: Unicode.Scalar, _ close: Unicode.Scalar, depth: Int,
                                   isObject: Bool) -> Bool {
        guard take(open) else { return false }
        if take(close) { return true }
        repeat {
            if isObject {
                guard readString() != nil, take(":") else { return false }
            }
            guard skipValue(depth: depth + 1) else { return false }
        } while take(",")
        return take(close)
    }

    /// A number, true, false or null; which one does not matter.
    private mutating func skipWord() -> Bool {
        let start = offset
        while offset < bytes.count {
            switch bytes[offset] {
            case 48...57, 65...90, 97...122, 43, 45, 46: offset += 1
            default: return offset > start
            }
        }
        return offset > start
    }
}
