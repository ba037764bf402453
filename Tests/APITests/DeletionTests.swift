import Testing

@Suite("Deletion")
struct DeletionTests {
    let maps = "/api/v1/namespaces/a/configmaps"
    let pods = "/api/v1/namespaces/a/pods"

    @Test("an object with finalizers waits for the last of them")
    func finalizers() async throws {
        let world = try await World()
        try await world.must(.post(
            maps, #"{"metadata":{"name":"m","finalizers":["x.io/one","x.io/two"]}}"#))
        let marked = try await world.must(.delete("\(maps)/m"))
        #expect(marked["metadata.deletionTimestamp"] != nil)
        let again = try await world.must(.delete("\(maps)/m"))
        #expect(again["metadata.resourceVersion"] == marked["metadata.resourceVersion"])
        try await world.must(.merge("\(maps)/m", #"{"metadata":{"finalizers":["x.io/two"]}}"#))
        #expect(try await world.ask(.get("\(maps)/m")).status == 200)
        try await world.must(.merge("\(maps)/m", #"{"metadata":{"finalizers":null}}"#))
        #expect(try await world.ask(.get("\(maps)/m")).status == 404)
    }

    /// What a deletion of a pod leaves behind, and what it says.
    struct PodCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var node = "n"
        var grace = 30
        var asked: String?
        /// Seconds that the pod is given; nil if it is gone at once.
        let leaves: String?
    }

    @Test("a pod is given time to end, if it runs somewhere", arguments: [
        PodCase(testDescription: "its own grace", leaves: "30"),
        PodCase(testDescription: "the grace that is asked for", asked: "5", leaves: "5"),
        PodCase(testDescription: "more than its own", asked: "60", leaves: "60"),
        PodCase(testDescription: "at once", asked: "0", leaves: nil),
        PodCase(testDescription: "no grace of its own", grace: 0, leaves: nil),
        PodCase(testDescription: "on no node", node: "", leaves: nil),
    ])
    func graceful(example: PodCase) async throws {
        let world = try await World()
        try await world.pod("p", node: example.node, grace: example.grace)
        let query = example.asked.map { "?gracePeriodSeconds=\($0)" } ?? ""
        try await world.must(.delete("\(pods)/p\(query)"))
        let left = try await world.ask(.get("\(pods)/p"))
        #expect(left["metadata.deletionGracePeriodSeconds"] == example.leaves)
        #expect((left.status == 404) == (example.leaves == nil))
    }

    @Test("a pod's time to end can be shortened, not lengthened")
    func shortened() async throws {
        let world = try await World()
        try await world.pod("p", node: "n")
        for (asked, left) in [("20", "20"), ("25", "20"), ("10", "10")] {
            try await world.must(.delete("\(pods)/p?gracePeriodSeconds=\(asked)"))
            let pod = try await world.must(.get("\(pods)/p"))
            #expect(pod["metadata.deletionGracePeriodSeconds"] == left)
        }
        try await world.must(.delete("\(pods)/p?gracePeriodSeconds=0"))
        #expect(try await world.ask(.get("\(pods)/p")).status == 404)
    }

    @Test("a pod with finalizers stays even without grace")
    func podFinalizers() async throws {
        let world = try await World()
        try await world.pod("p", finalizers: #"["x.io/f"]"#)
        try await world.must(.delete("\(pods)/p?gracePeriodSeconds=0"))
        let pod = try await world.must(.get("\(pods)/p"))
        #expect(pod["metadata.deletionGracePeriodSeconds"] == "0")
        try await world.must(.merge("\(pods)/p", #"{"metadata":{"finalizers":null}}"#))
        #expect(try await world.ask(.get("\(pods)/p")).status == 404)
    }

    @Test("preconditions are of the object that is there")
    func preconditions() async throws {
        let world = try await World()
        let made = try await world.configMap("m")
        for wrong in [#""uid":"other""#, #""resourceVersion":"1""#] {
            let refused = try await world.ask(
                .delete("\(maps)/m", #"{"preconditions":{\#(wrong)}}"#))
            #expect(refused.status == 409)
        }
        let uid = try #require(made["metadata.uid"])
        let version = try #require(made["metadata.resourceVersion"])
        try await world.must(.delete("\(maps)/m", #"""
            {"preconditions":{"uid":"\#(uid)","resourceVersion":"\#(version)"}}
            """#))
    }

    @Test("who wants dependents dealt with first leaves it to the garbage collector", arguments: [
        ("Foreground", "foregroundDeletion"), ("Orphan", "orphan"),
    ])
    func propagation(policy: String, finalizer: String) async throws {
        let world = try await World()
        try await world.configMap("m")
        let marked = try await world.must(.delete("\(maps)/m?propagationPolicy=\(policy)"))
        #expect(marked["metadata.finalizers.0"] == finalizer)
        let left = try await world.must(.get("\(maps)/m"))
        #expect(left["metadata.deletionTimestamp"] != nil)
    }

    @Test("options that make no sense are refused", arguments: [
        ("?propagationPolicy=Sideways", 422), ("?dryRun=Some", 422),
        ("?propagationPolicy=Orphan&orphanDependents=true", 422), ("?gracePeriodSeconds=x", 400),
    ])
    func options(query: String, code: Int) async throws {
        let world = try await World()
        try await world.configMap("m")
        #expect(try await world.ask(.delete("\(maps)/m\(query)")).status == code)
        #expect(try await world.ask(.get("\(maps)/m")).status == 200)
    }

    @Test("a collection goes as far as it is selected")
    func collection() async throws {
        let world = try await World()
        try await world.configMap("m1", labels: #"{"x":"1"}"#)
        try await world.configMap("m2", labels: #"{"x":"2"}"#)
        try await world.configMap("m1", in: "b", labels: #"{"x":"1"}"#)
        try await world.must(.delete("\(maps)?labelSelector=x%3D1"))
        #expect(try await world.must(.get("/api/v1/configmaps")).each("metadata.name") == ["m2", "m1"])
    }
}
