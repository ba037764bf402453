/// Merges a list of a strategic merge patch into an object's.
struct ListMerge {
    /// Of the elements.
    let schema: PatchSchema
    /// Nil if the elements are plain values.
    let mergeKey: String?

    /// Without the plain values that the patch lists.
    func delete(_ patch: [Value], from original: [Value]) throws(PatchError) -> [Value] {
        if original.isEmpty && patch.isEmpty { return original }
        if try haveMaps([original, patch]) { return try merge(patch, into: original) }
        let deleted = Set(patch)
        return original.filter { !deleted.contains($0) }
    }

    /// Merges elements with the same key, adds others, follows `$patch`; then puts those that the
    /// patch names in its order, between the others in theirs.
    ///
    /// - Complexity: O(*n*) in elements, and the elements' own.
    func merge(_ patch: [Value], into original: [Value]) throws(PatchError) -> [Value] {
        if original.isEmpty && patch.isEmpty { return original }
        guard try haveMaps([original, patch]) else {
            var seen: Set<Value> = []
            let both = (original + patch).filter { seen.insert($0).inserted }
            return try arrange(both, named: patch, before: original)
        }
        guard mergeKey != nil else {
            throw .failed("cannot merge lists without merge key for struct")
        }
        let (kept, changes) = try followDirectives(patch, original)
        let merged = try mergeElements(changes, into: kept)
        return try arrange(merged, named: changes, before: kept)
    }

    /// The elements that stay, and those of the patch that are to be merged with them.
    private func followDirectives(
        _ patch: [Value], _ original: [Value]
    ) throws(PatchError) -> (kept: [Value], changes: [Value]) {
        var changes: [Value] = []
        var deleted: Set<Value> = []
        var replaces = false
        for case .map(let map) in patch {
            switch map[PatchDirective.marker] {
            case nil: changes.append(.map(map))
            case .string("delete")?: deleted.insert(try key(of: .map(map)))
            case .string("replace")?: replaces = true
            case .string("merge")?:
                throw .failed("merging lists cannot yet be specified in the patch")
            case let directive?: throw StrategicMergePatch.unknownDirective(directive, map)
            }
        }
        if replaces { return (changes, []) }
        if deleted.isEmpty { return (original, changes) }
        return (original.filter { !deleted.contains(possibleKey(of: $0) ?? .null) }, changes)
    }

    private func mergeElements(
        _ changes: [Value], into original: [Value]
    ) throws(PatchError) -> [Value] {
        var merged = original
        var places: [Value: Int] = [:]
        for (index, element) in original.enumerated() {
            guard let key = possibleKey(of: element), places[key] == nil else { continue }
            places[key] = index
        }
        for case .map(let change) in changes {
            let key = try key(of: .map(change))
            if let index = places[key], case .map(let there) = merged[index] {
                merged[index] = .map(try StrategicMergePatch.merge(change, into: there, schema))
            } else {
                places[key] = merged.count
                merged.append(.map(change))
            }
        }
        return merged
    }
}

extension ListMerge {
    /// Puts the elements that `names` names in its order, and the others where they stood in
    /// `original`: in front of the first named one that stood behind them.
    func arrange(
        _ elements: [Value], named names: [Value], before original: [Value]
    ) throws(PatchError) -> [Value] {
        let order = try places(in: names)
        let former = try places(in: original)
        var named: [(place: Int, former: Int?, element: Value)] = []
        var others: [(place: Int, former: Int?, element: Value)] = []
        for element in elements {
            let key = try key(of: element)
            if let place = order[key] {
                named.append((place, former[key], element))
            } else {
                others.append((former[key] ?? .max, former[key], element))
            }
        }
        named.sort { $0.place < $1.place }
        others.sort { $0.place < $1.place }
        var result: [Value] = []
        result.reserveCapacity(elements.count)
        var next = others.startIndex
        for item in named {
            while next < others.endIndex, let there = others[next].former, let here = item.former,
                there < here {
                result.append(others[next].element)
                next += 1
            }
            result.append(item.element)
        }
        return result + others[next...].map(\.element)
    }

    /// Where each key stands first.
    private func places(in list: [Value]) throws(PatchError) -> [Value: Int] {
        var places: [Value: Int] = [:]
        for (index, element) in list.enumerated() {
            let key = try key(of: element)
            if places[key] == nil { places[key] = index }
        }
        return places
    }

    /// What tells an element from others: a field, or all of it.
    func key(of element: Value) throws(PatchError) -> Value {
        guard let mergeKey else { return element }
        guard case .map(let map) = element else {
            throw .failed("expected a map[string]interface {}, but received a \(element.goType)")
        }
        guard let key = map[mergeKey] else {
            throw .failed("map: \(map.goText) does not contain declared merge key: \(mergeKey)")
        }
        return key
    }

    private func possibleKey(of element: Value) -> Value? {
        guard let mergeKey, case .map(let map) = element else { return nil }
        return map[mergeKey]
    }

    /// Whether all elements are maps; false if all are plain values of one sort.
    func haveMaps(_ lists: [[Value]]) throws(PatchError) -> Bool {
        guard let first = lists.joined().first else {
            throw .failed("no elements in any of the given slices")
        }
        if case .list = first { throw .inapplicable("lists of lists are not supported") }
        for element in lists.joined() where element.goType != first.goType {
            throw .failed(
                "list element types are not identical: \(Value.list(lists.map(Value.list)).goText)")
        }
        if case .map = first { return true }
        return false
    }
}
