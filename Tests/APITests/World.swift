import API
import APIErrors
import Authentication
import Authorization
import Foundation
import Kubernetes
import Store
import Synchronization
import Wire

/// An API server without sockets over a store in a directory of its own, with the namespaces `a` and
/// `b`. Its time stands still, and its random bits count up.
final class World: Sendable {
    let server: APIServer
    let store: Store
    private let directory: URL
    private let services: String
    private let counter = Counter()

    init(services: String = "10.0.0.0/24", namespaces: [String] = ["a", "b"]) async throws {
        directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("martlet-api-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        store = try Store.open(directory: directory.path, options: StoreOptions())
        self.services = services
        server = try Self.server(over: store, services, counter)
        for name in namespaces {
            try await must(.post("/api/v1/namespaces", #"{"metadata":{"name":"\#(name)"}}"#))
            try await must(.post(
                "/api/v1/namespaces/\(name)/serviceaccounts", #"{"metadata":{"name":"default"}}"#))
        }
    }

    /// Another server over the same store, as another member has one. To be stopped.
    func anotherServer() throws -> APIServer { try Self.server(over: store, services, counter) }

    private static func server(
        over store: Store, _ services: String, _ counter: Counter
    ) throws -> APIServer {
        guard let range = ServiceRange(services) else { throw WorldError(what: services) }
        let registry = try Registry(
            store: store,
            environment: Registry.Environment(
                now: { Timestamp(seconds: 1_700_000_000) }, makeUID: { counter.uid() },
                random: { counter.next() }, isTimeZone: { $0 == "UTC" }),
            serviceRange: range, authorizer: Authorizer(),
            tokens: TokenRequests(issuer: "tests", audiences: ["tests"]) { _ in "a.b.c" })
        var tokens = StaticTokens()
        tokens.add("admin", UserInfo(name: "admin", groups: ["system:masters"]))
        tokens.add("alice", UserInfo(name: "alice", groups: ["devs"]))
        for node in ["n1", "n2"] {
            tokens.add(node, UserInfo(name: "system:node:\(node)", groups: ["system:nodes"]))
        }
        return APIServer(
            authenticator: Authenticator(tokens: tokens),
            documents: Documents(jsonWebKeys: "{}", issuer: "tests") { Timestamp(seconds: 0) },
            registry: registry,
            metrics: Metrics { Metrics.ProcessUse(cpuSeconds: 0, residentBytes: 0) })
    }

    deinit {
        server.stop()
        store.close()
        try? FileManager.default.removeItem(at: directory)
    }

    /// Numbers that never come twice.
    private final class Counter: Sendable {
        private let count = Mutex<UInt64>(0)

        func next() -> UInt64 {
            count.withLock { count in
                count += 1
                return count
            }
        }

        func uid() -> String { String(format: "00000000-0000-4000-8000-%012llx", next()) }
    }
}

struct WorldError: Error {
    let what: String
}

/// A request as a test writes it.
struct Call: Sendable {
    var method: String
    var target: String
    var body = ""
    var headers: [String: String] = [:]
    var token = "admin"

    static func get(_ target: String) -> Call { Call(method: "GET", target: target) }
    static func delete(_ target: String, _ body: String = "") -> Call {
        Call(method: "DELETE", target: target, body: body)
    }
    static func post(_ target: String, _ body: String) -> Call {
        Call(method: "POST", target: target, body: body)
    }
    static func put(_ target: String, _ body: String) -> Call {
        Call(method: "PUT", target: target, body: body)
    }
    /// A merge patch.
    static func merge(_ target: String, _ body: String) -> Call {
        Call(
            method: "PATCH", target: target, body: body,
            headers: ["content-type": "application/merge-patch+json"])
    }

    func with(_ name: String, _ value: String) -> Call {
        var call = self
        call.headers[name] = value
        return call
    }

    func by(_ token: String) -> Call {
        var call = self
        call.token = token
        return call
    }

    fileprivate var request: APIRequest {
        let (headers, body) = (headers, Array(body.utf8))
        return APIRequest(
            method: method, target: target, headers: { headers[$0].map { [$0] } ?? [] },
            allHeaders: { headers.map { (name: $0.key, value: $0.value) } },
            credentials: Credentials(authorization: "Bearer \(token)"),
            body: { () throws(APIError) in body })
    }
}

/// An answer; its JSON can be looked into by paths such as `items.0.metadata.name`.
struct Answer {
    let status: Int
    let contentType: String
    /// The Warning headers.
    let warnings: [String]
    let bytes: [UInt8]
    private let json: Any?

    init(_ response: APIResponse, _ bytes: [UInt8]) {
        status = response.status
        contentType = response.contentType
        warnings = response.headers.filter { $0.0 == "warning" }.map { $0.1 }
        self.bytes = bytes
        json = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
    }

    /// What stands at a path as text; nil if there is nothing.
    subscript(path: String) -> String? { dig(path).map { "\($0)" } }

    /// Each item's value at a path.
    func each(_ path: String) -> [String] {
        (0..<count("items")).compactMap { self["items.\($0).\(path)"] }
    }

    /// An annotation of the object; their names have dots, which paths have not.
    func annotation(_ name: String) -> String? {
        (dig("metadata.annotations") as? [String: Any])?[name].map { "\($0)" }
    }

    func count(_ path: String) -> Int { (dig(path) as? [Any])?.count ?? 0 }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    private func dig(_ path: String) -> Any? {
        var here = json
        for part in path.split(separator: ".") {
            if let list = here as? [Any], let index = Int(part) {
                here = list.indices.contains(index) ? list[index] : nil
            } else {
                here = (here as? [String: Any])?[String(part)]
            }
        }
        return here
    }
}

extension World {
    func ask(_ call: Call, of other: APIServer? = nil) async throws -> Answer {
        let response = await (other ?? server).respond(to: call.request)
        switch response.body {
        case .bytes(let bytes): return Answer(response, bytes)
        case .stream(let write):
            let sink = Sink()
            try await write(sink)
            return Answer(response, sink.bytes)
        case .watch(let feed): return Answer(response, await feed.all())
        }
    }

    /// Asks, and fails the test unless the answer is a success.
    @discardableResult
    func must(_ call: Call) async throws -> Answer {
        let answer = try await ask(call)
        guard (200..<300).contains(answer.status) else {
            throw WorldError(what: "\(call.method) \(call.target): \(answer.text)")
        }
        return answer
    }

    /// A config map with a value `v`.
    @discardableResult
    func configMap(_ name: String, in namespace: String = "a", labels: String = "{}", v: String = "1")
        async throws -> Answer {
        try await must(.post("/api/v1/namespaces/\(namespace)/configmaps", #"""
            {"metadata":{"name":"\#(name)","labels":\#(labels)},"data":{"v":"\#(v)"}}
            """#))
    }

    /// A pod of one container; on a node if `node` says one.
    @discardableResult
    func pod(_ name: String, node: String = "", grace: Int = 30, finalizers: String = "[]")
        async throws -> Answer {
        try await must(.post("/api/v1/namespaces/a/pods", #"""
            {"metadata":{"name":"\#(name)","finalizers":\#(finalizers)},"spec":{"nodeName":"\#(node)",
            "terminationGracePeriodSeconds":\#(grace),"containers":[{"name":"c","image":"i"}]}}
            """#))
    }
}

extension WatchFeed {
    /// All that the watch tells until it is over.
    fileprivate func all() async -> [UInt8] {
        let (rings, bell) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        onWake { bell.yield() }
        bell.yield()
        var told: [UInt8] = []
        for await _ in rings {
            var step = next()
            while case .bytes(let bytes) = step {
                told += bytes
                step = next()
            }
            guard case .wait = step else { break }
        }
        return told
    }
}

/// Collects what a stream writes.
private final class Sink: BodyWriter {
    private let collected = Mutex<[UInt8]>([])

    var bytes: [UInt8] { collected.withLock { $0 } }

    func write(_ bytes: [UInt8]) async throws { collected.withLock { $0 += bytes } }
}
