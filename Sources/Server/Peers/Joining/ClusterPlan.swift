/// How a member comes to its cluster, as the flags of `martlet serve` say.
public struct ClusterPlan: Equatable, Sendable {
    public enum Start: Equatable, Sendable {
        /// A cluster of its own.
        case alone
        /// A new cluster, of which this member is one.
        case new(InitialCluster)
        /// A cluster that runs, one of whose members is there.
        case join(PeerAddress)
    }

    /// The flags, as they were given.
    public struct Flags: Sendable {
        public var name: String
        public var peerListen: String?
        public var initialCluster: String?
        public var join: String?
        public var joinToken: String?
        /// Taken if there is no flag; not even looked at where none is needed.
        public var joinTokenFromEnvironment: String?

        public init(name: String) { self.name = name }
    }

    public static let listenDefault = "127.0.0.1:6480"

    public let name: String
    public let start: Start
    /// Where to listen for other members: an IP address or a name, and a port, of which 0 picks one.
    public let listenHost: String
    public let listenPort: Int
    /// What the members of a cluster know each other by before they have anything else in common.
    public let token: String?
    /// Whether other members are expected. One that is alone listens for none, unless it was told
    /// where.
    public let opensPeerPort: Bool

    /// - Throws: ``ClusterPlanError`` that names the flag.
    public init(_ flags: Flags) throws(ClusterPlanError) {
        name = flags.name
        start = try Self.start(flags)
        let isAlone = start == .alone
        opensPeerPort = !isAlone || flags.peerListen != nil
        guard !opensPeerPort || InitialCluster.isName(name) else {
            throw ClusterPlanError(
                "--name", "takes 1 to \(InitialCluster.nameBytesMax) letters, digits, '-', '.' "
                    + "and '_', not \"\(name)\"")
        }
        var ownAddress: String?
        if case .new(let cluster) = start {
            guard let me = cluster[name] else {
                throw ClusterPlanError(
                    "--initial-cluster", "does not name this member, which --name calls \"\(name)\"")
            }
            ownAddress = me.address.description
        }
        (listenHost, listenPort) = try Self.listen(
            flags.peerListen ?? ownAddress ?? Self.listenDefault)
        guard !isAlone || flags.joinToken == nil else {
            throw ClusterPlanError("--join-token", "goes with --join or --initial-cluster")
        }
        token = isAlone ? nil : flags.joinToken ?? flags.joinTokenFromEnvironment
        guard token.map(JoinTokens.isToken) ?? true else {
            throw ClusterPlanError(
                "--join-token", "takes one word of \(JoinTokens.tokenBytesMin) to "
                    + "\(JoinTokens.tokenBytesMax) letters, digits and signs")
        }
    }

    private static func start(_ flags: Flags) throws(ClusterPlanError) -> Start {
        switch (flags.initialCluster, flags.join) {
        case (nil, nil): return .alone
        case (let text?, nil):
            do throws(InitialClusterError) { return .new(try InitialCluster(text)) } catch {
                throw ClusterPlanError("--initial-cluster", "\(error)")
            }
        case (nil, let url?):
            guard let address = PeerAddress(url: url) else {
                throw ClusterPlanError("--join", "takes https://HOST:PORT, not \"\(url)\"")
            }
            return .join(address)
        default:
            throw ClusterPlanError(
                "--join", "is for a cluster that runs, --initial-cluster for a new one")
        }
    }

    /// Splits `10.0.0.1:6480`, `[::1]:6480` or `:6480`, which is every address.
    private static func listen(_ text: String) throws(ClusterPlanError) -> (String, Int) {
        if let port = text.hasPrefix(":") ? UInt16(text.dropFirst()) : nil {
            return ("0.0.0.0", Int(port))
        }
        if text.hasSuffix(":0"), let any = PeerAddress(text.dropLast() + "1") {
            return (any.host, 0)
        }
        guard let address = PeerAddress(text) else {
            throw ClusterPlanError("--peer-listen", "takes ADDRESS:PORT, not \"\(text)\"")
        }
        return (address.host, address.port)
    }

    /// Who gives the cluster's CA and keys to this member, if it has none yet; nil if it makes them.
    public var giver: PeerAddress? {
        switch start {
        case .alone: nil
        case .new(let cluster): cluster.first.name == name ? nil : cluster.first.address
        case .join(let address): address
        }
    }

    /// Where others find this member, as far as it knows: `HOST:PORT`, or empty.
    public var advertised: String {
        switch start {
        case .new(let cluster): cluster[name]?.address.description ?? ""
        case .alone, .join:
            ["0.0.0.0", "::"].contains(listenHost) || listenPort == 0 ? ""
                : PeerAddress(host: listenHost, port: listenPort).description
        }
    }
}

/// A flag that can't be used: one sentence that begins with its name.
public struct ClusterPlanError: Error, Equatable, CustomStringConvertible {
    public let flag: String
    public let problem: String

    init(_ flag: String, _ problem: String) { (self.flag, self.problem) = (flag, problem) }

    public var description: String { "\(flag) \(problem)" }
}
