import API
import Testing

@Suite("The addresses of services")
struct ServiceTests {
    let path = "/api/v1/namespaces/a/services"

    private func service(_ name: String, _ spec: String = "") -> Call {
        .post(path, #"{"metadata":{"name":"\#(name)"},"spec":{\#(spec)"ports":[{"port":80}]}}"#)
    }

    @Test("no two services share one, also when all come at once")
    func unique() async throws {
        let world = try await World()
        let addresses = try await withThrowingTaskGroup(of: String?.self) { group in
            for index in 0..<50 {
                group.addTask { try await world.must(service("s\(index)"))["spec.clusterIP"] }
            }
            return try await group.reduce(into: Set<String>()) { all, one in
                if let one { all.insert(one) }
            }
        }
        #expect(addresses.count == 50)
        #expect(addresses.allSatisfy { $0.hasPrefix("10.0.0.") })
    }

    @Test("an address that is asked for is given once, and again after its service is gone")
    func asked() async throws {
        let world = try await World()
        let wish = #""clusterIP":"10.0.0.77","#
        try await world.must(service("s1", wish))
        let taken = try await world.ask(service("s2", wish))
        #expect(taken.status == 422)
        #expect(taken.text.contains("provided IP is already allocated"))
        try await world.must(.delete("\(path)/s1"))
        try await world.must(service("s2", wish))
        #expect(try await world.ask(service("s3", #""clusterIP":"10.9.0.1","#)).status == 422)
    }

    /// Neither has heard of what the other gives away, but the store has.
    @Test("two members do not give one address to two services in the same moment")
    func askedOfTwo() async throws {
        let world = try await World()
        let other = try world.anotherServer()
        defer { other.stop() }
        for round in 1...40 {
            let wish = #""clusterIP":"10.0.0.\#(round + 10)","#
            async let one = world.ask(service("one-\(round)", wish))
            async let another = world.ask(service("another-\(round)", wish), of: other)
            let statuses = try await [one.status, another.status]
            #expect(statuses.sorted() == [201, 422])
        }
    }

    @Test("when the range is full there is none, until one is given back")
    func full() async throws {
        let world = try await World(services: "10.0.0.0/29")
        for index in 0..<5 { try await world.must(service("s\(index)")) }
        let refused = try await world.ask(service("late"))
        #expect(refused.status == 500)
        #expect(refused.text.contains("range is full"))
        try await world.must(.delete("\(path)/s3"))
        try await world.must(service("late"))
    }

    @Test("headless services and names of other hosts have none")
    func none() async throws {
        let world = try await World()
        #expect(try await world.must(service("s1", #""clusterIP":"None","#))["spec.clusterIP"] == "None")
        let other = try await world.must(
            service("s2", #""type":"ExternalName","externalName":"x.example","#))
        #expect(other["spec.clusterIP"] == nil)
    }

    @Test("a service that becomes one of nodes' ports is given a port, and gives it back")
    func nodePorts() async throws {
        let world = try await World()
        try await world.must(service("s"))
        let open = try await world.must(.merge("\(path)/s", #"{"spec":{"type":"NodePort"}}"#))
        let port = try #require(open["spec.ports.0.nodePort"])
        #expect((30000...32767).contains(Int(port) ?? 0))
        let wish = service("t", #""type":"NodePort","#)
        var asked = wish
        asked.body = wish.body.replacing(#""port":80"#, with: #""port":80,"nodePort":\#(port)"#)
        #expect(try await world.ask(asked).status == 422)
        let closed = try await world.must(.merge("\(path)/s", #"{"spec":{"type":"ClusterIP"}}"#))
        #expect(closed["spec.ports.0.nodePort"] == nil)
        try await world.must(asked)
    }
}
