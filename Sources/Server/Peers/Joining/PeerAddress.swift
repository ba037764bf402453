/// Where a member listens for other members: `10.0.0.1:6480`, `[::1]:6480`, `n1.example:6480`.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    /// A DNS name or an IP address, without brackets.
    public let host: String
    public let port: Int

    /// Longest DNS name.
    private static let hostBytesMax = 253

    public init(host: String, port: Int) { (self.host, self.port) = (host, port) }

    /// Reads `HOST:PORT`; an IPv6 address stands in brackets. Nil if it is no such thing.
    public init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"),
              let port = UInt16(text[text.index(after: colon)...]), port > 0 else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard (1...Self.hostBytesMax).contains(host.utf8.count),
              host.utf8.allSatisfy(Self.isHostByte) else { return nil }
        self.init(host: String(host), port: Int(port))
    }

    /// Reads `https://HOST:PORT`, with or without a last slash.
    public init?(url: some StringProtocol) {
        let scheme = "https://"
        guard url.hasPrefix(scheme) else { return nil }
        let rest = url.dropFirst(scheme.count)
        self.init(rest.hasSuffix("/") ? rest.dropLast() : rest)
    }

    /// `HOST:PORT`, as it is read.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"): true
        // The zone of a link-local address: fe80::1%eth0.
        case UInt8(ascii: "%"): true
        default: false
        }
    }
}
