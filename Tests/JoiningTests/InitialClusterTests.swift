import Joining
import Testing

@Suite("The members of a new cluster")
struct InitialClusterTests {
    @Test("Members come in the order in which they are named")
    func order() throws {
        let cluster = try InitialCluster(
            "n2=https://10.0.0.2:6480,n1=https://n1.example:7000/,n3=https://[fd00::3]:6480")
        #expect(cluster.members.map(\.name) == ["n2", "n1", "n3"])
        #expect(cluster.first.address == PeerAddress(host: "10.0.0.2", port: 6480))
        #expect(cluster["n1"]?.address == PeerAddress(host: "n1.example", port: 7000))
        #expect(cluster["n3"]?.address.host == "fd00::3")
        #expect(cluster["n3"]?.address.description == "[fd00::3]:6480")
        #expect(cluster["n4"] == nil)
    }

    @Test("What names no cluster is said in a sentence", arguments: [
        ("", "takes NAME=https://HOST:PORT,..., not \"\""),
        ("n1=https://a:1,", "takes NAME=https://HOST:PORT,..., not \"\""),
        ("https://a:1", "takes NAME=https://HOST:PORT,..., not \"https://a:1\""),
        ("=https://a:1", "takes names of 1 to 64 letters, digits, '-', '.' and '_', not \"\""),
        ("a b=https://a:1",
         "takes names of 1 to 64 letters, digits, '-', '.' and '_', not \"a b\""),
        ("n1=http://a:1", "takes https://HOST:PORT for n1, not \"http://a:1\""),
        ("n1=https://a", "takes https://HOST:PORT for n1, not \"https://a\""),
        ("n1=https://a:0", "takes https://HOST:PORT for n1, not \"https://a:0\""),
        ("n1=https://a:65536", "takes https://HOST:PORT for n1, not \"https://a:65536\""),
        ("n1=https://:1", "takes https://HOST:PORT for n1, not \"https://:1\""),
        ("n1=https://u@a:1", "takes https://HOST:PORT for n1, not \"https://u@a:1\""),
        ("n1=https://a:1/x", "takes https://HOST:PORT for n1, not \"https://a:1/x\""),
        ("n1=https://fd00::3:1", "takes https://HOST:PORT for n1, not \"https://fd00::3:1\""),
        ("n1=https://a:1,n1=https://b:1", "names n1 twice"),
        ("n1=https://a:1,n2=https://a:1", "gives a:1 to two members"),
    ])
    func refused(text: String, reason: String) {
        #expect { try InitialCluster(text) } throws: { "\($0)" == reason }
    }

    @Test("Nine members are enough")
    func limit() throws {
        let names = (1...10).map { "n\($0)=https://h:\($0)" }
        #expect(try InitialCluster(names.dropLast().joined(separator: ",")).members.count == 9)
        #expect { try InitialCluster(names.joined(separator: ",")) } throws: {
            "\($0)" == "names 10 members, and a cluster has 9 at most"
        }
    }

    @Test("An address is read as it is written", arguments: [
        "10.0.0.1:6480", "[::1]:6480", "[fe80::1%eth0]:1", "n1.example:65535",
    ])
    func roundTrip(text: String) {
        #expect(PeerAddress(text)?.description == text)
    }
}
