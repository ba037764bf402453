import ArgumentParser
import Glibc
import Logging
import Synchronization

/// `martlet serve`: runs the control plane until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the control plane: API server, store, controllers and scheduler.",
        discussion: """
            The first start makes everything it needs in the data directory: a CA, certificates, keys,
            and admin.kubeconfig for kubectl. When the API answers, one line on standard output says so:

                ready https://127.0.0.1:6443 kubeconfig=DIR/admin.kubeconfig after 0.084 s

            Settings may also stand in a YAML file, --config, by the names of the flags; a flag on the
            command line counts for more.

            Exit status: 0 after SIGTERM or SIGINT, 64 for unusable settings, 65 for damaged data,
            69 for a cluster that does not let this member in, 74 for a disk that fails,
            75 if another server has the data directory open.
            """)

    @Option(help: "Where everything durable is: log/, pki/, admin.kubeconfig. Made if absent.")
    var dataDir = "martlet-data"
    @Option(help: "HTTPS address of the API; port 0 picks a free one.")
    var listen = "127.0.0.1:6443"
    @Option(help: "This member's name. The default is the host's.")
    var name: String?
    @Option(help: "Address for other members, 127.0.0.1:6480 if nothing is said; one alone has none.")
    var peerListen: String?
    @Option(help: "Members of a new cluster: n1=https://10.0.0.1:6480,n2=https://10.0.0.2:6480,...")
    var initialCluster: String?
    @Option(help: "A member of a running cluster to join: https://10.0.0.1:6480.")
    var join: String?
    @Option(help: "The word that lets a member join; or MARTLET_JOIN_TOKEN in the environment.")
    var joinToken: String?
    @Option(help: "Nodes to simulate in this process. They are clients like any other.")
    var simulatedNodes = 0
    @Option(help: "Where scheduling strategies are found.")
    var pluginDir: String?
    @Option(help: "Parts not to run, separated by commas: controllers, scheduler, cloud.")
    var disable = ""
    @Option(help: "A file of bearer tokens: token,user,uid,\"group,...\" a line.")
    var tokenAuthFile: String?
    @Option(help: "A PEM file of further CAs whose client certificates are believed.")
    var clientCaFile: String?
    @Option(help: "The server's certificate, PEM, in place of the cluster's own.")
    var tlsCertFile: String?
    @Option(help: "The key of --tls-cert-file, PEM.")
    var tlsPrivateKeyFile: String?
    @Option(help: "A PEM file of further keys that verify service account tokens.")
    var serviceAccountKeyFile: String?
    @Option(help: "The IPv4 range of services' cluster IPs.")
    var serviceClusterIpRange = "10.0.0.0/24"
    @Option(help: "Who decides what callers may do, in turn: Node, RBAC, AlwaysAllow, AlwaysDeny.")
    var authorizationMode = "Node,RBAC"
    @Option(help: "Whether requests without credentials come in, as system:anonymous.")
    var anonymousAuth = true
    @Option(help: "Requests answered at a time that change nothing, but watches; 0 for any number.")
    var maxRequestsInflight = 400
    @Option(help: "Requests answered at a time that change something; 0 for any number.")
    var maxMutatingRequestsInflight = 200
    @Option(help: "Features to switch, as in A=true,B=false. Those of this program are fixed.")
    var featureGates = ""
    @Option(help: "A YAML file with settings: a map of flags' names, without dashes, to values.")
    var config: String?
    @Option(help: "How long changes can be looked up at least, as in 5m; 0 keeps them for ever.")
    var etcdCompactionInterval = "5m"
    @Option(help: "Log lines as text or json, on standard error.")
    var logFormat = "text"
    @Option(name: .shortAndLong, help: "How much to log: 0 to 9.")
    var v = 0

    mutating func run() async throws {
        let started = ContinuousClock.now
        let signals = Signals()
        do {
            let settings = try Settings(self)
            LoggingSystem.bootstrap { label in LineLogHandler(label: label, settings: settings.log) }
            let readiness = Readiness()
            let ending = Task {
                await signals.wait()
                // It may wait for a majority of the members, for ever. What it has said to others is
                // on its disk, so it may end anywhere.
                if !readiness.isReached.load(ordering: .acquiring) {
                    LineLogHandler.say("stopped before it was ready")
                    Glibc.exit(0)
                }
            }
            let plane = try await ControlPlane.start(settings)
            readiness.isReached.store(true, ordering: .releasing)
            let seconds = Self.seconds(ContinuousClock.now - started)
            LineLogHandler.say(
                "ready \(plane.url) kubeconfig=\(plane.kubeconfigPath) after \(seconds) s",
                to: STDOUT_FILENO)
            await ending.value
            await plane.stop()
        } catch {
            let end = ExitReason(error)
            LineLogHandler.say(end.message)
            throw ExitCode(end.status)
        }
    }

    private final class Readiness: Sendable {
        let isReached = Atomic<Bool>(false)
    }

    /// With three decimals.
    private static func seconds(_ duration: Duration) -> String {
        let milliseconds = duration.components.seconds * 1000
            + duration.components.attoseconds / 1_000_000_000_000_000
        let fraction = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
    }
}
