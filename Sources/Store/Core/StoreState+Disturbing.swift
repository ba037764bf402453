// Simulated worlds and tests let a member hold something else than the others, and see whether that
// is found out.

extension StoreState {
    /// The lease that a disturbed key is tied to. No lease has this number, so nothing that clients
    /// see follows from it: even a leader that is disturbed decides what it should.
    private static let leaseOfNobody = LeaseID(-1)

    /// Ties a key to a lease that there is not, as no transaction would. Returns the key; nil if
    /// nothing is alive.
    ///
    /// - Parameter number: Chooses the key.
    package mutating func disturb(choosing number: Int) -> [UInt8]? {
        var found: [(key: [UInt8], modified: Revision)] = []
        // A checkpoint would keep a key from the lease that it has; without one, a start undoes it.
        keys.forEachNewest(in: .all) { key, state in
            if leases.lease(of: key) == .none { found.append((key, state.modRevision)) }
            return true
        }
        // Those that have not changed for the longest time: the next change undoes it.
        found.sort { $0.modified < $1.modified }
        let oldest = found.prefix((found.count + 3) / 4)
        guard !oldest.isEmpty else { return nil }
        let key = oldest[number % oldest.count].key
        leases.attach(key.raw, to: Self.leaseOfNobody)
        return key
    }

    /// Whether the key is as `disturb` has left it.
    package func isDisturbed(_ key: [UInt8]) -> Bool {
        leases.lease(of: key) == Self.leaseOfNobody
    }

    /// Changes what the index says of a key, and not its sum, as a bad bit of memory would.
    package mutating func corrupt(_ key: [UInt8]) { keys.corrupt(key.raw) }
}

extension KeySpace {
    fileprivate mutating func corrupt(_ key: RawSpan) {
        let leaf = leafIndex(for: key)
        let (position, found) = leaves[leaf].search(key)
        guard found else { return }
        leaves[leaf][position].version ^= 1 << 20
    }
}
