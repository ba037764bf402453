/// A node of an object's tree: what a field holds, or an element of a list or map.
///
/// What a field may hold follows from its ``FieldKind``: quantities and durations are `.string` in
/// canonical form, times `.timestamp`, int-or-string `.int` or `.string`, raw JSON `.bytes`,
/// items `.list` of `.string`. Custom resources, which have no schema of messages, are trees of
/// `.null`, `.bool`, `.int`, `.double`, `.string`, `.list` and `.map`.
public enum Value: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case timestamp(Timestamp)
    case message(Message)
    case list([Value])
    case map(ValueMap)

    /// Whether it is what protobuf and Go call the zero value, which a field that does not tell
    /// empty from absent never holds.
    public var isZero: Bool {
        switch self {
        case .null: true
        case .bool(let value): !value
        case .int(let value): value == 0
        case .double(let value): value == 0
        case .string(let value): value.isEmpty
        case .bytes(let value): value.isEmpty
        case .timestamp: false
        case .message(let value): value.isEmpty
        case .list(let value): value.isEmpty
        case .map(let value): value.isEmpty
        }
    }
}

/// A map with string keys, sorted by the keys' bytes, as Kubernetes writes maps.
public struct ValueMap: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public let key: String
        public var value: Value
    }

    public private(set) var entries: [Entry] = []

    public init() {}

    /// Adds entries in any order; of several with one key, the last stays. One sort at most, where
    /// setting one by one would move the rest each time.
    ///
    /// - Returns: The indices in `added` of keys that stood there before, ascending.
    @discardableResult
    mutating func add(_ added: [Entry]) -> [Int] {
        let isAscending = zip(added, added.dropFirst()).allSatisfy { $0.key.precedes($1.key) }
        if isAscending, let first = added.first, entries.last?.key.precedes(first.key) ?? true {
            entries += added
            return []
        }
        let isThere = Set(entries.map(\.key))
        let order = added.indices.sorted {
            let (a, b) = (added[$0].key, added[$1].key)
            return a == b ? $0 < $1 : a.precedes(b)
        }
        let repeated = zip(order, order.dropFirst()).filter { added[$0].key == added[$1].key }
            .map(\.1).filter { !isThere.contains(added[$0].key) }.sorted()
        let all = entries + order.map { added[$0] }
        entries = ValueMap.merged(all, at: entries.count)
        return repeated
    }

    /// Merges two sorted runs, of which the second begins at an index; the later of equals stays.
    private static func merged(_ all: [Entry], at middle: Int) -> [Entry] {
        var out: [Entry] = []
        out.reserveCapacity(all.count)
        var (low, high) = (0, middle)
        while low < middle || high < all.count {
            let isLow = low < middle && (high == all.count || !all[high].key.precedes(all[low].key))
            let next = all[isLow ? low : high]
            if isLow { low += 1 } else { high += 1 }
            if out.last?.key == next.key { out[out.count - 1] = next } else { out.append(next) }
        }
        return out
    }

    /// Sorts `entries`; of several with one key, the last stays.
    public init(_ entries: some Sequence<(key: String, value: Value)>) {
        for (key, value) in entries { self[key] = value }
    }

    public var isEmpty: Bool { entries.isEmpty }
    public var count: Int { entries.count }

    /// The value of a key, or nil. Setting nil removes the key. O(log n) to find, O(n) to insert.
    public subscript(key: String) -> Value? {
        get {
            let index = position(of: key)
            return index < entries.count && entries[index].key == key ? entries[index].value : nil
        }
        set {
            let index = position(of: key)
            let isThere = index < entries.count && entries[index].key == key
            switch (isThere, newValue) {
            case (true, let value?): entries[index].value = value
            case (true, nil): entries.remove(at: index)
            case (false, let value?): entries.insert(Entry(key: key, value: value), at: index)
            case (false, nil): break
            }
        }
    }

    /// The index of the first entry whose key is not less than `key`.
    private func position(of key: String) -> Int {
        if let last = entries.last, last.key.precedes(key) { return entries.count }
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key.precedes(key) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension String {
    /// Order by UTF-8 bytes, which is Go's.
    @inlinable
    public func precedes(_ other: String) -> Bool {
        utf8.lexicographicallyPrecedes(other.utf8)
    }
}
