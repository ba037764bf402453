import API
import APIClient
import APIErrors
import Authentication
import Authorization
import Controllers

import Glibc
import InProcess
import Joining
import Kubernetes
import Logging
import Peers
import PKI
import Scheduler
import SimulatedNodes

import Store
import StoreCore
import Transport
import Wire

/// The whole: makes every part, joins them, runs them, and stops them in turn. The only place where
/// all of them meet.
struct ControlPlane {
    let url: String
    let kubeconfigPath: String
    private let store: Store
    private let server: APIServer
    private let http: HTTPServer
    private let links: ClusterLinks?
    private let work: Task<Void, Never>

    /// How long requests in flight may take to end.
    private static let stopGrace = Duration.seconds(5)

    /// Starts everything, and returns when the API answers.
    static func start(_ settings: Settings) async throws -> ControlPlane {
        let time = SystemTime()
        let pki = settings.dataDirectory + "/pki"
        let newMember = NewMember(plan: settings.cluster, directory: pki)
        try await newMember.fetchSecrets()
        let identity = try ClusterIdentity(
            directory: pki, extraNames: settings.servingNames,
            nowSeconds: time.now.seconds)
        let (leads, leading) = AsyncStream.makeStream(of: Bool.self)
        let links = try ClusterLinks(settings, identity, time)
        try await links?.start()
        let store = try openStore(settings) { options in
            let hasStore = Files.exists(settings.dataDirectory + "/log/member")
            options.cluster = try links?.options(
                joined: newMember.details(), hasStore: hasStore
            ) { leading.yield($0) }
        }
        if let links { links.connect(store) } else { leading.yield(true) }
        try newMember.forgetDetails()
        let server = try APIServer(settings, identity, store, time, desk: links?.desk)
        let http = try HTTPServer(
            ServerConfiguration(
                host: settings.host, port: settings.port,
                tls: TLSConfiguration(
                    certificateChainPEM: settings.serving?.certificate ?? identity.servingCertificatePEM,
                    privateKeyPEM: settings.serving?.key ?? identity.servingKeyPEM,
                    clientCAsPEM: identity.authorityPEM + settings.clientCAs)),
            handler: HTTPAdapter(server: server))
        try await bootstrap(server, settings)
        let address: HTTPServer.Address
        do throws(ListenError) { address = try await http.start() } catch {
            throw SettingError(
                "--listen", "\(settings.host):\(settings.port) cannot be had: \(error.reason)")
        }
        let url = Self.url(of: address)
        let path = settings.dataDirectory + "/admin.kubeconfig"
        let kubeconfig = try identity.adminKubeconfig(server: url, nowSeconds: time.now.seconds)
        do throws(FileError) { try Files.write(Array(kubeconfig.utf8), to: path) } catch {
            // The one before is good as long as address and CA are the same.
            guard error.isDiskFull, Files.exists(path) else { throw error }
            Logger(label: "serve").warning("\(error): the one of an earlier start stays")
        }
        let parts = Parts(
            clients: { InProcessClient(server: server, as: UserInfo($0)) }, time: time,
            settings: settings, store: store, authorityPEM: identity.authorityPEM)
        return ControlPlane(
            url: url, kubeconfigPath: path, store: store, server: server, http: http,
            links: links, work: Task { await parts.run(leads) })
    }

    /// Where clients on this machine reach an address; one that means all is reached by loopback.
    private static func url(of address: HTTPServer.Address) -> String {
        let host = ["0.0.0.0": "127.0.0.1", "::": "::1"][address.host] ?? address.host
        return "https://\(host.contains(":") ? "[\(host)]" : host):\(address.port)"
    }

    /// Ends what runs, lets requests in flight finish, and closes the store.
    func stop() async {
        await handOver()
        work.cancel()
        server.stop()
        await http.shutdown(grace: Self.stopGrace)
        await work.value
        store.close()
        await links?.network.shutdown()
    }

    /// A member that leads lets another one lead before it goes, so that nobody has to wait for an
    /// election.
    private func handOver() async {
        guard links != nil, store.isDeciding else { return }
        // Nobody may be there to take over; it is tried once, and not waited for longer than this.
        do throws(MemberChangeRefusal) { try await store.transferLeadership() } catch { return }
        let end = ContinuousClock.now + Self.handOverMax
        while store.isDeciding, ContinuousClock.now < end {
            do { try await Task.sleep(for: .milliseconds(5)) } catch { return }
        }
    }

