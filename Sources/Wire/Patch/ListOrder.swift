/// `$setElementOrder/list` in a strategic merge patch: in which order a list's elements are to be.
enum ListOrder {
    /// Merges the lists that have such a directive beside them, and takes both out of the patch.
    static func apply(
        _ patch: inout ValueMap, _ result: inout ValueMap, _ schema: PatchSchema
    ) throws(PatchError) {
        for entry in patch.entries {
            guard let name = try PatchDirective.list(
                PatchDirective.setElementOrder, in: entry.key)
            else { continue }
            patch[entry.key] = nil
            let order = try list(entry.value)
            let there = try result[name].map(list)
            let change = try patch[name].map(list)
            let (inner, strategy) = try schema.lookup(name)
            let merge = ListMerge(schema: inner, mergeKey: strategy.mergeKey)
            try check(change ?? [], order, merge)
            guard let merged = try merged(change, there, merge, strategy) else { continue }
            _ = try merge.haveMaps([there ?? [], change ?? []])
            result[name] = .list(try merge.arrange(merged, named: order, before: there ?? []))
            patch[name] = nil
        }
    }

    /// Nil if there is no such list, neither in the object nor in the patch.
    private static func merged(
        _ change: [Value]?, _ there: [Value]?, _ merge: ListMerge, _ strategy: PatchSchema.Strategy
    ) throws(PatchError) -> [Value]? {
        switch (there, change) {
        case (let there?, let change?):
            strategy.merges ? try merge.merge(change, into: there) : change
        case (nil, let change?): change.compactMap(StrategicMergePatch.withoutDirectives)
        case (let there, nil): there
        }
    }

    private static func list(_ value: Value) throws(PatchError) -> [Value] {
        guard case .list(let list) = value else {
            throw .failed("expected a []interface {}, but received a \(value.goType)")
        }
        return list
    }

    /// The patch's elements must stand in the order too, and in that order.
    private static func check(
        _ patch: [Value], _ order: [Value], _ merge: ListMerge
    ) throws(PatchError) {
        if patch.isEmpty || order.isEmpty { return }
        var next = order.startIndex
        for element in patch {
            if case .map(let map) = element, map[PatchDirective.marker] != nil { continue }
            let key = try merge.key(of: element)
            while next < order.endIndex, try merge.key(of: order[next]) != key { next += 1 }
            guard next < order.endIndex else {
                throw .failed(
                    "The order in patch list:\n\(Value.list(patch).goText)\n doesn't match "
                        + "\(PatchDirective.setElementOrder) list:\n\(Value.list(order).goText)\n")
            }
            next += 1
        }
    }
}
