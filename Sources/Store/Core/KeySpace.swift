/// All keys in order, each with its versions and where they lie in the log. Holds no values.
///
/// The newest version may be ahead of what is durable: a reader passes the revision that it may
/// see. Neighboring keys share a leaf; the leaves stand in one array, found by binary search.
/// About 75 bytes a key besides the key, and 24 for each superseded version.
struct KeySpace: ~Copyable {
    var leaves: [KeyLeaf] = [KeyLeaf()]
    var history = VersionHistory()
    /// Keys with any version, deletes included.
    private(set) var entryCount = 0
    /// Of the newest versions of all keys that are not deleted: see ``StateSum``.
    private(set) var sum: UInt64 = 0
    /// A counting-up of all keys anew that is under way.
    private var recount: Recount?

    /// One key's newest version.
    struct State: Equatable {
        var modRevision: Revision
        var createRevision: Revision
        var version: Int64
        var place: Place
    }

    /// A version that is needed no more.
    struct Freed: Equatable {
        var place: Place
        var bytes: Int
    }

    // MARK: Looking up

    /// The newest version of `key`; nil if there is none or it is deleted.
    func newest(_ key: RawSpan) -> State? {
        let leaf = leafIndex(for: key)
        let (position, found) = leaves[leaf].search(key)
        guard found else { return nil }
        let entry = leaves[leaf][position]
        guard !entry.isDelete else { return nil }
        return State(
            modRevision: entry.modRevision, createRevision: entry.createRevision,
            version: entry.version, place: entry.place)
    }

    /// Where the version of `key` that was current at `revision` lies; nil if there was none.
    func place(of key: RawSpan, at revision: Revision) -> Place? {
        let leaf = leafIndex(for: key)
        let (position, found) = leaves[leaf].search(key)
        return found ? place(of: leaves[leaf][position], at: revision) : nil
    }

    /// The newest revision of `key`, deletes included.
    func newestRevision(_ key: RawSpan) -> Revision? {
        let leaf = leafIndex(for: key)
        let (position, found) = leaves[leaf].search(key)
        return found ? leaves[leaf][position].modRevision : nil
    }

    /// The newest revision of `key` up to `revision`, deletes included.
    func newestRevision(_ key: RawSpan, upTo revision: Revision) -> Revision? {
        let leaf = leafIndex(for: key)
        let (position, found) = leaves[leaf].search(key)
        guard found else { return nil }
        let entry = leaves[leaf][position]
        if entry.modRevision <= revision { return entry.modRevision }
        var older = entry.older
        while older != VersionHistory.none, history[older].revision > revision {
            older = history[older].older
        }
        return older == VersionHistory.none ? nil : history[older].revision
    }

    /// Whether the version of `key` made by `revision` is known, and lies at `place`.
    func holds(_ key: RawSpan, _ revision: Revision, at place: Place) -> Bool {
        let leaf = leafIndex(for: key)
        let (position, found) = leaves[leaf].search(key)
        guard found else { return false }
        let entry = leaves[leaf][position]
        if entry.modRevision == revision { return entry.place == place }
        var older = entry.older
        while older != VersionHistory.none {
            let node = history[older]
            if node.revision <= revision { return node.revision == revision && node.place == place }
            older = node.older
        }
        return false
    }

    private func place(of entry: KeyEntry, at revision: Revision) -> Place? {
        if entry.modRevision <= revision { return entry.isDelete ? nil : entry.place }
        var older = entry.older
        while older != VersionHistory.none {
            let node = history[older]
            if node.revision <= revision { return node.extent.isDelete ? nil : node.place }
            older = node.older
        }
        return nil
    }

    /// The last leaf that begins at or before `key`.
    func leafIndex(for key: RawSpan) -> Int {
        var (low, high) = (0, leaves.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if leaves[middle].order(of: 0, to: key) <= 0 { low = middle } else { high = middle - 1 }
        }
        return low
    }

    // MARK: Ranges

    /// What a range gave so far, and where it goes on.
    struct Harvest {
        var places: [Place] = []
        /// Keys in the range, beyond the limit too.
        var count = 0
        /// The first key not yet looked at; nil when all are done.
        var resume: [UInt8]?
    }

    /// Adds the keys of `range` as they stood at `revision` to `harvest`, which goes on where it
    /// left off. Looks at `stepsMax` keys at most, so that a caller can let others at the key
    /// space.
    ///
    /// - Parameter limit: Places to collect at most; keys beyond it are only counted.
    func collect(
        _ range: KeyRange, at revision: Revision, limit: Int, stepsMax: Int,
        into harvest: inout Harvest
    ) {
        let start = harvest.resume ?? range.start
        harvest.resume = nil
        var leaf = leafIndex(for: start.raw)
        var position = leaves[leaf].search(start.raw).entry
        var steps = 0
        while leaf < leaves.count {
            guard position < leaves[leaf].count else {
                (leaf, position) = (leaf + 1, 0)
                continue
            }
            guard leaves[leaf].isBeforeEnd(position, of: range) else { return }
            guard steps < stepsMax else {
                harvest.resume = leaves[leaf].key(of: position)
                return
            }
            if let place = place(of: leaves[leaf][position], at: revision) {
                harvest.count += 1
                if harvest.places.count < limit { harvest.places.append(place) }
            }
            (position, steps) = (position + 1, steps + 1)
        }
    }

