internal import Wire

/// IP addresses and blocks of them.
enum Address: Hashable {
    case v4([UInt8])
    case v6([UInt8])

    var bytes: [UInt8] {
        switch self {
        case .v4(let bytes), .v6(let bytes): bytes
        }
    }

    /// Reads `10.1.2.3` or `2001:db8::1`. Nil for what is neither.
    init?(_ text: String) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let bytes = Self.sixteenBytes(text[...]) else { return nil }
            self = .v6(bytes)
        } else {
            guard let bytes = Self.fourBytes(text[...]) else { return nil }
            self = .v4(bytes)
        }
    }

    private static func fourBytes(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        let bytes = parts.compactMap { part -> UInt8? in
            guard !part.isEmpty, part.utf8.allSatisfy(Syntax.isDigit),
                part == "0" || part.first != "0"
            else { return nil }
            return UInt8(part)
        }
        return bytes.count == 4 ? bytes : nil
    }

    private static func sixteenBytes(_ text: Substring) -> [UInt8]? {
        guard let gap = text.range(ofDoubleColon: ()) else {
            let bytes = groups(text)
            return bytes?.count == 16 ? bytes : nil
        }
        let tail = text[gap.upperBound...]
        guard tail.range(ofDoubleColon: ()) == nil,
            let head = gap.lowerBound == text.startIndex ? [] : groups(text[..<gap.lowerBound]),
            let rest = tail.isEmpty ? [] : groups(tail), head.count + rest.count <= 14
        else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - rest.count) + rest
    }

    private static func groups(_ text: Substring) -> [UInt8]? {
        var bytes: [UInt8] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains(".") {
                guard let four = fourBytes(part) else { return nil }
                bytes += four
            } else {
                guard (1...4).contains(part.utf8.count), let group = UInt16(part, radix: 16),
                    part.first != "+"
                else { return nil }
                bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
            }
        }
        return bytes
    }

    var isLoopback: Bool {
        switch self {
        case .v4(let bytes): bytes[0] == 127
        case .v6(let bytes): bytes == [UInt8](repeating: 0, count: 15) + [1]
        }
    }
    var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }
    var isLinkLocal: Bool {
        switch self {
        case .v4(let bytes): bytes[0] == 169 && bytes[1] == 254
        case .v6(let bytes): bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
        }
    }
    var isLinkLocalMulticast: Bool {
        switch self {
        case .v4(let bytes): bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0
        case .v6(let bytes): bytes[0] == 0xFF && bytes[1] & 0x0F == 2
        }
    }
}

/// `10.9.8.0/24`.
struct AddressBlock: Hashable {
    let address: Address
    let prefixBits: Int

    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = Address(String(parts[0])), let bits = Int(parts[1]),
            parts[1].utf8.allSatisfy(Syntax.isDigit), bits <= address.bytes.count * 8
        else { return nil }
        self.address = address
        prefixBits = bits
    }

    /// Whether all of another block, which is smaller, lies in this one.
    func strictlyContains(_ other: AddressBlock) -> Bool {
        guard address.bytes.count == other.address.bytes.count, other.prefixBits > prefixBits
        else { return false }
        return zip(address.bytes, other.address.bytes).enumerated().allSatisfy { index, pair in
            let bits = min(8, max(0, prefixBits - index * 8))
            let mask = UInt8(truncatingIfNeeded: 0xFF00 >> bits)
            return pair.0 & mask == pair.1 & mask
        }
    }
}

extension Substring {
    fileprivate func range(ofDoubleColon: Void) -> Range<Index>? {
        var index = startIndex
        while let colon = self[index...].firstIndex(of: ":") {
            let next = self.index(after: colon)
            if next < endIndex, self[next] == ":" { return colon..<self.index(after: next) }
            index = next
        }
        return nil
    }
}

extension Report {
    /// An IP address.
    mutating func address(_ field: String?, _ text: String) {
        if Address(text) == nil {
            invalid(field, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        }
    }

    /// A block of IP addresses.
    mutating func addressBlock(_ field: String?, _ text: String) {
        if AddressBlock(text) == nil {
            invalid(field, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")
        }
    }
}
