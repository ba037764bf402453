import Store
import Testing

@Suite("The life of an object")
struct ObjectTests {
    let maps = "/api/v1/namespaces/a/configmaps"

    @Test("created, read, updated, patched, deleted, gone")
    func life() async throws {
        let world = try await World()
        let made = try await world.configMap("m")
        #expect(made.status == 201)
        #expect(made["metadata.uid"] != nil)
        #expect(made["metadata.creationTimestamp"] == "2023-11-14T22:13:20Z")
        #expect(try await world.must(.get("\(maps)/m")).bytes == made.bytes)
        let updated = try await world.must(
            .put("\(maps)/m", #"{"metadata":{"name":"m"},"data":{"v":"2"}}"#))
        #expect(updated["data.v"] == "2")
        #expect(updated["metadata.uid"] == made["metadata.uid"])
        let patched = try await world.must(.merge("\(maps)/m", #"{"data":{"w":"3"}}"#))
        #expect(patched["data.v"] == "2")
        #expect(patched["data.w"] == "3")
        let deleted = try await world.must(.delete("\(maps)/m"))
        #expect(deleted["status"] == "Success")
        #expect(deleted["details.uid"] == made["metadata.uid"])
        #expect(try await world.ask(.get("\(maps)/m")).status == 404)
    }

    @Test("a name is given once")
    func alreadyExists() async throws {
        let world = try await World()
        try await world.configMap("m")
        let again = try await world.ask(.post(maps, #"{"metadata":{"name":"m"}}"#))
        #expect(again.status == 409)
        #expect(again["reason"] == "AlreadyExists")
    }

    @Test("an update that changes nothing writes nothing")
    func sameUpdate() async throws {
        let world = try await World()
        let made = try await world.configMap("m")
        let same = try await world.must(.put("\(maps)/m", made.text))
        #expect(same["metadata.resourceVersion"] == made["metadata.resourceVersion"])
    }

    @Test("of two updates of one version, the second is refused")
    func conflict() async throws {
        let world = try await World()
        let made = try await world.configMap("m")
        let version = try #require(made["metadata.resourceVersion"])
        let body = { (value: String) in
            #"{"metadata":{"name":"m","resourceVersion":"\#(version)"},"data":{"v":"\#(value)"}}"#
        }
        try await world.must(.put("\(maps)/m", body("2")))
        let late = try await world.ask(.put("\(maps)/m", body("3")))
        #expect(late.status == 409)
        #expect(late["reason"] == "Conflict")
        #expect(try await world.must(.get("\(maps)/m"))["data.v"] == "2")
    }

    @Test("some kinds insist on the version that an update replaces", arguments: ["", "/status"])
    func insisting(subresource: String) async throws {
        let world = try await World()
        let budgets = "/apis/policy/v1/namespaces/a/poddisruptionbudgets"
        let budget = #"{"metadata":{"name":"b"},"spec":{"maxUnavailable":1}}"#
        let made = try await world.must(.post(budgets, budget))
        let refused = try await world.ask(.put("\(budgets)/b\(subresource)", budget))
        #expect(refused.status == 422)
        #expect(refused["message"] == #"poddisruptionbudgets.policy "b" is invalid: "#
            + "metadata.resourceVersion: Invalid value: 0: must be specified for an update")
        #expect(refused["details.kind"] == "poddisruptionbudgets")
        try await world.must(.put("\(budgets)/b\(subresource)", made.text))
        try await world.must(.merge("\(budgets)/b", #"{"spec":{"maxUnavailable":2}}"#))
    }

    @Test("patches without a version never lose one another")
    func concurrentPatches() async throws {
        let world = try await World()
        try await world.configMap("m")
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<4 {
                group.addTask {
                    try await world.ask(.merge("\(maps)/m", #"{"data":{"k\#(index)":"x"}}"#)).status
                }
            }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses == [200, 200, 200, 200])
        let merged = try await world.must(.get("\(maps)/m"))
        #expect((0..<4).allSatisfy { merged["data.k\($0)"] == "x" })
    }

    @Test("what a body says must fit the path", arguments: [
        ("PUT", "/m", #"{"metadata":{"name":"other"}}"#, 400),
        ("POST", "", #"{"metadata":{"name":"x","namespace":"b"}}"#, 400),
        ("POST", "", #"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x"}}"#, 400),
        ("POST", "", "{", 400), ("POST", "", "", 400),
        ("POST", "", #"{"metadata":{"name":"NOT A NAME"}}"#, 422),
        ("POST", "", #"{"metadata":{}}"#, 422),
        ("POST", "", #"{"metadata":{"name":"x","resourceVersion":"1"}}"#, 500),
        ("PUT", "/m", #"{"metadata":{"name":"m","resourceVersion":"x"}}"#, 400),
        ("PUT", "/m", #"{"metadata":{"name":"m","uid":"other"}}"#, 409),
        ("PUT", "/gone", #"{"metadata":{"name":"gone"}}"#, 404),
    ])
    func refusals(method: String, name: String, body: String, code: Int) async throws {
        let world = try await World()
        try await world.configMap("m")
        let answer = try await world.ask(Call(method: method, target: maps + name, body: body))
        #expect(answer.status == code, "\(answer.text)")
        #expect(answer["kind"] == "Status")
    }

    @Test("generated names are all different, and begin as asked")
    func generateName() async throws {
        let world = try await World()
        var names: Set<String> = []
        for _ in 0..<20 {
            let made = try await world.must(.post(maps, #"{"metadata":{"generateName":"m-"}}"#))
            names.insert(try #require(made["metadata.name"]))
        }
        #expect(names.count == 20)
        #expect(names.allSatisfy { $0.hasPrefix("m-") && $0.count == 7 })
    }

    @Test("a dry run answers as the real thing would, and writes nothing", arguments: [
        Call.post("/api/v1/namespaces/a/configmaps", #"{"metadata":{"name":"new"}}"#),
        .put("/api/v1/namespaces/a/configmaps/m", #"{"metadata":{"name":"m"},"data":{"v":"2"}}"#),
        .merge("/api/v1/namespaces/a/configmaps/m", #"{"data":{"v":"2"}}"#),
        .delete("/api/v1/namespaces/a/configmaps/m"),
        .delete("/api/v1/namespaces/a/configmaps"),
        .post("/api/v1/namespaces/a/services",
            #"{"metadata":{"name":"s"},"spec":{"ports":[{"port":1}]}}"#),
    ])
    func dryRun(call: Call) async throws {
        let world = try await World()
        try await world.configMap("m")
        let before = world.store.revision
        var dry = call
        dry.target += "?dryRun=All"
        try await world.must(dry)
        #expect(world.store.revision == before)
        #expect(try await world.must(.get("\(maps)/m"))["data.v"] == "1")
    }

    @Test("nothing is created where there is no namespace, or one that is going")
    func namespaces() async throws {
        let world = try await World()
        let lost = try await world.ask(
            .post("/api/v1/namespaces/none/configmaps", #"{"metadata":{"name":"m"}}"#))
        #expect(lost.status == 404)
        let going = try await world.must(.delete("/api/v1/namespaces/a"))
        #expect(going["status.phase"] == "Terminating")
        let late = try await world.ask(.post(maps, #"{"metadata":{"name":"m"}}"#))
        #expect(late.status == 403)
        #expect(late["details.causes.0.reason"] == "NamespaceTerminating")
        let finalized = try await world.must(
            .put("/api/v1/namespaces/a/finalize", #"{"metadata":{"name":"a"},"spec":{}}"#))
        #expect(finalized["metadata.name"] == "a")
        #expect(try await world.ask(.get("/api/v1/namespaces/a")).status == 404)
    }

    @Test("a scale is another way to say how many, and counts up the generation")
    func scale() async throws {
        let world = try await World()
        let path = "/apis/apps/v1/namespaces/a/deployments"
        try await world.must(.post(path, #"""
            {"metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"x":"y"}},
            "template":{"metadata":{"labels":{"x":"y"}},
            "spec":{"containers":[{"name":"c","image":"i"}]}}}}
            """#))
        let scale = try await world.must(.get("\(path)/d/scale"))
        #expect(scale["spec.replicas"] == "2")
        #expect(scale["status.selector"] == "x=y")
        let more = try await world.must(.merge("\(path)/d/scale", #"{"spec":{"replicas":5}}"#))
        #expect(more["spec.replicas"] == "5")
        let deployment = try await world.must(.get("\(path)/d"))
        #expect(deployment["spec.replicas"] == "5")
        #expect(deployment["metadata.generation"] == "2")
        let negative = try await world.ask(.merge("\(path)/d/scale", #"{"spec":{"replicas":-1}}"#))
        #expect(negative.status == 422)
    }

    @Test("callers without the right are refused, also when they act as others")
    func rights() async throws {
        let world = try await World()
        #expect(try await world.ask(.get(maps).by("nobody")).status == 401)
        let refused = try await world.ask(.get(maps).by("alice"))
        #expect(refused.status == 403)
        #expect(refused["reason"] == "Forbidden")
        #expect(try await world.ask(
            .get(maps).by("alice").with("impersonate-user", "admin")).status == 403)
        let asAlice = try await world.ask(
            .get(maps).with("impersonate-user", "bob").with("impersonate-group", "devs"))
        #expect(asAlice.status == 403)
        try await world.must(.post(
            "/apis/rbac.authorization.k8s.io/v1/namespaces/a/roles", #"""
            {"metadata":{"name":"r"},
             "rules":[{"apiGroups":[""],"resources":["configmaps"],"verbs":["list"]}]}
            """#))
        try await world.must(.post(
            "/apis/rbac.authorization.k8s.io/v1/namespaces/a/rolebindings", #"""
            {"metadata":{"name":"r"},"subjects":[{"kind":"Group","name":"devs"}],
             "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"}}
            """#))
        #expect(try await world.ask(.get(maps).by("alice")).status == 200)
        #expect(try await world.ask(
            .get("/api/v1/namespaces/b/configmaps").by("alice")).status == 403)
    }

    @Test("any body is answered, and none brings the server down", arguments: [
        "[]", "null", "\"x\"", "{\"metadata\":7}", "{\"data\":{\"v\":1}}", "\u{0}\u{1}\u{2}",
        "{\"metadata\":{\"name\":\"x\",\"creationTimestamp\":\"yesterday\"}}",
        String(repeating: "[", count: 20_000), "{\"a\":1e99999}",
    ])
    func wildBodies(body: String) async throws {
        let world = try await World()
        for type in ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"] {
            let answer = try await world.ask(.post(maps, body).with("content-type", type))
            #expect((400..<500).contains(answer.status), "\(type): \(answer.text)")
        }
        #expect(try await world.ask(.post(maps, body).with("content-type", "text/plain")).status == 415)
    }
}
