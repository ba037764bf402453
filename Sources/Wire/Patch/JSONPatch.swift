/// A JSON Patch: operations that are done one after the other, all or none.
///
/// - Source: RFC 6902.
public struct JSONPatch: Sendable {
    /// One change or test. Pointers are kept as they were read, for what is said of them.
    enum Operation: Sendable {
        case add(String, Value)
        case remove(String)
        case replace(String, Value)
        case move(from: String, to: String)
        case copy(from: String, to: String)
        case test(String, Value)
        /// One that RFC 6902 does not know: an error only when its turn comes.
        case unknown(String)
    }

    /// Kubernetes refuses more.
    public static let operationsMax = 10_000
    /// What all copies of one patch together may add.
    static let copiedBytesMax = Bounds.objectBytesMax

    let operations: [Operation]

    init(_ document: Value, issues: inout [String]) throws(PatchError) {
        guard case .list(let list) = document else {
            throw Self.mismatch(document, "[]handlers.jsonPatchOp")
        }
        guard list.count <= Self.operationsMax else { throw .tooManyOperations(list.count) }
        var operations: [Operation] = []
        operations.reserveCapacity(list.count)
        for (index, element) in list.enumerated() {
            guard case .map(let map) = element else {
                throw Self.mismatch(element, "handlers.jsonPatchOp")
            }
            for entry in map.entries where !Self.members.contains(entry.key) {
                issues.append("json patch unknown field \"[\(index)].\(entry.key)\"")
            }
            operations.append(try Self.operation(map))
        }
        self.operations = operations
    }

    private static let members: Set<String> = ["op", "path", "from", "value"]

    private static func operation(_ map: ValueMap) throws(PatchError) -> Operation {
        let path = try text("path", of: map)
        let value = map["value"] ?? .null
        switch try text("op", of: map) {
        case "add": return .add(path, value)
        case "remove": return .remove(path)
        case "replace": return .replace(path, value)
        case "move": return .move(from: try text("from", of: map), to: path)
        case "copy": return .copy(from: try text("from", of: map), to: path)
        case "test": return .test(path, value)
        case let name: return .unknown(name)
        }
    }

    private static func text(_ key: String, of map: ValueMap) throws(PatchError) -> String {
        switch map[key] {
        case .string(let text)?: return text
        case nil, .null?: return ""
        case let value?:
            throw .malformed(
                "error decoding patch: json: cannot unmarshal \(value.goKind) into Go struct field "
                    + "jsonPatchOp.\(key) of type string")
        }
    }

    private static func mismatch(_ value: Value, _ type: String) -> PatchError {
        .malformed(
            "error decoding patch: json: cannot unmarshal \(value.goKind) into Go value of type "
                + type)
    }
}