    private static let handOverMax = Duration.seconds(1)

    private static func openStore(
        _ settings: Settings, _ adjust: (inout StoreOptions) throws -> Void
    ) throws -> Store {
        var options = StoreOptions()
        try adjust(&options)
        let hasOthers = options.cluster != nil
        options.onFatalError = { error in
            let end = ExitReason(error)
            LineLogHandler.say(end.message)
            // Another member has been asked to lead: what asks it is on its way.
            if hasOthers { usleep(farewellMicroseconds) }
            exit(end.status)
        }
        options.onDamage = { LineLogHandler.say($0.text) }
        return try Store.open(directory: settings.dataDirectory + "/log", options: options)
    }

    private static let farewellMicroseconds: UInt32 = 50_000

    private static func bootstrap(_ server: APIServer, _ settings: Settings) async throws {
        let bootstrap = Bootstrap(
            client: InProcessClient(server: server, as: .system),
            kubernetesService: settings.services.kubernetesService, securePort: settings.port)
        let progress = Progress(interval: .seconds(5))
        while true {
            do {
                try await bootstrap.run()
                return
            } catch {
                guard settings.cluster.opensPeerPort, error.isOfMissingMajority else { throw error }
                progress.say("waiting for a majority of the cluster's members")
            }
        }
    }
}

/// What runs beside the API: controllers, scheduler and simulated nodes, each a client of it, and
/// the housekeeping of the store.
private struct Parts: Sendable {
    let clients: ClientFactory
    let time: SystemTime
    let settings: Settings
    let store: Store
    let authorityPEM: [UInt8]

    /// - Parameter leads: Says when this member leads: the cluster's work is its then.
    func run(_ leads: AsyncStream<Bool>) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await LeaderWork(leads: leads) { await lead() }.run() }
            if settings.simulatedNodes > 0, !sharesInformers {
                let nodes = SimulatedNodes(
                    count: settings.simulatedNodes, clients: clients, informers: nil,
                    time: time, logger: Logger(label: "nodes"))
                group.addTask { await nodes.run() }
            }
        }
    }

    /// Whether nodes can share what controllers know: they run as long as this process.
    private var sharesInformers: Bool { !settings.cluster.opensPeerPort }

    private func lead() async {
        await withDiscardingTaskGroup { group in
            var informers: InformerSet?
            if settings.runsControllers {
                var controllerSettings = ControllerSettings()
                controllerSettings.rootCertificates = String(decoding: authorityPEM, as: UTF8.self)
                let controllers = ControllerSet(
                    clients: clients, time: time, logger: Logger(label: "controllers"),
                    settings: controllerSettings)
                informers = controllers.informers
                group.addTask { await controllers.run() }
            }
            if settings.runsScheduler {
                let scheduler = Scheduler(
                    client: clients(.component("kube-scheduler")), time: time,
                    pluginDirectory: settings.pluginDirectory, logger: Logger(label: "scheduler"))
                group.addTask { await scheduler.run() }
            }
            if settings.simulatedNodes > 0, sharesInformers {
                let nodes = SimulatedNodes(
                    count: settings.simulatedNodes, clients: clients, informers: informers,
                    time: time, logger: Logger(label: "nodes"))
                group.addTask { await nodes.run() }
            }
            if !sharesInformers {
                group.addTask { await LearnerPromotion(store: store, time: time).run() }
            }
            if let interval = settings.compactionInterval {
                group.addTask { await giveUpHistory(every: interval) }
            }
        }
    }

    private func giveUpHistory(every interval: Duration) async {
        let logger = Logger(label: "store")
        var compaction = HistoryCompaction(of: store)
        while true {
            do { try await time.sleep(for: interval) } catch { return }
            do throws(StoreError) { try await compaction.intervalPassed() } catch {
                logger.warning("history cannot be given up: \(error)")
            }
        }
    }
}

extension UserInfo {
    /// The identity under which a part of the process acts.
    fileprivate init(_ identity: Identity) {
        self.init(name: identity.user, groups: identity.groups)
    }
}

extension APIError {
    /// Whether it may be gone once more members are there. The store has waited before it said so.
    fileprivate var isOfMissingMajority: Bool {
        reason == .serviceUnavailable || reason == .timeout
    }
}
