import Testing

@Suite("Binding a pod to a node")
struct BindingTests {
    let pods = "/api/v1/namespaces/a/pods"

    private func bind(_ pod: String, _ node: String, _ more: String = "") -> Call {
        .post("\(pods)/\(pod)/binding",
            #"{"metadata":{"name":"\#(pod)"\#(more)},"target":{"kind":"Node","name":"\#(node)"}}"#)
    }

    @Test("says where it runs, and that it is scheduled")
    func bound() async throws {
        let world = try await World()
        try await world.pod("p")
        #expect(try await world.must(bind("p", "n1")).status == 201)
        let pod = try await world.must(.get("\(pods)/p"))
        #expect(pod["spec.nodeName"] == "n1")
        #expect(pod["status.conditions.0.type"] == "PodScheduled")
        #expect(pod["status.conditions.0.status"] == "True")
    }

    @Test("happens once, to the pod that is meant, and not while it goes")
    func refusals() async throws {
        let world = try await World()
        try await world.pod("p")
        #expect(try await world.ask(bind("p", "n1", #","uid":"other""#)).status == 409)
        try await world.must(bind("p", "n1"))
        #expect(try await world.ask(bind("p", "n2")).status == 409)
        #expect(try await world.ask(bind("none", "n1")).status == 404)
        try await world.pod("q", finalizers: #"["x.io/f"]"#)
        try await world.must(.delete("\(pods)/q"))
        #expect(try await world.ask(bind("q", "n1")).status == 409)
        try await world.pod("r")
        #expect(try await world.ask(bind("r", "")).status >= 400)
    }
}