    /// Calls `body` with each key of `range` that is there now, until it returns false.
    func forEachNewest(in range: KeyRange, _ body: ([UInt8], State) -> Bool) {
        var leaf = leafIndex(for: range.start.raw)
        var position = leaves[leaf].search(range.start.raw).entry
        while leaf < leaves.count {
            guard position < leaves[leaf].count else {
                (leaf, position) = (leaf + 1, 0)
                continue
            }
            guard leaves[leaf].isBeforeEnd(position, of: range) else { return }
            let entry = leaves[leaf][position]
            if !entry.isDelete {
                let state = State(
                    modRevision: entry.modRevision, createRevision: entry.createRevision,
                    version: entry.version, place: entry.place)
                guard body(leaves[leaf].key(of: position), state) else { return }
            }
            position += 1
        }
    }

    // MARK: Changing

    /// Adds a version, newer than all that the key has.
    mutating func add(_ key: RawSpan, _ change: NewChange, place: Place, bytes: Int) {
        let leaf = leafIndex(for: key)
        let (position, found) = leaves[leaf].search(key)
        guard found else {
            insert(key, entry(change, place: place, bytes: bytes), leaf: leaf, at: position)
            return
        }
        var changed = leaves[leaf][position]
        precondition(changed.modRevision <= change.modRevision, "versions are added in order")
        if !changed.isPrunable { leaves[leaf].prunableCount += 1 }
        let digest = key.digest
        let before = changed.sum(ofKey: digest)
        let superseded = history.add(
            VersionHistory.Node(
                revision: changed.modRevision, place: changed.place, extent: changed.extent,
                older: changed.older))
        changed.modRevision = change.modRevision
        changed.createRevision = change.createRevision
        changed.version = change.version
        changed.place = place
        changed.extent = Extent(bytes: bytes, isDelete: change.isDelete)
        changed.older = superseded
        leaves[leaf][position] = changed
        note(changed.sum(ofKey: digest) &- before, at: key)
    }

    /// Adds a version in whatever order the log gives them. Returns the place of the same version
    /// seen before, which the one given replaces.
    mutating func restore(
        _ key: RawSpan, _ change: NewChange, place: Place, bytes: Int
    ) -> Freed? {
        let leaf = leafIndex(for: key)
        let (position, found) = leaves[leaf].search(key)
        guard found else {
            insert(key, entry(change, place: place, bytes: bytes), leaf: leaf, at: position)
            return nil
        }
        let newest = leaves[leaf][position]
        if newest.modRevision < change.modRevision {
            add(key, change, place: place, bytes: bytes)
            return nil
        }
        if newest.modRevision == change.modRevision {
            leaves[leaf][position].place = place
            return Freed(place: newest.place, bytes: newest.extent.bytes)
        }
        if !newest.isPrunable { leaves[leaf].prunableCount += 1 }
        let node = VersionHistory.Node(
            revision: change.modRevision, place: place,
            extent: Extent(bytes: bytes, isDelete: change.isDelete), older: VersionHistory.none)
        return restore(node, below: leaf, position)
    }

    private mutating func restore(
        _ node: VersionHistory.Node, below leaf: Int, _ position: Int
    ) -> Freed? {
        var node = node
        var newer = VersionHistory.none
        var older = leaves[leaf][position].older
        while older != VersionHistory.none, history[older].revision > node.revision {
            (newer, older) = (older, history[older].older)
        }
        if older != VersionHistory.none, history[older].revision == node.revision {
            let freed = Freed(place: history[older].place, bytes: history[older].extent.bytes)
            history[older].place = node.place
            return freed
        }
        node.older = older
        let added = history.add(node)
        if newer == VersionHistory.none {
            leaves[leaf][position].older = added
        } else {
            history[newer].older = added
        }
        return nil
    }

    /// Notes that a version was copied. Returns false if it is not at `old` (any more).
    mutating func move(
        _ key: RawSpan, _ revision: Revision, from old: Place, to new: Place
    ) -> Bool {
        let leaf = leafIndex(for: key)
        let (position, found) = leaves[leaf].search(key)
        guard found else { return false }
        if leaves[leaf][position].modRevision == revision {
            guard leaves[leaf][position].place == old else { return false }
            leaves[leaf][position].place = new
            return true
        }
        var older = leaves[leaf][position].older
        while older != VersionHistory.none, history[older].revision > revision {
            older = history[older].older
        }
        guard older != VersionHistory.none, history[older].revision == revision,
            history[older].place == old
        else { return false }
        history[older].place = new
        return true
    }

