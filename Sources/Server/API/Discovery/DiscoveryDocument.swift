public import Wire

/// A document that tells clients what there is.
public struct DiscoveryDocument: Sendable {
    public let tree: Message
    /// In quotes, as HTTP wants it; changes with the content. Aggregated documents have one.
    public let etag: String?
    /// Core's list of resources says no apiVersion in JSON, and old clients know it so.
    let hasNoVersion: Bool

    init(_ tree: Message, etag: String? = nil, hasNoVersion: Bool = false) {
        self.tree = tree
        self.etag = etag
        self.hasNoVersion = hasNoVersion
    }

    /// The body of an answer.
    public func bytes(_ encoding: MediaType, isPretty: Bool = false) -> [UInt8] {
        guard hasNoVersion, encoding == .json, !isPretty else {
            return ObjectCodec.encode(tree, encoding, isPretty: isPretty)
        }
        var writer = ByteWriter()
        writer.append("{\"kind\":")
        JSONWriter.write(.string(tree.type.kind), into: &writer)
        writer.append(",")
        var fields = ByteWriter()
        JSONWriter.write(.message(tree), into: &fields)
        writer.append(Array(fields.array().dropFirst()))
        return writer.array()
    }
}

/// A hash for telling documents apart, not for security (FNV-1a, 64 bits).
func fingerprint(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { hash, byte in
        (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
}

extension UInt64 {
    /// Sixteen digits in upper case.
    var hexadecimal: String {
        let text = String(self, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
}
