import Kubernetes
import Testing
import Wire

@Suite("Patches")
struct PatchTests {
    @Test("JSON patches", arguments: try Case.load("json-patches"))
    func json(_ example: Case) throws {
        try expect(example) { object, patch in
            var issues: [String] = []
            guard case .json(let patch) = try ObjectPatch(.json, patch, issues: &issues)
            else { return nil }
            return try patch.apply(to: object)
        }
    }

    @Test("Merge patches", arguments: try Case.load("merge-patches"))
    func merge(_ example: Case) throws {
        try expect(example) { object, patch in
            var issues: [String] = []
            guard case .merge(let patch) = try ObjectPatch(.merge, patch, issues: &issues)
            else { return nil }
            return patch.apply(to: object)
        }
    }

    @Test("Strategic merge patches", arguments: try Case.load("strategic-patches"))
    func strategic(_ example: Case) throws {
        let kind = try #require(example.lines("kind").first)
        let type = try #require(Schema.find("kubernetes.\(kind)"))
        try expect(example) { object, patch in
            var issues: [String] = []
            guard case .strategic(let patch) = try ObjectPatch(.strategic, patch, issues: &issues)
            else { return nil }
            return try patch.apply(to: object, type)
        }
    }

    /// Applies the example's patch and compares what comes out, or the error.
    private func expect(
        _ example: Case, apply: (Value, [UInt8]) throws -> Value?
    ) throws {
        let start = try #require(example.given.firstIndex(of: "object"))
        let middle = try #require(example.given.firstIndex(of: "patch"))
        let object = try Value(json: bytes(example.given[(start + 1)..<middle]))
        let expected = example.expected.joined(separator: "\n")
        do {
            let result = try apply(object, bytes(example.given[(middle + 1)...]))
            #expect(try result == Value(json: Array(expected.utf8)))
        } catch let error as PatchError {
            #expect(error.line == expected)
        }
    }

    private func bytes(_ lines: ArraySlice<String>) -> [UInt8] {
        Array(lines.joined(separator: "\n").utf8)
    }
}

extension PatchError {
    /// As the case files write it.
    fileprivate var line: String {
        let text = message.last == "\n" ? String(message.dropLast()) : message
        return switch self {
        case .malformed: "malformed: \(text)"
        case .inapplicable: "inapplicable: \(text)"
        case .tooManyOperations: "too many: \(text)"
        case .failed: "failed: \(text)"
        case .unreadable: "unreadable: \(text)"
        }
    }
}

@Suite("Patches of objects")
struct ObjectPatchTests {
    private func patched(
        _ kind: ObjectPatch.Kind, _ text: String, _ object: Message
    ) throws -> PatchedObject {
        var issues: [String] = []
        return try ObjectPatch(kind, Array(text.utf8), issues: &issues).apply(to: object)
    }

    private let pod = CoreV1.Pod {
        $0.metadata.name = "web"
        $0.spec.containers = [CoreV1.Container {
            $0.name = "main"
            $0.image = "i:1"
        }]
    }

    @Test("change trees of every kind", arguments: ObjectPatch.Kind.allCases)
    func trees(_ kind: ObjectPatch.Kind) throws {
        let text = switch kind {
        case .json: #"[{"op":"replace","path":"/spec/containers/0/image","value":"i:2"}]"#
        case .merge: #"{"spec":{"containers":[{"name":"main","image":"i:2"}]}}"#
        case .strategic: #"{"spec":{"containers":[{"name":"main","image":"i:2"}]}}"#
        }
        var expected = pod
        expected.spec.containers[0].image = "i:2"
        #expect(try CoreV1.Pod(patched(kind, text, pod.tree).object) == expected)
    }

    @Test("say which fields are unknown or repeated")
    func unknown() throws {
        let text = #"{"spec":{"nodName":"n"}}"#
        let issue = #"unknown field "spec.nodName""#
        #expect(try patched(.merge, text, pod.tree).issues == [issue])
        #expect(try patched(.strategic, text, pod.tree).issues == [issue])
        var issues: [String] = []
        _ = try ObjectPatch(.merge, Array(#"{"a":{"b":1,"b":2}}"#.utf8), issues: &issues)
        let operation = #"[{"op":"remove","path":"/a","x":1}]"#
        _ = try ObjectPatch(.json, Array(operation.utf8), issues: &issues)
        #expect(issues == [
            #"duplicate field "a.b""#, #"json patch unknown field "[0].x""#])
    }

    @Test("refuse what is no object of the kind any more")
    func unreadable() throws {
        let shown = #"{"apiVersion":"v1","data":"text","kind":"ConfigMap","metadata":{}}"#
        let reason = "json: cannot unmarshal string into Go struct field ConfigMap.data "
            + "of type map[string]string"
        #expect(throws: PatchError.unreadable(shown: shown, reason: reason)) {
            try patched(.merge, #"{"data":"text"}"#, CoreV1.ConfigMap().tree)
        }
        #expect(throws: PatchError.self) {
            try patched(.merge, #"{"kind":"Secret"}"#, CoreV1.ConfigMap().tree)
        }
    }

    @Test("are limited in operations and in what copies add")
    func limits() throws {
        let many = String(repeating: #"{"op":"test","path":"/x"},"#, count: JSONPatch.operationsMax)
        #expect(throws: PatchError.tooManyOperations(JSONPatch.operationsMax + 1)) {
            try patched(.json, #"[\#(many){"op":"test","path":"/x"}]"#, pod.tree)
        }
        let doublings = (0..<40).map { _ in #"{"op":"copy","from":"/data","path":"/data/-"}"# }
        #expect(throws: PatchError.self) {
            let text = #"[{"op":"add","path":"/data","value":["x"]},"#
                + doublings.joined(separator: ",") + "]"
            return try patched(.json, text, CoreV1.ConfigMap().tree)
        }
    }
}
