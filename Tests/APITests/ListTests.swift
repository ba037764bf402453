import Store
import Testing

@Suite("Lists")
struct ListTests {
    let maps = "/api/v1/namespaces/a/configmaps"

    @Test("of a namespace, of all, and of those selected")
    func selections() async throws {
        let world = try await World()
        try await world.configMap("m1", labels: #"{"x":"1"}"#)
        try await world.configMap("m2", labels: #"{"x":"2"}"#)
        try await world.configMap("m3", in: "b", labels: #"{"x":"1"}"#)
        let names = { (target: String) in
            try await world.must(.get(target)).each("metadata.name")
        }
        #expect(try await names(maps) == ["m1", "m2"])
        #expect(try await names("/api/v1/configmaps") == ["m1", "m2", "m3"])
        #expect(try await names("/api/v1/configmaps?labelSelector=x%3D1") == ["m1", "m3"])
        #expect(try await names("\(maps)?fieldSelector=metadata.name%3Dm2") == ["m2"])
        #expect(try await names("\(maps)?fieldSelector=metadata.name!%3Dm2") == ["m1"])
    }

    @Test("pages show one moment, whatever is written meanwhile")
    func pages() async throws {
        let world = try await World()
        for index in 0..<7 { try await world.configMap("m\(index)") }
        var names: [String] = []
        var target = "\(maps)?limit=3"
        var left: [String?] = []
        var revisions: Set<String> = []
        for turn in 0..<3 {
            let page = try await world.must(.get(target))
            names += page.each("metadata.name")
            left.append(page["metadata.remainingItemCount"])
            revisions.insert(try #require(page["metadata.resourceVersion"]))
            guard let token = page["metadata.continue"] else { break }
            target = "\(maps)?limit=3&continue=\(token)"
            try await world.configMap("m\(turn)-late")
            try await world.must(.merge("\(maps)/m5", #"{"data":{"v":"\#(turn)"}}"#))
        }
        #expect(names == (0..<7).map { "m\($0)" })
        #expect(left == ["4", "1", nil])
        #expect(revisions.count == 1)
    }

    @Test("a page whose history is gone is 410, with a token for those who go on all the same")
    func expired() async throws {
        let world = try await World()
        for index in 0..<4 { try await world.configMap("m\(index)") }
        let page = try await world.must(.get("\(maps)?limit=2"))
        let token = try #require(page["metadata.continue"])
        try await world.configMap("m9")
        try await world.store.compact(at: world.store.revision)
        let refused = try await world.ask(.get("\(maps)?limit=2&continue=\(token)"))
        #expect(refused.status == 410)
        #expect(refused["reason"] == "Expired")
        #expect(refused["message"]?.hasPrefix("The provided continue parameter is too old") == true)
        let now = try #require(refused["metadata.continue"])
        let rest = try await world.must(.get("\(maps)?limit=2&continue=\(now)"))
        #expect(rest.each("metadata.name") == ["m2", "m3"])
        #expect(rest["metadata.resourceVersion"] != page["metadata.resourceVersion"])
        let next = try #require(rest["metadata.continue"])
        let last = try await world.must(.get("\(maps)?continue=\(next)"))
        #expect(last.each("metadata.name") == ["m9"])
    }

    @Test("a list at a revision whose history is gone is 410")
    func expiredRevision() async throws {
        let world = try await World()
        let old = try #require(try await world.configMap("m")["metadata.resourceVersion"])
        try await world.configMap("late")
        try await world.store.compact(at: world.store.revision)
        let refused = try await world.ask(
            .get("\(maps)?resourceVersion=\(old)&resourceVersionMatch=Exact"))
        #expect(refused.status == 410)
        #expect(refused["reason"] == "Expired")
        #expect(refused["message"] == "The resourceVersion for the provided list is too old.")
    }

    @Test("options that make no sense are refused", arguments: [
        ("resourceVersionMatch=Exact", 422), ("resourceVersionMatch=Other&resourceVersion=1", 422),
        ("resourceVersionMatch=Exact&resourceVersion=0", 422), ("sendInitialEvents=true", 422),
        ("resourceVersion=x", 400), ("limit=x", 400), ("continue=x", 400),
        ("continue=1.1.6d&resourceVersion=1", 400), ("resourceVersion=999999", 504),
        ("labelSelector=%3D%3D", 400), ("fieldSelector=spec.nonsense%3D1", 400),
        ("watch=true&resourceVersionMatch=Exact", 422), ("watch=true&sendInitialEvents=true", 422),
    ])
    func options(query: String, code: Int) async throws {
        let world = try await World()
        let answer = try await world.ask(.get("\(maps)?\(query)"))
        #expect(answer.status == code, "\(answer.text)")
    }

    @Test("in the form that the client asks for")
    func forms() async throws {
        let world = try await World()
        try await world.configMap("m")
        let table = try await world.must(
            .get(maps).with("accept", "application/json;as=Table;g=meta.k8s.io;v=v1"))
        #expect(table["kind"] == "Table")
        #expect(table["rows.0.cells.0"] == "m")
        let metadata = try await world.must(.get(maps).with(
            "accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"))
        #expect(metadata["kind"] == "PartialObjectMetadataList")
        #expect(metadata["items.0.metadata.name"] == "m")
        #expect(metadata["items.0.data"] == nil)
        let yaml = try await world.must(.get("\(maps)/m").with("accept", "application/yaml"))
        #expect(yaml.contentType == "application/yaml")
        #expect(yaml.text.contains("\nkind: ConfigMap\n"))
        let protobuf = try await world.must(
            .get(maps).with("accept", "application/vnd.kubernetes.protobuf"))
        #expect(protobuf.bytes.starts(with: Array("k8s\u{0}".utf8)))
        #expect(try await world.ask(.get(maps).with("accept", "text/html")).status == 406)
    }
}
