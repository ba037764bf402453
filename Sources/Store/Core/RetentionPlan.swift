/// Which segment to give back next.
///
/// Space is to stay within twice what is alive. A segment stays whole as long as its history may be
/// asked for; after that most of it is dead. What is alive in the emptiest is then copied to the
/// log's end, until the log is within its bound again. Only what sealed segments have dead can be won
/// by that: where the newest segment and spare files are large beside what is alive, the bound may be
/// out of reach, and copying would never end.
package struct RetentionPlan: Sendable {
    /// Files may have this many times the bytes that are alive. Below two, since a copy takes
    /// space before it gives any back.
    static let bytesPerLiveByte = 1.6
    /// A log of so many bytes is left alone, but for segments that are quite dead.
    let bytesMin: Int
    /// A segment with more alive than this is not worth copying.
    static let liveShareMax = 0.85
    /// Sealed segments with less than so many bytes for each that is alive in them are full enough.
    static let sealedBytesPerLiveByte = 1.25
    /// Deletes that only keep dead puts from coming back may take this share of what is alive. Then
    /// the oldest segments go, as it is those that make the deletes necessary.
    static let tombstoneShareMax = 0.125

    package init(bytesMin: Int = 2 * 1024 * 1024) { self.bytesMin = bytesMin }

    /// Returns the segment to retire, if any.
    ///
    /// - Parameters:
    ///   - uses: All segments, by sequence number.
    ///   - candidates: Those of them that may be retired.
    ///   - compacted: Where history begins. A segment with any from there on is kept.
    ///   - spareBytes: Bytes of files beside the segments that only wait to be used.
    ///   - mayCopy: Whether anything may be copied, or only segments be given back that need none.
    package func victim(
        among uses: [UInt32: SegmentUse], candidates: [UInt32: SegmentUse], compacted: Revision,
        spareBytes: Int, mayCopy: Bool = true
    ) -> UInt32? {
        var candidates = candidates
        if let first = uses.filter({ !$0.value.voids.isEmpty }).keys.min() {
            // What made its entries void stands in later segments, which have to stay until it goes.
            if candidates[first]?.canBeGiven(compacted: compacted) ?? false { return first }
            candidates = candidates.filter { $0.key < first }
        }
        let given = candidates.filter { $0.value.canBeGiven(compacted: compacted) }
        guard mayCopy else { return given.filter { $0.value.needsNoCopies }.keys.min() }
        if let dead = given.filter({ $0.value.liveBytes == 0 }).keys.min() { return dead }
        let live = uses.values.reduce(0) { $0 + $1.liveBytes }
        let total = uses.values.reduce(spareBytes) { $0 + $1.fileBytes }
        let tombstones = uses.values.reduce(0) { $0 + $1.tombstoneBytes }
        if Double(tombstones) > Self.tombstoneShareMax * Double(live) + Double(bytesMin) {
            return given.keys.min()
        }
        let sealed = uses.values.filter(\.isSealed)
        let sealedLive = sealed.reduce(0) { $0 + $1.liveBytes }
        guard total > bytesMin, Double(total) > Self.bytesPerLiveByte * Double(live),
            Double(sealed.reduce(0) { $0 + $1.fileBytes })
                > Self.sealedBytesPerLiveByte * Double(sealedLive)
        else { return nil }
        let emptiest = given.min { $0.value.liveShare < $1.value.liveShare }
        guard let emptiest, emptiest.value.liveShare < Self.liveShareMax else { return nil }
        return emptiest.key
    }
}

extension SegmentUse {
    fileprivate var liveShare: Double { Double(liveBytes) / Double(max(1, fileBytes)) }

    /// Whether nothing in it can have to be copied again and again. Leases that were written to it
    /// are copied once.
    fileprivate var needsNoCopies: Bool { liveBytes == 0 && tombstoneBytes == 0 && leaseCopies == 0 }

    fileprivate func canBeGiven(compacted: Revision) -> Bool {
        guard isSealed else { return false }
        return revisions.map { $0.upperBound < compacted } ?? true
    }
}
