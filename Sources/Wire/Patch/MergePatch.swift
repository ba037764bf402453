/// A JSON Merge Patch: an object like the one that it changes, in which null removes.
///
/// - Source: RFC 7386.
public struct MergePatch: Sendable {
    public let document: ValueMap

    public init(_ document: ValueMap) { self.document = document }

    /// `target` with the patch's changes.
    public func apply(to target: Value) -> Value { Self.merge(document, into: target) }

    /// Depth is that of the patch, which the reader has bounded.
    private static func merge(_ patch: ValueMap, into target: Value) -> Value {
        var result = ValueMap()
        if case .map(let map) = target { result = map }
        for entry in patch.entries {
            switch entry.value {
            case .null: result[entry.key] = nil
            case .map(let inner):
                result[entry.key] = merge(inner, into: result[entry.key] ?? .null)
            default: result[entry.key] = entry.value
            }
        }
        return .map(result)
    }
}
