import ArgumentParser
import Joining
import Testing

@testable import martlet

@Suite("The command line of martlet serve")
struct SettingsTests {
    /// The settings that words lead to, or why not.
    private func settings(_ words: String...) -> Result<Settings, SettingError> {
        do {
            let command = try Martlet.parsed(["serve"] + words)
            guard let serve = command as? Serve else {
                return .failure(SettingError("serve", "was not read"))
            }
            return .success(try Settings(serve))
        } catch let error as SettingError {
            return .failure(error)
        } catch {
            return .failure(SettingError("", "\(error)"))
        }
    }

    private func refusal(_ word: String) -> String? {
        guard case .failure(let error) = settings(word) else { return nil }
        return "\(error)"
    }

    @Test("has Kubernetes' bounds on requests in flight, and takes others")
    func limits() throws {
        let usual = try settings("--disable=cloud,scheduler").get()
        #expect(usual.requestsMax == 400)
        #expect(usual.mutatingRequestsMax == 200)
        #expect(!usual.runsScheduler)
        #expect(usual.runsControllers)
        let own = try settings(
            "--max-requests-inflight=7", "--max-mutating-requests-inflight=0").get()
        #expect(own.requestsMax == 7)
        #expect(own.mutatingRequestsMax == 0)
    }

    @Test("is alone without flags, and one of several with them")
    func members() throws {
        #expect(try !settings().get().cluster.opensPeerPort)
        let cluster = "n1=https://10.0.0.1:6480,n2=https://10.0.0.2:6480"
        let second = try settings(
            "--name=n2", "--initial-cluster=\(cluster)",
            "--join-token=correct-horse-battery-staple").get()
        #expect(second.cluster.opensPeerPort)
        #expect(second.cluster.listenHost == "10.0.0.2")
    }

    @Test("gives up history every five minutes unless told otherwise", arguments: [
        ("5m", Duration.seconds(300)), ("1m30s", .seconds(90)), ("0", nil),
    ] as [(String, Duration?)])
    func compaction(text: String, expected: Duration?) throws {
        #expect(try settings("--etcd-compaction-interval=\(text)").get().compactionInterval
            == expected)
        #expect(try settings().get().compactionInterval == .seconds(300))
    }

    @Test("refuses in one sentence that names the flag", arguments: [
        ("--max-requests-inflight=-1", "--max-requests-inflight can not be negative value"),
        ("--disable=everything",
            #"--disable knows controllers, scheduler and cloud, not "everything""#),
        ("--etcd-compaction-interval=-1s", "--etcd-compaction-interval takes no negative duration"),
        ("--audit-log-path=x", "--audit-log-path is not built yet"),
        ("--audit-policy-file=x", "--audit-policy-file is not built yet"),
        ("--encryption-provider-config=x", "--encryption-provider-config is not built yet"),
        ("--oidc-issuer-url=x", "--oidc-issuer-url is not built yet"),
        ("--initial-cluster=x",
            #"--initial-cluster takes NAME=https://HOST:PORT,..., not "x""#),
        ("--join=x", #"--join takes https://HOST:PORT, not "x""#),
        ("--join-token=correct-horse-battery-staple",
            "--join-token goes with --join or --initial-cluster"),
        ("--peer-listen=x", #"--peer-listen takes ADDRESS:PORT, not "x""#),
        ("--nonsense=x", "martlet: Unknown option '--nonsense'"),
        ("--feature-gates=WatchList", "--feature-gates missing bool value for WatchList"),
        ("--feature-gates=Nonsense=true", "--feature-gates unrecognized feature gate: Nonsense"),
        ("--feature-gates=WatchList=maybe", "--feature-gates invalid value of WatchList=maybe, "
            + #"err: strconv.ParseBool: parsing "maybe": invalid syntax"#),
        ("--feature-gates=WatchList=true,AuthorizeWithSelectors=false", "--feature-gates cannot "
            + "set feature gate AuthorizeWithSelectors to false, feature is locked to true"),
    ])
    func refusals(word: String, expected: String) { #expect(refusal(word) == expected) }

    @Test("takes feature gates that say what is so")
    func gates() throws {
        _ = try settings("--feature-gates=WatchList=true, AllAlpha=false").get()
    }
}

@Suite("The file of settings")
struct ConfigFileTests {
    private func words(_ yaml: String) throws -> [String] {
        try ConfigFile.words(of: Array(yaml.utf8), path: "f")
    }

    @Test("has flags by their names")
    func flags() throws {
        #expect(try words("""
            # Comments are welcome.
            listen: 127.0.0.1:0
            simulated-nodes: 3
            anonymous-auth: false
            disable: [scheduler, cloud]
            """) == [
                "--anonymous-auth=false", "--disable=scheduler,cloud", "--listen=127.0.0.1:0",
                "--simulated-nodes=3",
            ])
        #expect(try words("") == [])
    }

    @Test("counts for less than the command line")
    func precedence() throws {
        let command = try Martlet.parseAsRoot(
            ["serve"] + words("{simulated-nodes: 3, name: a}") + ["--name=b"])
        let serve = try #require(command as? Serve)
        #expect(serve.simulatedNodes == 3)
        #expect(serve.name == "b")
    }

    @Test("says what is wrong with it", arguments: [
        ("- a", "--config f: takes a map of settings"),
        ("listen: {a: b}",
            "--config f: listen takes a text, a number, true, false or a list of these"),
        ("config: g", "--config f: a file of settings names no other one"),
        ("audit-log-path: x", "--audit-log-path is not built yet"),
        ("{kind: KubeSchedulerConfiguration}",
            "--config f: settings of the kind KubeSchedulerConfiguration are not built yet"),
        ("a: b\n---\nc: d", "--config f: takes one document, found 2"),
    ])
    func refusals(yaml: String, expected: String) {
        let error = #expect(throws: SettingError.self) { try words(yaml) }
        #expect(error.map { "\($0)" } == expected)
    }
}
