// The key space as bytes of a checkpoint, a leaf at a time.

extension KeySpace {
    /// A version as it stands in a checkpoint: 40 bytes.
    struct StoredVersion {
        var revision: Revision
        var place: Place
        var extent: Extent
        var createRevision: Revision
        var version: Int64

        init(_ reader: inout CheckpointReader) throws(LogDamage) {
            revision = Revision(try reader.integer())
            place = Place(segment: try reader.integer(), offset: try reader.integer())
            extent = Extent(bits: try reader.integer())
            _ = try reader.integer(UInt32.self)
            createRevision = Revision(try reader.integer())
            version = try reader.integer()
        }
    }

    /// Appends the keys of the leaf at `start`, with their versions, to `bytes`. Returns the key of
    /// the next leaf.
    func writeLeaf(at start: [UInt8], to bytes: inout [UInt8]) -> [UInt8]? {
        let leaf = leafIndex(for: start.raw)
        for position in 0..<leaves[leaf].count {
            write(leaf, position, to: &bytes)
        }
        return leaf + 1 < leaves.count ? leaves[leaf + 1].key(of: 0) : nil
    }

    private func write(_ leaf: Int, _ position: Int, to bytes: inout [UInt8]) {
        let entry = leaves[leaf][position]
        let start = bytes.count
        bytes.append(integer: entry.keyBytes)
        bytes.append(integer: 0 as UInt32)
        leaves[leaf].appendKey(of: position, to: &bytes)
        bytes.append(
            entry.modRevision, entry.place, entry.extent, entry.createRevision, entry.version)
        var count: UInt32 = 1
        var older = entry.older
        while older != VersionHistory.none {
            let node = history[older]
            // Nobody asks the index for the rest of a superseded version.
            bytes.append(node.revision, node.place, node.extent, .none, 0)
            count += 1
            older = node.older
        }
        bytes.store(count, at: start + 4)
    }

    /// Adds a key behind all that there are. Returns false if it is not behind them, or its
    /// versions are not in order: then the bytes were no checkpoint.
    mutating func append(_ key: RawSpan, _ versions: [StoredVersion]) -> Bool {
        guard let newest = versions.first else { return false }
        let last = leaves.count - 1
        if leaves[last].count > 0, leaves[last].order(of: leaves[last].count - 1, to: key) >= 0 {
            return false
        }
        var older = VersionHistory.none
        for (number, version) in versions.enumerated().reversed() where number > 0 {
            guard version.revision < versions[number - 1].revision else { return false }
            older = history.add(
                VersionHistory.Node(
                    revision: version.revision, place: version.place, extent: version.extent,
                    older: older))
        }
        let entry = KeyEntry(
            keyOffset: 0, keyBytes: 0, modRevision: newest.revision,
            createRevision: newest.createRevision, version: newest.version, place: newest.place,
            extent: newest.extent, older: older)
        insert(key, entry, leaf: last, at: leaves[last].count)
        return true
    }
}

extension [UInt8] {
    fileprivate mutating func append(
        _ revision: Revision, _ place: Place, _ extent: Extent, _ create: Revision, _ version: Int64
    ) {
        append(integers: [
            UInt64(bitPattern: revision.number),
            UInt64(place.segment) | UInt64(place.offset) << 32,
            UInt64(extent.bits),
            UInt64(bitPattern: create.number),
            UInt64(bitPattern: version),
        ])
    }
}
