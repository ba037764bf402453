import Discovery
import Examples
import Kubernetes
import Testing
import Wire

/// The members of an object; none if it is not one.
private func members(_ value: Value?) -> ValueMap {
    guard case .map(let map)? = value else { return ValueMap() }
    return map
}

private func list(_ value: Value?) -> [Value] {
    guard case .list(let list)? = value else { return [] }
    return list
}

private func text(_ value: Value?) -> String {
    guard case .string(let text)? = value else { return "" }
    return text
}

@Suite("Discovery")
struct DiscoveryTests {
    private let discovery = Discovery()

    private func json(_ path: String) throws -> ValueMap {
        let document = try #require(discovery.document(path: path, serverAddress: "10.0.0.1:6443"))
        return members(try Value(json: document.bytes(.json)))
    }

    @Test("names the versions of core and where the server is")
    func core() throws {
        let document = try #require(discovery.document(path: "/api", serverAddress: "h:1"))
        #expect(String(decoding: document.bytes(.json), as: UTF8.self)
            == #"{"kind":"APIVersions","apiVersion":"v1","versions":["v1"],"#
            + #""serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":"h:1"}]}"#)
    }

    @Test("prefers the newest stable version of a group")
    func preferred() throws {
        let group = try json("/apis/autoscaling")
        #expect(list(group["versions"]).map { text(members($0)["version"]) } == ["v2", "v1"])
        #expect(text(members(group["preferredVersion"])["groupVersion"]) == "autoscaling/v2")
    }

    @Test("lists our own group after Kubernetes'")
    func own() throws {
        let groups = list(try json("/apis")["groups"])
        #expect(groups.last.map { text(members($0)["name"]) } == "scheduling.martlet.dev")
        #expect(discovery.document(path: "/apis/scheduling.martlet.dev/v1") != nil)
    }

    @Test("knows no paths but its own",
          arguments: ["/", "/apix", "/api/v2", "/apis/none", "/apis/apps/v1beta1", "/api/v1/pods"])
    func unknown(_ path: String) { #expect(discovery.document(path: path) == nil) }

    @Test("has an ETag that stays while the content does")
    func etag() throws {
        let first = try #require(discovery.aggregated(path: "/apis")?.etag)
        #expect(Discovery().aggregated(path: "/apis")?.etag == first)
        #expect(Discovery(types: [CoreV1.Pod.messageType]).aggregated(path: "/apis")?.etag != first)
    }

    @Test("comes as protobuf too")
    func protobuf() throws {
        for path in ["/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1"] {
            let document = try #require(discovery.document(path: path))
            let decoded = try ObjectCodec.decode(document.bytes(.protobuf), .protobuf)
            #expect(decoded.object == document.tree)
        }
    }

    @Test("the version has the keys of kube-apiserver")
    func version() throws {
        let version = members(try Value(json: VersionInfo(gitVersion: "v1.36.2+martlet").json))
        #expect(text(version["major"]) == "1")
        #expect(text(version["minor"]) == "36")
        #expect(text(version["minCompatibilityMinor"]) == "35")
        #expect(version.count == 13)
    }
}

@Suite("Discovery, as a real server answered it")
struct RecordedDiscoveryTests {
    private static let recording = "conformance/recorded/discovery.json"
    private static let facts =
        ["kubernetes/discovery-core.json", "kubernetes/discovery-groups.json"]
    /// What Kubernetes serves; our own group is not in the recordings.
    private let discovery = Discovery(
        types: Schema.resourceTypes.filter { !$0.group.hasSuffix("martlet.dev") })

    @Test("aggregated documents are equal",
          .enabled(if: facts.allSatisfy { SharedFacts.has($0) }, "facts are not there"))
    func aggregated() throws {
        for (path, file) in zip(["/api", "/apis"], Self.facts) {
            let document = try #require(discovery.aggregated(path: path))
            #expect(try Value(json: document.bytes(.json))
                == Value(json: SharedFacts.bytes(file)), "\(path)")
        }
    }

    @Test("the other documents are equal",
          .enabled(if: SharedFacts.has(recording), "recordings are not there"))
    func plain() throws {
        var compared = 0
        for step in list(try Value(json: SharedFacts.bytes(Self.recording))).map({ members($0) }) {
            let path = String(text(step["request"]).dropFirst("GET ".utf8.count))
            let kind = text(members(step["body"])["kind"])
            guard ["APIGroupList", "APIGroup", "APIResourceList"].contains(kind) else { continue }
            let document = try #require(discovery.document(path: path), "\(path)")
            #expect(withoutHashes(try Value(json: document.bytes(.json)))
                == withoutHashes(step["body"] ?? .null), "\(path)")
            compared += 1
        }
        #expect(compared == 8)
    }

    /// With every storage version's hash replaced by the same text.
    private func withoutHashes(_ value: Value) -> Value {
        switch value {
        case .list(let list): return .list(list.map(withoutHashes))
        case .map(let map):
            return .map(ValueMap(map.entries.map { entry in
                (entry.key, entry.key == "storageVersionHash"
                    ? .string("<hash>") : withoutHashes(entry.value))
            }))
        default: return value
        }
    }
}
