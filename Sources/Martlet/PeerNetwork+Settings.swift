import APIClient
import Joining
import Logging
import Peers
import PKI
import Wire

extension JoinDesk {
    /// How long after a cluster's CA was made the token of `--join-token` lets its members in.
    private static let formingSeconds: Int64 = 600

    /// Gives new members what `identity` has. The token that the members of a new cluster were
    /// started with works at the first of them, while the cluster is being formed.
    convenience init(
        _ settings: Settings, _ identity: ClusterIdentity, _ time: SystemTime,
        admit: @escaping @Sendable (JoinRequest) async throws(JoinRefusal) -> [UInt8]
    ) throws {
        self.init(
            secrets: try identity.secrets(), nowSeconds: { time.now.seconds }, admit: admit)
        if case .new = settings.cluster.start, settings.cluster.giver == nil,
           let token = settings.cluster.token {
            welcome(token, untilSeconds: identity.authority.madeSeconds + Self.formingSeconds)
        }
    }
}

extension PeerNetworkConfiguration {
    /// As the settings want it; what an operator may want to know is logged.
    init(
        _ settings: Settings, _ identity: ClusterIdentity, _ time: SystemTime, joinDesk: JoinDesk
    ) throws {
        let logger = Logger(label: "peers")
        let member = try identity.member(named: settings.name, nowSeconds: time.now.seconds)
        self.init(
            host: settings.cluster.listenHost, port: settings.cluster.listenPort,
            certificatePEM: member.certificatePEM, keyPEM: member.keyPEM,
            authorityPEM: identity.authorityPEM, joinDesk: joinDesk,
            onNotice: { notice in
                switch notice {
                case .refused, .lost, .unreachable: logger.warning("\(notice)")
                case .connected, .accepted, .joined: logger.info("\(notice)")
                }
            })
    }
}
