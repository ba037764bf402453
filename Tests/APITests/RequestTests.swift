import APIErrors
import StoreCore
import Testing
import Wire

@testable import API

@Suite("What a request addresses")
struct RequestTests {
    @Test("method and path say verb, group, resource, namespace, name and subresource", arguments: [
        ("GET /api/v1/pods", "list core/v1 pods - - -"),
        ("GET /api/v1/pods?watch=true", "watch core/v1 pods - - -"),
        ("GET /api/v1/pods?watch=false", "list core/v1 pods - - -"),
        ("GET /api/v1/watch/pods", "watch core/v1 pods - - -"),
        ("GET /api/v1/namespaces", "list core/v1 namespaces - - -"),
        ("GET /api/v1/namespaces/a", "get core/v1 namespaces a a -"),
        ("PUT /api/v1/namespaces/a/status", "update core/v1 namespaces a a status"),
        ("PUT /api/v1/namespaces/a/finalize", "update core/v1 namespaces a a finalize"),
        ("GET /api/v1/namespaces/a/pods/p", "get core/v1 pods a p -"),
        ("HEAD /api/v1/namespaces/a/pods/p", "get core/v1 pods a p -"),
        ("POST /api/v1/namespaces/a/pods", "create core/v1 pods a - -"),
        ("DELETE /api/v1/namespaces/a/pods", "deletecollection core/v1 pods a - -"),
        ("DELETE /api/v1/namespaces/a/pods/p", "delete core/v1 pods a p -"),
        ("PATCH /apis/apps/v1/namespaces/a/deployments/d/scale", "patch apps/v1 deployments a d scale"),
        ("GET /api/v1/namespaces/a/pods/p%2Fq", "get core/v1 pods a p/q -"),
        ("OPTIONS /api/v1/pods", "options core/v1 pods - - -"),
    ])
    func targets(request: String, expected: String) {
        let target = Self.target(request)
        let group = target.group.isEmpty ? "core" : target.group
        let parts = [target.namespace, target.name, target.subresource].map { $0 ?? "-" }
        #expect(target.isResource)
        #expect("\(target.verb) \(group)/\(target.version) \(target.resource) "
            + parts.joined(separator: " ") == expected)
    }

    @Test("paths of documents address no resource", arguments: [
        "/", "/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1", "/version", "/healthz",
        "/openapi/v2", "//", "/apis//",
    ])
    func documents(path: String) { #expect(!Self.target("GET \(path)").isResource) }

    @Test("a list of one name is authorized as one of that name")
    func selectedName() {
        let target = Self.target("GET /api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dp")
        #expect(target.selectedName == "p")
    }

    @Test("what is not served is 404, and what cannot be done to it 405", arguments: [
        ("GET /api/v1/nonsense", 404), ("GET /api/v2/pods", 404),
        ("GET /apis/apps/v1/pods", 404), ("GET /api/v1/namespaces/a/nodes", 404),
        ("GET /api/v1/namespaces/a/pods/p/nonsense", 404),
        ("GET /api/v1/namespaces/a/pods/p/status/more", 404),
        ("POST /api/v1/pods", 405), ("DELETE /api/v1/pods", 405),
        ("PUT /api/v1/namespaces/a/pods", 405), ("POST /api/v1/namespaces/a/pods/p", 405),
        ("OPTIONS /api/v1/pods", 405), ("DELETE /api/v1/namespaces/a/pods/p/status", 405),
        ("GET /api/v1/namespaces/a/pods/p/binding", 405),
    ])
    func refusals(request: String, code: Int) {
        #expect { try Router().route(Self.target(request)) } throws: {
            ($0 as? APIError)?.code == code
        }
    }

    @Test("query parameters are decoded; the first of a name counts, switches read as Go's do")
    func query() {
        let query = QueryParameters("a=1&a=2&b=x%20y+z&c&d=false&e=0&f=&g=%zz&h=FALSE")
        #expect(query["a"] == "1")
        #expect(query.all("a") == ["1", "2"])
        #expect(query["b"] == "x y z")
        #expect(query["g"] == "%zz")
        #expect(query["none"] == nil)
        #expect(["a", "c", "f"].allSatisfy { query.flag($0) })
        #expect(!["d", "e", "h", "none"].contains { query.flag($0) })
    }

    @Test("the first acceptable form wins", arguments: [
        ("", "json object"), ("*/*", "json object"), ("application/*", "json object"),
        ("text/html, application/yaml", "yaml object"),
        ("application/vnd.kubernetes.protobuf;q=0.1,application/json", "protobuf object"),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "json table"),
        ("application/json;as=Table;v=v9;g=meta.k8s.io,application/yaml", "yaml object"),
        ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", "json metadata"),
        ("text/html", "none"), ("application/json;as=Nonsense;g=meta.k8s.io;v=v1", "none"),
    ])
    func accept(header: String, expected: String) {
        let form = AnswerForm(accept: header, allowsShapes: true)
        #expect(form.map { "\($0.encoding) \($0.shape)" } ?? "none" == expected)
    }

    @Test("a continue token is read back as it was made")
    func token() throws {
        let made = ContinueToken(revision: Revision(42), after: Array("a/p".utf8))
        let read = try ContinueToken(made.text)
        #expect(read.revision == Revision(42))
        #expect(read.after == made.after)
    }

    @Test("what is no continue token is refused, never a trap", arguments: UInt64(0)..<300)
    func wildTokens(seed: UInt64) {
        var random = Bits(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
        var text = Array(ContinueToken(revision: Revision(7), after: Array("a/b".utf8)).text.utf8)
        for _ in 0...random.below(4) {
            let at = random.below(text.count)
            switch random.below(3) {
            case 0: text[at] = UInt8(random.below(256))
            case 1: text.insert(UInt8(random.below(256)), at: at)
            default: text.removeSubrange(at...)
            }
            if text.isEmpty { text = [46] }
        }
        do { _ = try ContinueToken(String(decoding: text, as: UTF8.self)) } catch {
            #expect(error.code == 400)
        }
    }

    @Test("watches say that they are there after a minute of quiet, and end in time")
    func pace() {
        var pace = WatchPace(timeoutSeconds: 100, sendsBookmarks: true)
        let first = (1...59).map { _ in pace.tick() }
        #expect(first.allSatisfy { $0 == nil })
        #expect(pace.tick() == .bookmark)
        pace.wasActive()
        #expect((61...99).allSatisfy { _ in pace.tick() == nil })
        #expect(pace.tick() == .timeout)
        var silent = WatchPace(timeoutSeconds: nil, sendsBookmarks: false)
        #expect((1...200).allSatisfy { _ in silent.tick() == nil })
    }

    private static func target(_ request: String) -> RequestTarget {
        let parts = request.split(separator: " ")
        let halves = parts[1].split(separator: "?", maxSplits: 1)
        return RequestTarget(
            method: String(parts[0]), path: halves.first.map(String.init) ?? "/",
            query: QueryParameters(halves.count > 1 ? halves[1] : ""))
    }
}

/// Random bits that a seed says.
private struct Bits {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(bound))
    }
}
