import Joining
import Testing

@Suite("How a member comes to its cluster")
struct ClusterPlanTests {
    static let three = "n1=https://10.0.0.1:6480,n2=https://10.0.0.2:6481,n3=https://n3:6480"
    static let token = "correct-horse-battery-staple"

    static func plan(
        name: String = "n2", _ change: (inout ClusterPlan.Flags) -> Void = { _ in }
    ) throws -> ClusterPlan {
        var flags = ClusterPlan.Flags(name: name)
        change(&flags)
        return try ClusterPlan(flags)
    }

    @Test("Without flags it is alone, and opens no port for others")
    func alone() throws {
        let plan = try Self.plan(name: "a host with an odd name") {
            $0.joinTokenFromEnvironment = "short"
        }
        #expect(plan.start == .alone)
        #expect(!plan.opensPeerPort)
        #expect(plan.giver == nil)
        #expect(plan.token == nil)
    }

    @Test("One that is alone opens the port if it is told where, so that others may join")
    func aloneButOpen() throws {
        let plan = try Self.plan { $0.peerListen = "[::1]:0" }
        #expect(plan.start == .alone)
        #expect(plan.opensPeerPort)
        #expect(plan.listenHost == "::1")
        #expect(plan.listenPort == 0)
        #expect(plan.advertised == "")
    }

    @Test("The members of a new cluster fetch the CA from the first, who makes it")
    func initial() throws {
        let second = try Self.plan {
            $0.initialCluster = Self.three
            $0.joinToken = Self.token
            $0.joinTokenFromEnvironment = "another-token-that-is-not-used"
        }
        #expect(second.giver == PeerAddress(host: "10.0.0.1", port: 6480))
        #expect(second.token == Self.token)
        #expect(second.advertised == "10.0.0.2:6481")
        let first = try Self.plan(name: "n1") { $0.initialCluster = Self.three }
        #expect(first.giver == nil)
        #expect(first.opensPeerPort)
    }

    @Test("It listens where --initial-cluster says it is, unless --peer-listen says otherwise")
    func listens() throws {
        let plan = try Self.plan { $0.initialCluster = Self.three }
        #expect((plan.listenHost, plan.listenPort) == ("10.0.0.2", 6481))
        let other = try Self.plan {
            $0.initialCluster = Self.three
            $0.peerListen = ":6480"
        }
        #expect((other.listenHost, other.listenPort) == ("0.0.0.0", 6480))
        #expect(other.advertised == "10.0.0.2:6481")
    }

    @Test("A further member joins at one that runs, with a token of its environment if need be")
    func join() throws {
        let plan = try Self.plan(name: "n4") {
            $0.join = "https://10.0.0.1:6480"
            $0.peerListen = "10.0.0.4:6480"
            $0.joinTokenFromEnvironment = Self.token
        }
        #expect(plan.start == .join(PeerAddress(host: "10.0.0.1", port: 6480)))
        #expect(plan.giver == PeerAddress(host: "10.0.0.1", port: 6480))
        #expect(plan.token == Self.token)
        #expect(plan.advertised == "10.0.0.4:6480")
    }

    @Test("What cannot be used is said in a sentence that begins with the flag", arguments: [
        ("n9", nil, three, nil, nil,
         "--initial-cluster does not name this member, which --name calls \"n9\""),
        ("n1", nil, "n1", nil, nil,
         "--initial-cluster takes NAME=https://HOST:PORT,..., not \"n1\""),
        ("n1", nil, nil, "10.0.0.1:6480", token,
         "--join takes https://HOST:PORT, not \"10.0.0.1:6480\""),
        ("n1", nil, three, "https://10.0.0.1:6480", token,
         "--join is for a cluster that runs, --initial-cluster for a new one"),
        ("n1", nil, nil, nil, token, "--join-token goes with --join or --initial-cluster"),
        ("n1", nil, three, nil, "secret",
         "--join-token takes one word of 16 to 256 letters, digits and signs"),
        ("n1", nil, three, nil, "two words are not one",
         "--join-token takes one word of 16 to 256 letters, digits and signs"),
        ("n1", "6480", three, nil, nil, "--peer-listen takes ADDRESS:PORT, not \"6480\""),
        ("n1", "10.0.0.1:99999", nil, nil, nil,
         "--peer-listen takes ADDRESS:PORT, not \"10.0.0.1:99999\""),
        ("a b", ":6480", nil, nil, nil,
         "--name takes 1 to 64 letters, digits, '-', '.' and '_', not \"a b\""),
    ] as [(String, String?, String?, String?, String?, String)])
    func refused(name: String, peerListen: String?, initialCluster: String?, join: String?,
                 token: String?, sentence: String) {
        #expect {
            try Self.plan(name: name) {
                $0.peerListen = peerListen
                $0.initialCluster = initialCluster
                $0.join = join
                $0.joinToken = token
            }
        } throws: { "\($0)" == sentence }
    }
}
