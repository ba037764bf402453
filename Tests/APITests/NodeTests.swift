import Testing

@Suite("Nodes at the API")
struct NodeTests {
    /// The pod `p` in the namespace a, which mounts the secret `s`; on no node yet.
    private func world() async throws -> World {
        let world = try await World()
        for node in ["n1", "n2"] {
            try await world.must(.post(
                "/api/v1/nodes", #"{"metadata":{"name":"\#(node)"}}"#).by(node))
        }
        try await world.must(.post("/api/v1/namespaces/a/secrets", #"{"metadata":{"name":"s"}}"#))
        try await world.must(.post("/api/v1/namespaces/a/pods", #"""
            {"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}],
             "volumes":[{"name":"v","secret":{"secretName":"s"}}]}}
            """#))
        return world
    }

    private func bind(_ world: World, _ node: String) async throws {
        try await world.must(.post("/api/v1/namespaces/a/pods/p/binding", #"""
            {"metadata":{"name":"p"},"target":{"kind":"Node","name":"\#(node)"}}
            """#))
    }

    private func status(_ world: World, _ call: Call, _ node: String) async throws -> Int {
        try await world.ask(call.by(node)).status
    }

    @Test("see what a pod needs from its binding on, until it is gone")
    func lifeOfARelation() async throws {
        let world = try await world()
        let secret = Call.get("/api/v1/namespaces/a/secrets/s")
        #expect(try await status(world, secret, "n1") == 403)
        try await bind(world, "n1")
        #expect(try await status(world, secret, "n1") == 200)
        #expect(try await status(world, secret, "n2") == 403)
        let pods = "/api/v1/pods?fieldSelector=spec.nodeName%3D"
        #expect(try await world.must(.get("\(pods)n1").by("n1")).each("metadata.name") == ["p"])
        #expect(try await status(world, .get("\(pods)n2"), "n1") == 403)
        #expect(try await status(world, .get("/api/v1/pods"), "n1") == 403)
        let byName = Call.get("/api/v1/namespaces/a/secrets?fieldSelector=metadata.name%3Ds")
        #expect(try await status(world, byName, "n1") == 200)
        try await world.must(.delete(
            "/api/v1/namespaces/a/pods/p", #"{"gracePeriodSeconds":0}"#).by("n1"))
        #expect(try await status(world, secret, "n1") == 403)
    }

    @Test("write about themselves and their own pods")
    func writes() async throws {
        let world = try await world()
        try await bind(world, "n1")
        let pod = "/api/v1/namespaces/a/pods/p"
        let status = Call.merge("\(pod)/status", #"{"status":{"phase":"Running"}}"#)
        #expect(try await self.status(world, status, "n2") == 403)
        #expect(try await self.status(world, status, "n1") == 200)
        #expect(try await self.status(world, .delete(pod), "n2") == 403)
        #expect(try await self.status(
            world, .post("\(pod)/eviction", #"{"metadata":{"name":"p"}}"#), "n2") == 403)
        let own = Call.merge("/api/v1/nodes/n1/status", #"{"status":{"phase":"Running"}}"#)
        #expect(try await self.status(world, own, "n1") == 200)
        let refused = try await world.ask(own.by("n2"))
        #expect(refused.status == 403)
        #expect(refused["message"]
            == #"nodes "n1" is forbidden: node "n2" is not allowed to modify node "n1""#)
        let lease = { Call.post("/apis/coordination.k8s.io/v1/namespaces/a/leases", $0) }
        #expect(try await self.status(world, lease(#"{"metadata":{"name":"n1"}}"#), "n1") == 403)
    }

    @Test("get tokens for the accounts of their pods, bound to these")
    func tokens() async throws {
        let world = try await world()
        try await bind(world, "n1")
        let uid = try await world.must(.get("/api/v1/namespaces/a/pods/p"))["metadata.uid"] ?? ""
        let token = { (bound: String) in
            Call.post(
                "/api/v1/namespaces/a/serviceaccounts/default/token", #"{"spec":{\#(bound)}}"#)
        }
        let bound = #""boundObjectRef":{"apiVersion":"v1","kind":"Pod","name":"p","uid":"\#(uid)"}"#
        #expect(try await status(world, token(bound), "n1") == 201)
        #expect(try await world.must(token("")).text.contains(#""boundObjectRef":null"#))
        #expect(try await status(world, token(""), "n1") == 403)
        #expect(try await status(world, token(bound), "n2") == 403)
        #expect(try await status(world, .post(
            "/api/v1/namespaces/b/serviceaccounts/default/token", #"{"spec":{\#(bound)}}"#), "n1")
            == 403)
    }
}