    private func entry(_ change: NewChange, place: Place, bytes: Int) -> KeyEntry {
        KeyEntry(
            keyOffset: 0, keyBytes: 0, modRevision: change.modRevision,
            createRevision: change.createRevision, version: change.version, place: place,
            extent: Extent(bytes: bytes, isDelete: change.isDelete), older: VersionHistory.none)
    }

    mutating func insert(_ key: RawSpan, _ entry: KeyEntry, leaf: Int, at position: Int) {
        var (leaf, position) = (leaf, position)
        if leaves[leaf].count == KeyLeaf.entriesMax {
            let atEnd = leaf == leaves.count - 1 && position == KeyLeaf.entriesMax
            let upper = leaves[leaf].split(appending: atEnd)
            leaves.insert(upper, at: leaf + 1)
            if position > leaves[leaf].count {
                position -= leaves[leaf].count
                leaf += 1
            }
        }
        leaves[leaf].insert(entry, key: key, at: position)
        if entry.isPrunable { leaves[leaf].prunableCount += 1 }
        entryCount += 1
        note(entry.sum(ofKey: key.digest), at: key)
    }

    // MARK: Counting up

    /// The sum of the keys before `next`, as they are now.
    private struct Recount {
        var sum: UInt64 = 0
        var next: [UInt8] = []
    }

    private mutating func note(_ change: UInt64, at key: RawSpan) {
        sum &+= change
        guard let next = recount?.next, orderOfBytes(key, next.raw) < 0 else { return }
        recount?.sum &+= change
    }

    /// Counts one leaf more, so that the sum becomes that of what is there, should the two have come
    /// apart.
    ///
    /// - Returns: Whether all have been counted, and the sum was another one.
    /// - Complexity: O(1), as a leaf is bounded.
    mutating func recountLeaf() -> Bool {
        var now = recount ?? Recount()
        recount = nil
        let leaf = leafIndex(for: now.next.raw)
        // The key that came next may be gone, and then the leaf is the one before, counted already.
        for position in leaves[leaf].search(now.next.raw).entry..<leaves[leaf].count {
            now.sum &+= leaves[leaf].sum(of: position)
        }
        if leaf + 1 < leaves.count {
            now.next = leaves[leaf + 1].key(of: 0)
            recount = now
            return false
        }
        defer { sum = now.sum }
        return sum != now.sum
    }

    // MARK: Compacting

    /// Forgets what nobody may ask for once history before `revision` is given up: versions
    /// superseded at or before it, and deletes before it. Looks at one leaf, the one at `start`.
    ///
    /// - Returns: The key at which to go on; nil after the last leaf.
    mutating func prune(
        from start: [UInt8], before revision: Revision, freed: inout [Freed]
    ) -> [UInt8]? {
        let leaf = leafIndex(for: start.raw)
        if leaves[leaf].prunableCount > 0 {
            var position = 0
            while position < leaves[leaf].count {
                if pruneEntry(leaf, position, before: revision, freed: &freed) {
                    leaves[leaf].remove(at: position)
                    entryCount -= 1
                } else {
                    position += 1
                }
            }
            recountPrunable(leaf)
        }
        let next = leaf + 1 < leaves.count ? leaves[leaf + 1].key(of: 0) : nil
        if leaves[leaf].count == 0, leaves.count > 1 { leaves.remove(at: leaf) }
        return next
    }

    private mutating func recountPrunable(_ leaf: Int) {
        var count = 0
        for position in 0..<leaves[leaf].count where leaves[leaf][position].isPrunable {
            count += 1
        }
        leaves[leaf].prunableCount = count
    }

    /// Returns whether nothing of the entry is left.
    private mutating func pruneEntry(
        _ leaf: Int, _ position: Int, before revision: Revision, freed: inout [Freed]
    ) -> Bool {
        let entry = leaves[leaf][position]
        guard entry.isPrunable else { return false }
        if entry.modRevision <= revision {
            free(entry.older, into: &freed)
            leaves[leaf][position].older = VersionHistory.none
            guard entry.isDelete, entry.modRevision < revision else { return false }
            freed.append(Freed(place: entry.place, bytes: entry.extent.bytes))
            return true
        }
        var newer = VersionHistory.none
        var kept = entry.older
        while kept != VersionHistory.none, history[kept].revision > revision {
            (newer, kept) = (kept, history[kept].older)
        }
        guard kept != VersionHistory.none else { return false }
        free(history[kept].older, into: &freed)
        history[kept].older = VersionHistory.none
        if history[kept].extent.isDelete, history[kept].revision < revision {
            free(kept, into: &freed)
            if newer == VersionHistory.none {
                leaves[leaf][position].older = VersionHistory.none
            } else {
                history[newer].older = VersionHistory.none
            }
        }
        return false
    }

    private mutating func free(_ first: UInt32, into freed: inout [Freed]) {
        var next = first
        while next != VersionHistory.none {
            let node = history[next]
            freed.append(Freed(place: node.place, bytes: node.extent.bytes))
            history.remove(next)
            next = node.older
        }
    }
}
