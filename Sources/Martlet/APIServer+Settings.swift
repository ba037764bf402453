import API
import APIClient
import Authentication
import Authorization
import Glibc
import Joining
import Peers
import PKI
import Store
import Wire

extension APIServer {
    /// Names this server in tokens, and is what tokens are for if they do not say.
    private static let issuer = "https://kubernetes.default.svc"

    /// The API over a store, as the settings want it.
    convenience init(
        _ settings: Settings, _ identity: ClusterIdentity, _ store: Store, _ time: SystemTime,
        desk: JoinDesk?
    ) throws {
        let key = identity.serviceAccountKey
        var keys = [try TokenKey(key.publicKey)]
        if !settings.serviceAccountKeys.isEmpty {
            keys += try PublicKey.all(pem: settings.serviceAccountKeys).map(TokenKey.init)
        }
        let tokenKeys = keys
        let registry = try Registry(
            store: store, environment: .system(time), serviceRange: settings.services,
            authorizer: Authorizer(modes: settings.authorizationModes),
            tokens: TokenRequests(issuer: Self.issuer, audiences: [Self.issuer]) { claims in
                try JSONWebToken.sign(claims: claims.json, key: key)
            })
        let accounts = ServiceAccountTokens(
            issuers: [Self.issuer], audiences: [Self.issuer],
            verify: { token in
                guard let claims = try? JSONWebToken.verify(token, keys: tokenKeys) else { return nil }
                return try? Value(json: claims)
            },
            lookup: { what, namespace, name in
                try registry.found(what, namespace: namespace, name: name)
            })
        self.init(
            authenticator: Authenticator(
                tokens: settings.tokens ?? StaticTokens(), serviceAccounts: accounts,
                allowsAnonymous: settings.allowsAnonymous, audiences: [Self.issuer]),
            documents: Documents(jsonWebKeys: try PublicKey.jsonWebKeySet(tokenKeys.map(\.key)),
                                 issuer: Self.issuer, now: { time.now }),
            registry: registry,
            metrics: Metrics(process: ProcessUse.current, gauges: { store.gauges }),
            limits: RequestLimits(
                reading: settings.requestsMax, changing: settings.mutatingRequestsMax),
            operatorPaths: StoreOperations(
                store: store, plan: settings.cluster, desk: desk, now: { time.now.seconds }))
    }
}

extension Registry.Environment {
    static func system(_ time: SystemTime) -> Registry.Environment {
        Registry.Environment(
            now: { time.now }, makeUID: SecureRandom.uuid, random: { .random(in: .min ... .max) },
            isTimeZone: { name in
                name == "UTC" || (!name.contains("..") && !name.hasPrefix("/")
                    && Files.exists("/usr/share/zoneinfo/\(name)"))
            })
    }
}

extension Store {
    /// How things stand with the store and its members, under etcd's names.
    fileprivate var gauges: [Metrics.Gauge] {
        var gauges = [
            Metrics.Gauge(
                "etcd_debugging_mvcc_current_revision", "The store's revision.", revision.number),
            Metrics.Gauge(
                "etcd_mvcc_db_total_size_in_bytes", "Bytes of the log's files.", Int64(logBytes)),
            Metrics.Gauge(
                "martlet_store_damage_found_total",
                "Places at which the log is not what was written to it.", Int64(damageFound)),
            Metrics.Gauge(
                "martlet_store_scrubbed_bytes_total",
                "Bytes of the log's files read through in search of damage.", Int64(scrubbedBytes)),
            Metrics.Gauge(
                "martlet_store_differences_found_total",
                "How often this member found that members hold different things at one revision.",
                Int64(differencesFound)),
        ]
        guard let status = memberStatus else { return gauges }
        gauges += [
            Metrics.Gauge(
                "etcd_server_has_leader", "Whether a leader is known.",
                status.leader == nil ? 0 : 1),
            Metrics.Gauge(
                "etcd_server_is_leader", "Whether this member leads.",
                status.leader == status.me ? 1 : 0),
            Metrics.Gauge(
                "etcd_server_proposals_committed_total", "The newest entry that is committed.",
                Int64(clamping: status.committedIndex)),
            Metrics.Gauge(
                "martlet_store_compared_revision",
                "The newest revision at which this member, leading, found a majority to hold the same.",
                status.comparedRevision.number),
            Metrics.Gauge(
                "martlet_store_peer_faults_total",
                "Frames from other members that no correct member sends.",
                Int64(status.faultCount)),
        ]
        return gauges
    }
}

/// What the kernel says this process has used.
private enum ProcessUse {
    @Sendable static func current() -> Metrics.ProcessUse {
        var usage = rusage()
        guard unsafe getrusage(Int32(RUSAGE_SELF.rawValue), &usage) == 0 else {
            return Metrics.ProcessUse(cpuSeconds: 0, residentBytes: 0)
        }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return Metrics.ProcessUse(
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            residentBytes: residentBytes)
    }

    private static var residentBytes: Int {
        guard let text = try? Files.read("/proc/self/statm") else { return 0 }
        let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }
}
