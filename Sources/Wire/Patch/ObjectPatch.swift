/// A change to an object, as the body of a PATCH request describes it.
///
/// Read once, it may be applied again and again, as optimistic writes do.
public enum ObjectPatch: Sendable {
    case json(JSONPatch)
    case merge(MergePatch)
    case strategic(StrategicMergePatch)

    /// The sort of a patch, by its media type.
    public enum Kind: String, Sendable, CaseIterable {
        case json = "application/json-patch+json"
        case merge = "application/merge-patch+json"
        case strategic = "application/strategic-merge-patch+json"
    }

    /// Reads a patch's JSON.
    ///
    /// - Parameter issues: What strict field validation refuses is added: `duplicate field "a"`.
    public init(
        _ kind: Kind, _ body: RawSpan, issues: inout [String]
    ) throws(PatchError) {
        var repeated: [String] = []
        let document: Value
        do {
            document = try Value(json: body, repeated: &repeated)
        } catch {
            let reason = kind == .strategic ? "\(error)" : "error decoding patch: \(error)"
            throw .malformed(reason)
        }
        let prefix = kind == .json ? "json patch " : ""
        issues += repeated.map { "\(prefix)duplicate field \(goQuoted($0))" }
        switch kind {
        case .json: self = .json(try JSONPatch(document, issues: &issues))
        case .merge: self = .merge(MergePatch(try Self.map(document, "error decoding patch: ")))
        case .strategic: self = .strategic(StrategicMergePatch(try Self.map(document, "")))
        }
    }

    public init(
        _ kind: Kind, _ body: [UInt8], issues: inout [String]
    ) throws(PatchError) {
        self = try body.withRawSpan { (span) throws(PatchError) in
            try ObjectPatch(kind, span, issues: &issues)
        }
    }

    private static func map(_ document: Value, _ prefix: String) throws(PatchError) -> ValueMap {
        switch document {
        case .map(let map): return map
        case .null: return ValueMap()
        default:
            throw .malformed(
                "\(prefix)json: cannot unmarshal \(document.goKind) into Go value of type "
                    + "map[string]interface {}")
        }
    }
}

/// What came of a patch.
public struct PatchedObject: Sendable {
    public let object: Message
    /// What strict field validation refuses, in Kubernetes' words: `unknown field "spec.x"`.
    public let issues: [String]
    /// What Kubernetes shows as the value of the field `patch` if it refuses one of ``issues``.
    public let shown: String
}

extension ObjectPatch {
    /// Applies the patch to an object of a kind with a schema.
    ///
    /// - Parameter apiVersion: What the object is called, if not by its type's own version.
    /// - Complexity: O(bytes of the object and the patch).
    public func apply(
        to object: Message, apiVersion: String? = nil
    ) throws(PatchError) -> PatchedObject {
        let version = apiVersion ?? object.type.clientAPIVersion
        let original = try Self.freeForm(object, version)
        switch self {
        case .json(let patch):
            return try Self.read(try patch.apply(to: original), like: object.type, version)
        case .merge(let patch):
            return try Self.read(patch.apply(to: original), like: object.type, version)
        case .strategic(let patch):
            let patched = try patch.apply(to: original, object.type)
            return try Self.decode(patched.json, as: object.type, shown: patch.document.goText)
        }
    }

    private static func freeForm(
        _ object: Message, _ apiVersion: String
    ) throws(PatchError) -> Value {
        var writer = ByteWriter()
        JSONWriter.write(object: object, apiVersion: apiVersion, into: &writer)
        do {
            return try Value(json: writer.array())
        } catch {
            throw .failed("\(error)")
        }
    }

    /// Reads an object back, which must still be of its kind.
    private static func read(
        _ patched: Value, like type: MessageType, _ apiVersion: String
    ) throws(PatchError) -> PatchedObject {
        let bytes = patched.json
        let shown = String(decoding: bytes, as: UTF8.self)
        if case .map(let map) = patched {
            let kind = text(map["kind"], or: type.kind)
            let version = text(map["apiVersion"], or: apiVersion)
            guard kind == type.kind, version == apiVersion else {
                let group = version.contains("/") ? version : "/\(version)"
                throw .unreadable(
                    shown: shown,
                    reason: "unable to decode \(group), Kind=\(kind) into *core.\(type.kind)")
            }
        }
        return try decode(bytes, as: type, shown: shown)
    }

    private static func text(_ value: Value?, or other: String) -> String {
        guard case .string(let text)? = value, !text.isEmpty else { return other }
        return text
    }

    private static func decode(
        _ bytes: [UInt8], as type: MessageType, shown: String
    ) throws(PatchError) -> PatchedObject {
        do {
            let read = try bytes.withRawSpan { (span) throws(JSONError) in
                try JSONReader.read(span, as: type)
            }
            return PatchedObject(object: read.message, issues: read.issues, shown: shown)
        } catch {
            throw .unreadable(shown: shown, reason: "\(error)")
        }
    }
}
