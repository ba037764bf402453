/// Something about a connection that an operator may want to know. Its text is one sentence.
public enum PeerNotice: Equatable, Sendable, CustomStringConvertible {
    /// Frames can be sent to the member.
    case connected(member: UInt64, address: String)
    /// The connection to a member ended.
    case lost(member: UInt64, address: String, reason: String)
    /// There could be none.
    case unreachable(member: UInt64, address: String, reason: String)
    /// Another member connected, and is believed.
    case accepted(name: String, address: String)
    /// Somebody connected who is not.
    case refused(address: String, reason: String)
    /// A new member was let in.
    case joined(name: String, address: String)

    public var description: String {
        switch self {
        case .connected(let member, let address): "connected to member \(member) at \(address)"
        case .lost(let member, let address, let reason):
            "lost the connection to member \(member) at \(address): \(reason)"
        case .unreachable(let member, let address, let reason):
            "member \(member) at \(address) cannot be reached: \(reason)"
        case .accepted(let name, let address): "member \(name) connected from \(address)"
        case .refused(let address, let reason): "refused a connection from \(address): \(reason)"
        case .joined(let name, let address): "let the new member \(name) at \(address) in"
        }
    }

    /// What two notices have in common of which one is enough for a while.
    var topic: String {
        switch self {
        case .connected(let member, _): "connected \(member)"
        case .lost(let member, _, _): "lost \(member)"
        case .unreachable(let member, _, _): "unreachable \(member)"
        case .accepted(let name, _): "accepted \(name)"
        // The port is another one each time.
        case .refused(let address, _):
            "refused \(address.lastIndex(of: ":").map { address[..<$0] } ?? address[...])"
        case .joined(let name, _): "joined \(name)"
        }
    }
}

/// Lets through one notice of a topic in a while. Knows no clock.
struct NoticeFilter {
    private static let topicsMax = 256
    private let interval: Duration
    private var lastTold: [String: ContinuousClock.Instant] = [:]

    init(interval: Duration) { self.interval = interval }

    mutating func mayTell(_ notice: PeerNotice, now: ContinuousClock.Instant) -> Bool {
        let topic = notice.topic
        if let last = lastTold[topic], now - last < interval { return false }
        if lastTold.count >= Self.topicsMax { lastTold.removeAll() }
        lastTold[topic] = now
        return true
    }
}
