import API
import Authentication
import Authorization
import Glibc
import Joining
import PKI
import Wire

/// What `martlet serve` was told, checked.
struct Settings {
    struct Log: Sendable {
        var isJSON = false
        var verbosity = 0
    }

    var dataDirectory: String
    var host: String
    var port: Int
    var name: String
    /// Who the other members are, if there are any.
    var cluster: ClusterPlan
    var simulatedNodes: Int
    var pluginDirectory: String
    var runsControllers: Bool
    var runsScheduler: Bool
    var tokens: StaticTokens?
    var clientCAs: [UInt8] = []
    var serving: (certificate: [UInt8], key: [UInt8])?
    var serviceAccountKeys: [UInt8] = []
    var services: ServiceRange
    var authorizationModes: [Authorizer.Mode]
    var allowsAnonymous: Bool
    /// Requests answered at a time, those that change something apart; 0 for any number.
    var requestsMax: Int
    var mutatingRequestsMax: Int
    /// After how long history is given up; nil for never.
    var compactionInterval: Duration?
    var log = Log()

    static let simulatedNodesMax = 10_000
    /// What need not run. Cloud controllers are planned: there is nothing to leave out yet.
    private static let parts = ["controllers", "scheduler", "cloud"]

    /// - Throws: ``SettingError`` naming the flag.
    init(_ serve: Serve) throws {
        dataDirectory = try Self.directory(serve.dataDir, flag: "--data-dir")
        (host, port) = try Self.address(serve.listen, flag: "--listen")
        name = serve.name ?? Self.hostName
        cluster = try Self.cluster(serve, name: name)
        simulatedNodes = serve.simulatedNodes
        guard (0...Self.simulatedNodesMax).contains(simulatedNodes) else {
            throw SettingError("--simulated-nodes", "takes 0 to \(Self.simulatedNodesMax)")
        }
        pluginDirectory = serve.pluginDir ?? Files.programDirectory + "/lib/martlet/plugins"
        guard serve.pluginDir == nil || Files.exists(pluginDirectory) else {
            throw SettingError("--plugin-dir", "\(pluginDirectory): there is no such directory")
        }
        let disabled = serve.disable.split(separator: ",").map(String.init)
        if let unknown = disabled.first(where: { !Self.parts.contains($0) }) {
            throw SettingError(
                "--disable", "knows controllers, scheduler and cloud, not \"\(unknown)\"")
        }
        runsControllers = !disabled.contains("controllers")
        runsScheduler = !disabled.contains("scheduler")
        guard let range = ServiceRange(serve.serviceClusterIpRange) else {
            throw SettingError("--service-cluster-ip-range", "takes an IPv4 range such as 10.0.0.0/24")
        }
        services = range
        guard !serve.authorizationMode.isEmpty else {
            throw SettingError("--authorization-mode", "takes at least one mode")
        }
        authorizationModes = try serve.authorizationMode.split(separator: ",").map { name in
            if let mode = Authorizer.Mode(rawValue: String(name)) { return mode }
            let known = Authorizer.Mode.allCases.map(\.rawValue).joined(separator: ", ")
            throw SettingError("--authorization-mode", "knows \(known), not \"\(name)\"")
        }
        allowsAnonymous = serve.anonymousAuth
        requestsMax = serve.maxRequestsInflight
        mutatingRequestsMax = serve.maxMutatingRequestsInflight
        guard requestsMax >= 0 else {
            throw SettingError("--max-requests-inflight", "can not be negative value")
        }
        guard mutatingRequestsMax >= 0 else {
            throw SettingError("--max-mutating-requests-inflight", "can not be negative value")
        }
        try FeatureGates.check(serve.featureGates)
        compactionInterval = try Self.interval(
            serve.etcdCompactionInterval, flag: "--etcd-compaction-interval")
        guard ["text", "json"].contains(serve.logFormat) else {
            throw SettingError("--log-format", "takes text or json")
        }
        log = Log(isJSON: serve.logFormat == "json", verbosity: serve.v)
        try readFiles(serve)
    }

    /// Names and addresses that the serving certificate is for, beside the usual ones.
    var servingNames: [String] {
        let isEverywhere = ["0.0.0.0", "::"].contains(host)
        return [name, services.kubernetesService] + (isEverywhere ? Files.hostAddresses : [host])
    }

