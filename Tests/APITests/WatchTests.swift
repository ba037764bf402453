import API
import APIClient
import APIErrors
import Authentication
import InProcess
import Kubernetes
import Store
import Testing
import Wire

@Suite("Watches")
struct WatchTests {
    private func client(_ world: World) -> InProcessClient {
        InProcessClient(
            server: world.server, as: UserInfo(name: "admin", groups: ["system:masters"]))
    }

    private func address(_ namespace: String?) -> ResourceAddress {
        ResourceAddress(CoreV1.ConfigMap.messageType, namespace: namespace)
    }

    /// The next events in words: `added m1`.
    private func told(_ watch: any WatchStream, _ count: Int) async throws -> [String] {
        var told: [String] = []
        while told.count < count, let event = await watch.next() {
            switch event {
            case .added(let object): told.append("added \(try name(object))")
            case .modified(let object): told.append("modified \(try name(object))")
            case .deleted(let object): told.append("deleted \(try name(object))")
            case .bookmark(_, let ends): told.append(ends ? "that was all" : "bookmark")
            case .error(let error): told.append("error \(error.code)")
            }
        }
        return told
    }

    private func name(_ object: StoredObject) throws -> String {
        try object.metadata().name
    }

    private func version(_ answer: Answer) throws -> ResourceVersion {
        try #require(answer["metadata.resourceVersion"].flatMap { ResourceVersion($0) })
    }

    private let maps = "/api/v1/namespaces/a/configmaps"

    @Test("tell what happened since a version, and then what happens")
    func fromVersion() async throws {
        let world = try await World()
        let first = try await world.configMap("m1")
        try await world.configMap("m2")
        let watch = try await client(world).watch(
            address("a"), WatchOptions(resourceVersion: try version(first)))
        #expect(try await told(watch, 1) == ["added m2"])
        try await world.must(.merge("\(maps)/m1", #"{"data":{"v":"2"}}"#))
        try await world.configMap("other", in: "b")
        try await world.must(.delete("\(maps)/m2"))
        #expect(try await told(watch, 2) == ["modified m1", "deleted m2"])
    }

    @Test("begin with what is there, and say when that was all")
    func initialEvents() async throws {
        let world = try await World()
        try await world.configMap("m1")
        var options = WatchOptions()
        options.sendInitialEvents = true
        options.allowBookmarks = true
        let watch = try await client(world).watch(address(nil), options)
        #expect(try await told(watch, 2) == ["added m1", "that was all"])
        try await world.configMap("m2", in: "b")
        #expect(try await told(watch, 1) == ["added m2"])
    }

    @Test("by a field of the pod tell each node of its own, and of what leaves it")
    func nodes() async throws {
        let world = try await World()
        let start = try version(try await world.configMap("m"))
        let pods = ResourceAddress(CoreV1.Pod.messageType)
        var watches: [any WatchStream] = []
        for node in ["n1", "n2"] {
            var options = WatchOptions(resourceVersion: start)
            options.selection.fields = "spec.nodeName=\(node),metadata.namespace=a"
            watches.append(try await client(world).watch(pods, options))
        }
        try await world.pod("p", node: "n1")
        try await world.pod("lonely")
        try await world.pod("q", node: "n2")
        try await world.must(.delete("/api/v1/namespaces/a/pods/p?gracePeriodSeconds=0"))
        #expect(try await told(watches[0], 2) == ["added p", "deleted p"])
        #expect(try await told(watches[1], 1) == ["added q"])
    }

    @Test("show a selection: what enters it is added, what leaves it deleted")
    func transitions() async throws {
        let world = try await World()
        let start = try await world.configMap("m", labels: #"{"x":"0"}"#)
        var options = WatchOptions(resourceVersion: try version(start))
        options.selection.labels = "x=1"
        let watch = try await client(world).watch(address("a"), options)
        for label in ["1", "1", "2", "3", "1"] {
            try await world.must(.merge(
                "\(maps)/m", #"{"metadata":{"labels":{"x":"\#(label)"}},"data":{"v":"\#(label)"}}"#))
            try await world.must(.merge("\(maps)/m", #"{"data":{"turn":"\#(label)"}}"#))
        }
        try await world.must(.delete("\(maps)/m"))
        #expect(try await told(watch, 5) == [
            "added m", "modified m", "deleted m", "added m", "modified m",
        ])
        #expect(try await told(watch, 1) == ["deleted m"])
    }

    @Test("tell every change once and in order, however many there are")
    func everyChangeOnce() async throws {
        let world = try await World()
        let start = try await world.configMap("m")
        let watch = try await client(world).watch(
            address("a"), WatchOptions(resourceVersion: try version(start)))
        async let writes: Void = {
            for index in 0..<200 { try await world.configMap("m\(index)") }
        }()
        let events = try await told(watch, 200)
        try await writes
        #expect(events == (0..<200).map { "added m\($0)" })
    }

    @Test("from a version whose history is gone end with 410")
    func compacted() async throws {
        let world = try await World()
        let first = try await world.configMap("m1")
        try await world.configMap("m2")
        try await world.configMap("m3")
        try await world.store.compact(at: world.store.revision)
        let watch = try await client(world).watch(
            address("a"), WatchOptions(resourceVersion: try version(first)))
        #expect(try await told(watch, 2) == ["error 410"])
    }

    @Test("of a watcher that does not keep up end, so that memory does not grow")
    func slow() async throws {
        let world = try await World()
        let start = try await world.configMap("m")
        let watch = try await client(world).watch(
            address("a"), WatchOptions(resourceVersion: try version(start)))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<100 {
                group.addTask {
                    for index in 0..<101 { try await world.configMap("m-\(writer)-\(index)") }
                }
            }
            try await group.waitForAll()
        }
        let events = try await told(watch, 20_000)
        #expect(events.count == 10_000)
    }

    @Test("end when the server stops")
    func stop() async throws {
        let world = try await World()
        let watch = try await client(world).watch(address("a"), WatchOptions())
        world.server.stop()
        #expect(await watch.next() == nil)
    }

    @Test("are written as lines of JSON, and end after their time")
    func lines() async throws {
        let world = try await World()
        try await world.configMap("m1")
        let answer = try await world.must(.get("\(maps)?watch=true&timeoutSeconds=1"))
        let lines = answer.text.split(separator: "\n")
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix(#"{"type":"ADDED","object":{"#) == true)
    }
}
