// Building a state of what validates in a damaged log. Every change stands for itself, so what is
// there is taken in, and the newest version of a key that can be read counts. History is not kept.

extension StoreState {
    /// The newest version of a key, which may be a delete.
    package struct NewestVersion: Sendable {
        package var revision: Revision
        package var isDelete: Bool
        package var place: Place
    }

    /// Takes in a whole record, entry or not.
    ///
    /// - Throws: ``LogDamage`` if it contradicts itself.
    package mutating func salvage(
        _ record: LogRecord, of bytes: RawSpan, header: SegmentHeader
    ) throws(LogDamage) {
        if record.kind.isEntry {
            return try replay(entry: record, of: bytes, segment: header.sequence)
        }
        var notes = ReplayNotes()
        try replay(local: record, of: bytes, header: header, notes: &notes)
    }

    /// Takes in a whole change of a record that is not whole.
    package mutating func salvage(changeAt offset: Int, of bytes: RawSpan, segment: UInt32) {
        guard let change = Change(checkedAt: offset, in: bytes) else { return }
        restore(change, of: bytes, segment: segment, isCopy: false)
        revision = max(revision, change.modRevision)
    }

    /// Lets a key be deleted at `revision`, as something else than its record says.
    package mutating func bury(_ key: [UInt8], at revision: Revision) {
        let delete = NewChange(
            isDelete: true, createRevision: .none, modRevision: revision, version: 0, lease: .none)
        _ = keys.restore(key.raw, delete, place: Place(segment: 0, offset: 0), bytes: 0)
        self.revision = max(self.revision, revision)
    }

    package func newestVersion(of key: [UInt8]) -> NewestVersion? { keys.newestVersion(key.raw) }

    /// Lends each key with its newest version, deletes too, in order.
    package func forEachNewestVersion(_ body: ([UInt8], NewestVersion) -> Void) {
        keys.forEachNewestVersion(body)
    }

    /// Ends it: keys are tied to their leases. Returns how many had leases that are not there.
    package mutating func endSalvage() -> Int {
        let tied = leases.leaseOfKey.count
        leases.tieUp()
        return tied - leases.leaseOfKey.count
    }
}

extension KeySpace {
    func newestVersion(_ key: RawSpan) -> StoreState.NewestVersion? {
        let leaf = leafIndex(for: key)
        let (position, found) = leaves[leaf].search(key)
        return found ? version(leaf, position) : nil
    }

    func forEachNewestVersion(_ body: ([UInt8], StoreState.NewestVersion) -> Void) {
        for leaf in leaves.indices {
            for position in 0..<leaves[leaf].count {
                body(leaves[leaf].key(of: position), version(leaf, position))
            }
        }
    }

    private func version(_ leaf: Int, _ position: Int) -> StoreState.NewestVersion {
        let entry = leaves[leaf][position]
        return StoreState.NewestVersion(
            revision: entry.modRevision, isDelete: entry.isDelete, place: entry.place)
    }
}

// What a salvage asks of records that validate.
extension LogRecord {
    /// Of an opening: which segments there were, and what is to be known though others are gone.
    package func opening(in bytes: RawSpan) -> (segments: Set<UInt32>, statement: LogStatement)? {
        let payload = bytes.extracting(self.payload)
        guard kind == .opening, let statement = LogStatement(opening: payload) else { return nil }
        let count = Int(payload.integer(at: 0, as: UInt64.self))
        let segments = (0..<count).map { payload.integer(at: 8 + 8 * $0, as: UInt32.self) }
        return (Set(segments), statement)
    }

    /// Of a retirement: the segment, and the same.
    package func retirement(in bytes: RawSpan) -> (segment: UInt32, statement: LogStatement)? {
        let payload = bytes.extracting(self.payload)
        guard kind == .retirement, payload.byteCount >= 8,
            let statement = LogStatement(payload.extracting(8..<payload.byteCount))
        else { return nil }
        return (payload.integer(at: 0, as: UInt32.self), statement)
    }

    /// Of a transaction.
    package func revision(in bytes: RawSpan) -> Revision? {
        guard kind == .transaction, payload.count >= 16 else { return nil }
        return Revision(bytes.integer(at: payload.lowerBound, as: Int64.self))
    }
}
