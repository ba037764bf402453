/// The way to a value within free-form JSON: `/spec/containers/0/name`.
///
/// - Source: RFC 6901; indices below zero count from a list's end, as Kubernetes allows.
struct JSONPointer: Sendable {
    let tokens: [String]

    /// Nil if the text is neither empty nor starts with a slash.
    init?(_ text: String) {
        guard !text.isEmpty else {
            tokens = []
            return
        }
        guard text.utf8.first == UInt8(ascii: "/") else { return nil }
        tokens = text.utf8.dropFirst()
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { Self.unescaped(String(Substring($0))) }
    }

    /// `~1` is a slash and `~0` a tilde.
    private static func unescaped(_ token: String) -> String {
        guard token.utf8.contains(UInt8(ascii: "~")) else { return token }
        var bytes: [UInt8] = []
        var isEscaped = false
        for byte in token.utf8 {
            switch (isEscaped, byte) {
            case (false, UInt8(ascii: "~")): isEscaped = true
            case (true, UInt8(ascii: "0")), (true, UInt8(ascii: "1")):
                bytes.append(UInt8(ascii: byte == UInt8(ascii: "0") ? "~" : "/"))
                isEscaped = false
            default:
                if isEscaped { bytes.append(UInt8(ascii: "~")) }
                isEscaped = byte == UInt8(ascii: "~")
                if !isEscaped { bytes.append(byte) }
            }
        }
        if isEscaped { bytes.append(UInt8(ascii: "~")) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The value that is there, or nil.
    func value(in root: Value) -> Value? {
        var value = root
        for token in tokens {
            switch value {
            case .map(let map):
                guard let next = map[token] else { return nil }
                value = next
            case .list(let list):
                guard let index = Self.index(token, count: list.count), index < list.count
                else { return nil }
                value = list[index]
            default: return nil
            }
        }
        return value
    }

    /// Within 0...count, or nil.
    static func index(_ token: String, count: Int) -> Int? {
        guard let number = Int(token), number >= -count, number <= count else { return nil }
        return number < 0 ? number + count : number
    }
}

extension Value {
    /// Changes the map or list that holds the last of `path`; false if the way ends before.
    ///
    /// - Parameter change: Gets the holder and the last token; false if it cannot be done.
    mutating func change(
        at path: ArraySlice<String>, _ change: (inout Value, String) -> Bool
    ) -> Bool {
        guard let token = path.first else { return false }
        guard path.count > 1 else { return change(&self, token) }
        switch self {
        case .map(var map):
            guard var next = map[token] else { return false }
            self = .null // so that `map` is the only owner and changes in place
            map[token] = .null
            let isDone = next.change(at: path.dropFirst(), change)
            map[token] = next
            self = .map(map)
            return isDone
        case .list(var list):
            guard let index = JSONPointer.index(token, count: list.count), index < list.count
            else { return false }
            self = .null
            let isDone = list[index].change(at: path.dropFirst(), change)
            self = .list(list)
            return isDone
        default: return false
        }
    }
}
