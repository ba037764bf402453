/// A Strategic Merge Patch: like a merge patch, but lists of things with a key are merged by it, as
/// the schema says, and directives tell what else to do.
///
/// - Source: Kubernetes, "Update API objects in place using kubectl patch", and
///   k8s.io/apimachinery, `util/strategicpatch`.
public struct StrategicMergePatch: Sendable {
    public let document: ValueMap

    public init(_ document: ValueMap) { self.document = document }

    /// `target`, an object of `type` in free form, with the patch's changes.
    public func apply(to target: Value, _ type: MessageType) throws(PatchError) -> Value {
        var original = ValueMap()
        if case .map(let map) = target { original = map }
        return .map(try Self.merge(document, into: original, PatchSchema(type)))
    }
}

/// Words in a patch that do not name fields.
enum PatchDirective {
    /// In a map: `delete`, `replace` or `merge`.
    static let marker = "$patch"
    /// In a map: the only keys that stay.
    static let retainKeys = "$retainKeys"
    /// Beside a list, followed by its name: plain values to take out of it.
    static let deleteFromPrimitiveList = "$deleteFromPrimitiveList"
    /// Beside a list, followed by its name: the order of its elements.
    static let setElementOrder = "$setElementOrder"

    /// The list's name in `$directive/name`; nil if `key` is something else.
    static func list(_ directive: String, in key: String) throws(PatchError) -> String? {
        guard key.hasPrefix(directive) else { return nil }
        let rest = key.dropFirst(directive.count)
        guard rest.first == "/" else {
            let list = directive == setElementOrder ? "setElementOrder" : "primitive"
            throw .malformed(
                list == "primitive" ? "invalid patch format of primitive list"
                    : "invalid patch format of setElementOrder list")
        }
        return String(rest.dropFirst())
    }
}

extension StrategicMergePatch {
    /// Depth is that of the patch, which the reader has bounded.
    static func merge(
        _ patch: ValueMap, into original: ValueMap, _ schema: PatchSchema
    ) throws(PatchError) -> ValueMap {
        var (patch, result) = (patch, original)
        if let directive = patch[PatchDirective.marker] {
            return try follow(directive, patch)
        }
        try retainKeys(&patch, &result)
        try ListOrder.apply(&patch, &result, schema)
        for entry in patch.entries {
            try merge(entry.key, entry.value, into: &result, schema)
        }
        return result
    }

    /// `$patch` in a map.
    private static func follow(
        _ directive: Value, _ patch: ValueMap
    ) throws(PatchError) -> ValueMap {
        switch directive {
        case .string("replace"):
            var patch = patch
            patch[PatchDirective.marker] = nil
            return patch
        case .string("delete"): return ValueMap()
        default: throw unknownDirective(directive, patch)
        }
    }

    static func unknownDirective(_ directive: Value, _ patch: ValueMap) -> PatchError {
        .failed("unknown patch type: \(directive.goText) in map: \(patch.goText)")
    }

    /// `$retainKeys`: drops all other keys.
    private static func retainKeys(
        _ patch: inout ValueMap, _ result: inout ValueMap
    ) throws(PatchError) {
        guard let directive = patch[PatchDirective.retainKeys] else { return }
        patch[PatchDirective.retainKeys] = nil
        guard case .list(let list) = directive else { throw malformedRetainKeys }
        let retained = Set(list)
        for entry in patch.entries where entry.value != .null {
            if entry.key.hasPrefix(PatchDirective.deleteFromPrimitiveList)
                || entry.key.hasPrefix(PatchDirective.setElementOrder) { continue }
            guard retained.contains(.string(entry.key)) else { throw malformedRetainKeys }
        }
        for entry in result.entries where !retained.contains(.string(entry.key)) {
            result[entry.key] = nil
        }
    }

    private static let malformedRetainKeys =
        PatchError.malformed("invalid patch format of retainKeys")

    /// Merges one member of the patch.
    private static func merge(
        _ name: String, _ value: Value, into result: inout ValueMap, _ schema: PatchSchema
    ) throws(PatchError) {
        let deleted = try PatchDirective.list(PatchDirective.deleteFromPrimitiveList, in: name)
        let key = deleted ?? name
        if value == .null {
            result[key] = nil
            return
        }
        switch (result[key], value) {
        case (.map(let there)?, .map(let patch)):
            let inner = try schema.lookup(key).schema
            result[key] = .map(try merge(patch, into: there, inner))
        case (.list(let there)?, .list(let patch)):
            let (inner, strategy) = try schema.lookup(key)
            let merge = ListMerge(schema: inner, mergeKey: strategy.mergeKey)
            if deleted != nil {
                result[key] = .list(try merge.delete(patch, from: there))
            } else {
                result[key] = .list(
                    strategy.merges ? try merge.merge(patch, into: there) : patch)
            }
        default:
            if deleted == nil { result[key] = withoutDirectives(value) }
        }
    }

    /// What of a patch stays where there is nothing to merge it with: no nulls in maps, and nothing
    /// that a directive is in. Nil if nothing stays.
    static func withoutDirectives(_ value: Value) -> Value? {
        switch value {
        case .map(let map):
            guard map[PatchDirective.marker] == nil else { return nil }
            var result = ValueMap()
            for entry in map.entries where entry.value != .null {
                result[entry.key] = withoutDirectives(entry.value)
            }
            return .map(result)
        case .list(let list): return .list(list.compactMap(withoutDirectives))
        default: return value
        }
    }
}
