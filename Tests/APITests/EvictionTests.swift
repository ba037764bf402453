import Testing

@Suite("Evicting a pod")
struct EvictionTests {
    private func evict(_ pod: String, _ version: String) -> Call {
        .post("/api/v1/namespaces/a/pods/\(pod)/eviction",
            #"{"kind":"Eviction","apiVersion":"\#(version)","metadata":{"name":"\#(pod)"}}"#)
    }

    @Test("deletes it, in the version of today and in that of old clients", arguments: [
        "policy/v1", "policy/v1beta1",
    ])
    func versions(version: String) async throws {
        let world = try await World()
        try await world.pod("p")
        #expect(try await world.must(evict("p", version)).status == 201)
        #expect(try await world.ask(.get("/api/v1/namespaces/a/pods/p")).status == 404)
    }

    @Test("takes no other version, and no other kind")
    func refusals() async throws {
        let world = try await World()
        try await world.pod("p")
        let answer = try await world.ask(evict("p", "policy/v1alpha1"))
        #expect(answer.status == 400)
        #expect(try await world.ask(.get("/api/v1/namespaces/a/pods/p")).status == 200)
    }
}
