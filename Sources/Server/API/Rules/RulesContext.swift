public import Wire

/// What the rules must know of a request beside the object. They have no clock and no randomness.
public struct RulesContext: Sendable {
    /// Who asks, as the kinds that record it want it.
    public struct Requester: Hashable, Sendable {
        public var name: String
        public var uid: String
        public var groups: [String]
        public var extra: [String: [String]]

        public init(name: String = "", uid: String = "", groups: [String] = [],
                    extra: [String: [String]] = [:]) {
            self.name = name
            self.uid = uid
            self.groups = groups
            self.extra = extra
        }
    }

    public var now: Timestamp
    /// The UID that a created object gets.
    public var uid: String
    public var requester: Requester
    /// Ports that a service may ask for on every node.
    public var nodePorts: ClosedRange<Int>
    /// Whether a time zone of this name exists. The rules cannot look: the files are the edge's.
    public var isTimeZone: @Sendable (String) -> Bool

    public init(now: Timestamp, uid: String = "", requester: Requester = Requester(),
                nodePorts: ClosedRange<Int> = 30000...32767,
                isTimeZone: @escaping @Sendable (String) -> Bool = { $0 == "UTC" }) {
        self.now = now
        self.uid = uid
        self.requester = requester
        self.nodePorts = nodePorts
        self.isTimeZone = isTimeZone
    }
}
