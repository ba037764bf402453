/// A frame of HTTP/2 (RFC 9113, section 4.1).
struct Frame {
    enum Kind: UInt8 {
        case data = 0, headers = 1, reset = 3, settings = 4, ping = 6, goAway = 7, windowUpdate = 8
    }

    let rawKind: UInt8
    let stream: UInt32
    let flags: UInt8
    let payload: [UInt8]

    init(_ kind: Kind, _ stream: UInt32, flags: UInt8 = 0, _ payload: [UInt8] = []) {
        self.init(raw: kind.rawValue, stream, flags: flags, payload)
    }

    init(raw: UInt8, _ stream: UInt32, flags: UInt8, _ payload: [UInt8]) {
        (rawKind, self.stream, self.flags, self.payload) = (raw, stream, flags, payload)
    }

    var kind: Kind? { Kind(rawValue: rawKind) }
    var isLast: Bool { flags & 1 != 0 }

    var bytes: [UInt8] {
        let count = UInt32(payload.count)
        return [UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255), rawKind, flags]
            + (0..<4).map { UInt8(stream >> (24 - 8 * UInt32($0)) & 255) } + payload
    }

    struct Truncated: Error {}

    static func all(in bytes: [UInt8]) throws -> [Frame] {
        var frames: [Frame] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= 9 else { throw Truncated() }
            let head = Array(rest.prefix(9))
            let count = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            guard rest.count >= 9 + count else { throw Truncated() }
            let stream = head[5...8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(Frame(raw: head[3], stream, flags: head[4],
                                Array(rest.dropFirst(9).prefix(count))))
            rest = rest.dropFirst(9 + count)
        }
        return frames
    }
}