    private static func cluster(
        _ serve: Serve, name: String
    ) throws(SettingError) -> ClusterPlan {
        var flags = ClusterPlan.Flags(name: name)
        (flags.peerListen, flags.initialCluster) = (serve.peerListen, serve.initialCluster)
        (flags.join, flags.joinToken) = (serve.join, serve.joinToken)
        if let token = unsafe getenv("MARTLET_JOIN_TOKEN") {
            flags.joinTokenFromEnvironment = unsafe String(cString: token)
        }
        do throws(ClusterPlanError) { return try ClusterPlan(flags) } catch {
            throw SettingError(error.flag, error.problem)
        }
    }

    private mutating func readFiles(_ serve: Serve) throws {
        if let path = serve.tokenAuthFile {
            do { tokens = try StaticTokens(csv: Files.read(path)) } catch {
                throw SettingError("--token-auth-file", "\(path): \(error)")
            }
        }
        if let path = serve.clientCaFile {
            clientCAs = try Self.file(path, "--client-ca-file") {
                (pem) throws(PKIError) in
                // At least one, and none that is damaged.
                _ = (try Certificate(pem: pem), try Certificate.all(pem: pem))
            }
        }
        if let path = serve.serviceAccountKeyFile {
            serviceAccountKeys = try Self.file(
                path, "--service-account-key-file", check: PublicKey.all(pem:))
        }
        switch (serve.tlsCertFile, serve.tlsPrivateKeyFile) {
        case (nil, nil): break
        case (let certificate?, let key?):
            serving = (
                try Self.file(certificate, "--tls-cert-file", check: Certificate.init(pem:)),
                try Self.file(key, "--tls-private-key-file", check: PrivateKey.init(pem:)))
            try checkServingIsOfOneKey()
        default:
            throw SettingError("--tls-cert-file", "and --tls-private-key-file go together")
        }
    }

    /// Reads `5m0s`; nil for 0.
    private static func interval(
        _ text: String, flag: String
    ) throws(SettingError) -> Duration? {
        let duration: GoDuration
        do { duration = try GoDuration(parsing: text) } catch {
            throw SettingError(flag, "takes a duration such as 5m: \(error)")
        }
        guard duration.nanoseconds >= 0 else {
            throw SettingError(flag, "takes no negative duration")
        }
        return duration.nanoseconds == 0 ? nil : duration.duration
    }

    private func checkServingIsOfOneKey() throws {
        guard let serving else { return }
        let certificate = try Certificate(pem: serving.certificate)
        guard certificate.belongs(to: try PrivateKey(pem: serving.key)) else {
            throw SettingError("--tls-private-key-file", "is not the key of --tls-cert-file")
        }
    }

    /// The bytes of a file that `check` can use.
    private static func file<Read>(
        _ path: String, _ flag: String, check: ([UInt8]) throws(PKIError) -> Read
    ) throws -> [UInt8] {
        let bytes: [UInt8]
        do { bytes = try Files.read(path) } catch { throw SettingError(flag, "\(error)") }
        do throws(PKIError) {
            _ = try check(bytes)
            return bytes
        } catch {
            throw SettingError(flag, "\(path): \(error.reason)")
        }
    }

    /// An absolute path to a directory that is there, or was made.
    private static func directory(_ path: String, flag: String) throws(SettingError) -> String {
        let path = Files.absolute(path)
        do throws(FileError) {
            try Files.makeDirectory(path)
            return path
        } catch {
            throw SettingError(flag, "\(error)")
        }
    }

    /// Splits `127.0.0.1:6443`, `[::1]:6443` or `:6443`.
    private static func address(
        _ text: String, flag: String
    ) throws(SettingError) -> (host: String, port: Int) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...])
        else { throw SettingError(flag, "takes ADDRESS:PORT, not \"\(text)\"") }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return (host.isEmpty ? "0.0.0.0" : host, Int(port))
    }
}

/// A setting that cannot be used: one sentence that names the flag.
struct SettingError: Error, CustomStringConvertible {
    let flag: String
    let problem: String

    init(_ flag: String, _ problem: String) {
        self.flag = flag
        self.problem = problem
    }

    var description: String { "\(flag) \(problem)" }
}
