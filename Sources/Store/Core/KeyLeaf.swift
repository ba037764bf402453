/// The newest version of one key. 48 bytes.
struct KeyEntry {
    var keyOffset: UInt32
    var keyBytes: UInt32
    var modRevision: Revision
    /// 0 if the newest version is a delete.
    var createRevision: Revision
    /// How many times the key was put since it was created; 0 if the newest version is a delete.
    var version: Int64
    var place: Place
    var extent: Extent
    /// The version before, in ``VersionHistory``.
    var older: UInt32
}

/// A run of neighboring keys: entries in order, and the keys' bytes in the order in which they
/// came.
struct KeyLeaf {
    static let entriesMax = 128

    private(set) var entries: [KeyEntry] = []
    private var keys: [UInt8] = []
    /// Bytes of `keys` that belong to no entry any more.
    private var keyBytesUnused = 0
    /// How many entries have something that compaction may take away.
    var prunableCount = 0

    var count: Int { entries.count }

    subscript(entry: Int) -> KeyEntry {
        get { entries[entry] }
        set { entries[entry] = newValue }
    }

    /// Compares the key of `entry` with `key`: negative if it comes before.
    @inline(__always)
    func order(of entry: Int, to key: RawSpan) -> Int {
        let found = entries[entry]
        let bytes = keys.raw.slice(Int(found.keyOffset), Int(found.keyBytes))
        return orderOfBytes(bytes, key)
    }

    func key(of entry: Int) -> [UInt8] {
        let start = Int(entries[entry].keyOffset)
        return Array(keys[start..<start + Int(entries[entry].keyBytes)])
    }

    /// What the entry adds to the state's sum.
    func sum(of entry: Int) -> UInt64 {
        let found = entries[entry]
        let key = keys.raw.slice(Int(found.keyOffset), Int(found.keyBytes))
        return found.sum(ofKey: key.digest)
    }

    func appendKey(of entry: Int, to bytes: inout [UInt8]) {
        let found = entries[entry]
        bytes.append(bytes: keys.raw.slice(Int(found.keyOffset), Int(found.keyBytes)))
    }

    /// Whether the key of `entry` lies before the end of `range`.
    func isBeforeEnd(_ entry: Int, of range: KeyRange) -> Bool {
        guard let end = range.end else { return true }
        return order(of: entry, to: end.raw) < 0
    }

    /// The first entry whose key is not before `key`, and whether it is that key.
    func search(_ key: RawSpan) -> (entry: Int, found: Bool) {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            let order = order(of: middle, to: key)
            if order == 0 { return (middle, true) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return (low, false)
    }

    mutating func insert(_ entry: KeyEntry, key: RawSpan, at position: Int) {
        var entry = entry
        entry.keyOffset = UInt32(keys.count)
        entry.keyBytes = UInt32(key.byteCount)
        if keys.capacity < keys.count + key.byteCount {
            // Growth by an eighth: doubling would cost more memory than the index itself.
            keys.reserveCapacity(keys.count + key.byteCount + keys.count / 8 + 64)
        }
        keys.append(bytes: key)
        entries.insert(entry, at: position)
    }

    mutating func remove(at position: Int) {
        keyBytesUnused += Int(entries[position].keyBytes)
        entries.remove(at: position)
        if keyBytesUnused > keys.count / 2 { self = copy(of: 0..<entries.count) }
    }

    /// Splits off what follows; `appending` keys in order leaves this leaf almost full.
    mutating func split(appending: Bool) -> KeyLeaf {
        let middle = appending ? entries.count - 1 : entries.count / 2
        let upper = copy(of: middle..<entries.count)
        self = copy(of: 0..<middle)
        return upper
    }

    /// A leaf of some of the entries, with no unused bytes.
    private func copy(of range: Range<Int>) -> KeyLeaf {
        var leaf = KeyLeaf()
        leaf.entries.reserveCapacity(range.count)
        leaf.keys.reserveCapacity(range.reduce(0) { $0 + Int(entries[$1].keyBytes) })
        for position in range {
            let entry = entries[position]
            let bytes = keys.raw.slice(Int(entry.keyOffset), Int(entry.keyBytes))
            leaf.insert(entry, key: bytes, at: leaf.count)
            if entry.isPrunable { leaf.prunableCount += 1 }
        }
        return leaf
    }
}

extension KeyEntry {
    var isDelete: Bool { extent.isDelete }
    /// Whether some compaction could take something of this key away.
    var isPrunable: Bool { isDelete || older != VersionHistory.none }

    /// What it adds to the state's sum. A delete adds nothing.
    ///
    /// - Parameter key: The key's `digest`.
    func sum(ofKey key: UInt64) -> UInt64 {
        guard !isDelete else { return 0 }
        return StateSum.version(
            ofKey: key, created: createRevision, modified: modRevision, version: version)
    }
}
