// What a member's state comes to, in one number: two members that hold the same at the same
// revision have the same sum.

/// A sum over everything that is alive: for each key that, what made it, its newest version and its
/// lease. It does not depend on the order of the keys or on what came before, so it can be kept up
/// to date change by change, and found again from a log, a checkpoint or a snapshot.
///
/// Values are not in it: a mod revision names one version, and its bytes are under the log's
/// checksums. Nor is what may differ between members: places in files, deletes and superseded
/// versions, which each member forgets in its own time.
enum StateSum {
    /// Of the newest version of a key.
    ///
    /// - Parameter key: The key's `digest`.
    static func version(
        ofKey key: UInt64, created: Revision, modified: Revision, version: Int64
    ) -> UInt64 {
        var hash = key
        hash = mixed(hash, UInt64(bitPattern: created.number))
        hash = mixed(hash, UInt64(bitPattern: modified.number))
        return mixed(hash, UInt64(bitPattern: version))
    }

    /// Of a key's tie to a lease.
    static func tie(of key: RawSpan, to lease: LeaseID) -> UInt64 {
        mixed(~key.digest, UInt64(bitPattern: lease.number))
    }

    /// Every bit of the result depends on every bit of both.
    @inline(__always)
    private static func mixed(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        // Were one factor zero, the other would be lost: hence a sum, and a constant.
        let product = (hash &+ 0xD6E8_FEB8_6659_FD93)
            .multipliedFullWidth(by: word ^ 0x9E37_79B9_7F4A_7C15)
        return hash &+ (product.high ^ product.low)
    }
}

/// The sums as of the newest revisions: a window of fixed size, as others may ask for what was a
/// moment ago.
struct StateSums: Sendable {
    static let countMax = 4096

    /// In the place of its revision, modulo `countMax`.
    private var sums: [UInt64] = []
    /// Those that are known, without a gap.
    private var known: Range<Int64> = 0..<0

    subscript(revision: Revision) -> UInt64? {
        known.contains(revision.number) ? sums[place(of: revision.number)] : nil
    }

    /// Notes what the state comes to at `revision`. After a gap, those before it are forgotten.
    mutating func note(_ sum: UInt64, at revision: Revision) {
        let number = revision.number
        if sums.isEmpty { sums = [UInt64](repeating: 0, count: Self.countMax) }
        let start = known.upperBound == number ? known.lowerBound : number
        known = max(start, number + 1 - Int64(Self.countMax))..<number + 1
        sums[place(of: number)] = sum
    }

    private func place(of number: Int64) -> Int { Int(number & Int64(Self.countMax - 1)) }
}

extension StoreState {
    /// What the state comes to now, decided and not committed changes included.
    package var sum: UInt64 { keys.sum &+ leases.sum }

    /// What the state came to at `revision`; nil if that is not published yet, or too long ago.
    package func sum(at revision: Revision) -> UInt64? {
        guard revision <= published else { return nil }
        return revision == self.revision ? sum : sums[revision]
    }

    /// The same, from every key anew.
    ///
    /// - Complexity: O(*n*) in the number of keys.
    package var sumOfAllKeys: UInt64 {
        var sum: UInt64 = 0
        for leaf in keys.leaves {
            for entry in 0..<leaf.count { sum &+= leaf.sum(of: entry) }
        }
        for (key, lease) in leases.leaseOfKey { sum &+= StateSum.tie(of: key.raw, to: lease) }
        return sum
    }

    /// Counts up a few keys more. Once all have been, the sum is that of what is there, even if
    /// something else has changed them than changes: a bad bit of memory, or an error of ours. What
    /// comes of that is for a comparison with other members to find.
    ///
    /// - Returns: Whether the sum was another one.
    package mutating func recountKeys() -> Bool { keys.recountLeaf() }

    /// Notes what the state comes to, once all changes of the newest revision are in it.
    mutating func noteSum() { sums.note(sum, at: revision) }
}
