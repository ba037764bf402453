import FoundationEssentials
import PKI
import Peers
import Store
import StoreBenchmark
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// One member of a store that is measured: a store, and the network to the other members, without
/// an API in front. tools/bench starts three and tells the one that leads what to do.
///
///     martlet-member-bench keys DIRECTORY NAME...
///         makes the cluster's CA and a certificate for each member
///     martlet-member-bench member DIRECTORY KEYS NAME NAME=ADDRESS:PORT...
///         runs the member NAME of those named, with certificates from KEYS; says "leads" and
///         "follows", and takes from its input, a line each:
///             puts COUNT IN-FLIGHT BYTES
///             latency COUNT
///             gap         puts one after the other until the next line
@main
struct Main {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("keys", 3...): try Keys(arguments[1]).make(for: arguments.dropFirst(2))
        case ("member", 5...):
            let member = try Member(
                directory: arguments[1], keys: Keys(arguments[2]), name: arguments[3],
                founders: arguments.dropFirst(4))
            try await member.run()
        default:
            print("usage: martlet-member-bench keys|member ... (tools/bench store calls it)")
            exit(64)
        }
    }
}

/// Certificates in a folder.
struct Keys {
    private let folder: String
    private static let daySeconds: Int64 = 24 * 3600

    init(_ folder: String) { self.folder = folder }

    func make(for names: ArraySlice<String>) throws {
        let now = Int64(Date().timeIntervalSince1970)
        let authority = try CertificateAuthority.makeSelfSigned(
            commonName: "bench", nowSeconds: now, validSeconds: Self.daySeconds)
        try write(authority.certificate.pem(), "ca.crt")
        for name in names {
            let key = try PrivateKey.makeP256()
            try write(key.pem(), "\(name).key")
            try write(
                authority.issueMember(
                    name: name, key: key.publicKey, nowSeconds: now, validSeconds: Self.daySeconds
                ).pem(), "\(name).crt")
        }
    }

    func read(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
    }

    private func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
    }
}

struct Member {
    private let directory: String
    private let me: ClusterOptions.Founder
    private let founders: [ClusterOptions.Founder]
    private let network: PeerNetwork
    private let box: StoreBox

    /// The store, once it is open.
    private final class StoreBox: Sendable {
        let store = Mutex<Store?>(nil)
    }

    struct Unknown: Error { var name: String }

    init(directory: String, keys: Keys, name: String, founders: ArraySlice<String>) throws {
        self.directory = directory
        self.founders = founders.map { founder in
            let parts = founder.split(separator: "=", maxSplits: 1).map(String.init)
            return ClusterOptions.Founder(name: parts[0], peerAddress: parts.last ?? "")
        }
        guard let me = self.founders.first(where: { $0.name == name }) else {
            throw Unknown(name: name)
        }
        self.me = me
        let box = StoreBox()
        self.box = box
        network = try PeerNetwork(
            PeerNetworkConfiguration(
                host: "127.0.0.1", port: Int(me.peerAddress.split(separator: ":").last ?? "") ?? 0,
                certificatePEM: keys.read("\(name).crt"), keyPEM: keys.read("\(name).key"),
                authorityPEM: keys.read("ca.crt")),
            receive: { frame, sender in
                box.store.withLock { $0 }?.receive(frame: frame, from: sender)
            },
            unreachable: { member in box.store.withLock { $0 }?.noteUnreachable(member) })
    }

    func run() async throws {
        _ = try await network.start()
        let network = network
        var cluster = ClusterOptions(me: me, beginning: .founding(founders)) {
            network.send($0, to: $1, at: $2)
        }
        cluster.onLeadership = { say($0 ? "leads" : "follows") }
        var options = StoreOptions()
        options.cluster = cluster
        options.onFatalError = { error in
            say("failed: \(error)")
            exit(74)
        }
        let store = try Store.open(directory: directory, options: options)
        box.store.withLock { $0 = store }
        let bench = StoreBenchmark(directory: directory)
        while let line = readLine() {
            let words = line.split(separator: " ")
            let numbers = words.dropFirst().compactMap { Int($0) }
            switch (words.first, numbers.count) {
            case ("puts", 3):
                try bench.puts(
                    into: store, count: numbers[0], inFlight: numbers[1], valueBytes: numbers[2],
                    show)
            case ("latency", 1): try await bench.latency(of: store, count: numbers[0], show)
            case ("gap", 0):
                let isEnough = Atomic<Bool>(false)
                async let gap = bench.longestGap(of: store) { isEnough.load(ordering: .relaxed) }
                _ = readLine()
                isEnough.store(true, ordering: .relaxed)
                show(await gap)
            default: say("what is \(line)?")
            }
            say("done")
        }
        store.close()
        await network.shutdown()
    }
}

@Sendable private func show(_ figure: StoreBenchmark.Figure) {
    say("\(figure.name): \(figure.value) \(figure.unit)")
}

/// Says a line, at once: somebody at the other end of a pipe waits for it. Not by way of streams,
/// as flushing waits for who reads from one.
@Sendable private func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    // Reads no more than the array has.
    _ = unsafe bytes.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
}
