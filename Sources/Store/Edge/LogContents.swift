internal import Raft
internal import Replica
package import StoreCore

/// What a log holds that nobody writes: its keys at each revision, and its records.
package struct LogContents: ~Copyable {
    private let log: OfflineLog
    let found: RecoveredFiles

    init(_ log: OfflineLog, _ found: consuming RecoveredFiles) {
        self.log = log
        self.found = found
    }

    /// Of the newest transaction that counts.
    package var revision: Revision { found.core.revision }
    /// The oldest revision that can be read.
    package var compacted: Revision { found.core.compacted }
    /// The newest entry that is committed.
    package var committedIndex: UInt64 { found.log.committed.number }

    /// Lends each key of a range with its value, as they were at `revision` (nil: in the end), in
    /// order.
    ///
    /// - Throws: ``LogProblem``, also if `revision` cannot be read; what `body` throws.
    /// - Complexity: 8 bytes of memory for each key.
    package func forEachEntry(
        in range: KeyRange = .all, at revision: Revision? = nil,
        _ body: (RawSpan, RawSpan, EntryVersion) throws(LogProblem) -> Void
    ) throws(LogProblem) {
        let revision = revision ?? self.revision
        guard revision >= compacted, revision <= self.revision else {
            throw LogProblem(
                .unusable, log.path,
                "it has revisions \(compacted) to \(self.revision), not \(revision)",
                remedy: "Name one of those")
        }
        try log.forEachChange(in: range, at: revision, of: found.core) {
            change, bytes throws(LogProblem) in
            let end = change.valueOffset + change.valueBytes
            try body(
                bytes.extracting(change.keyOffset..<change.valueOffset),
                bytes.extracting(change.valueOffset..<end),
                EntryVersion(
                    createRevision: change.createRevision, modRevision: change.modRevision,
                    version: change.version, lease: change.lease))
        }
    }

    /// Lends each record, in the order of the log, and whether a later one has made it void.
    ///
    /// - Throws: ``LogProblem``; what `body` throws.
    package func forEachRecord(
        _ body: (ListedRecord, _ isVoid: Bool) throws(LogProblem) -> Void
    ) throws(LogProblem) {
        let uses = found.core.segmentUses
        for sequence in found.sequences {
            let use = uses[sequence]
            try log.withPiece(sequence) { bytes throws(LogProblem) in
                try LogListing.forEachRecord(
                    in: bytes, damage: { log.problem($0, in: sequence) }
                ) { record throws(LogProblem) in
                    try body(record, use?.isVoid(record.offset) ?? false)
                }
            }
        }
    }
}

extension OfflineLog {
    /// Reads the log, as a start does.
    ///
    /// - Throws: ``LogProblem``.
    /// - Complexity: O(*n*) in the bytes of the log; memory in the number of keys.
    package func contents() throws(LogProblem) -> LogContents {
        LogContents(self, try replayed())
    }

    func problem(_ damage: LogDamage, in sequence: UInt32) -> LogProblem {
        problem(.damaged(file: name(of: sequence), damage))
    }

    /// Lends the bytes of a segment that is there.
    func withPiece(
        _ sequence: UInt32, _ body: (RawSpan) throws(LogProblem) -> Void
    ) throws(LogProblem) {
        var failure: LogProblem?
        do throws(StoreError) {
            try withSegment(sequence) { bytes throws(StoreError) in
                do throws(LogProblem) { try body(bytes) } catch { failure = error }
            }
        } catch {
            throw problem(error)
        }
        if let failure { throw failure }
    }

}

/// The segments of a log that nobody writes.
protocol LentSegments {
    /// Lends the bytes of a segment that is there.
    func withPiece(
        _ sequence: UInt32, _ body: (RawSpan) throws(LogProblem) -> Void
    ) throws(LogProblem)
    func problem(_ damage: LogDamage, in sequence: UInt32) -> LogProblem
    /// Gives back the memory that reading has mapped.
    func trim()
}

extension OfflineLog: LentSegments {}

extension LentSegments {
    /// Lends the version of each key of a range that was current at `revision`, in order, with the
    /// bytes of the segment that it lies in.
    ///
    /// - Complexity: 8 bytes of memory for each key.
    func forEachChange(
        in range: KeyRange, at revision: Revision, of core: borrowing StoreState,
        _ body: (Change, RawSpan) throws(LogProblem) -> Void
    ) throws(LogProblem) {
        var harvest = StoreState.Harvest()
        while core.collect(range, at: revision, limit: .max, stepsMax: .max, into: &harvest) {}
        for (number, place) in harvest.places.enumerated() {
            let offset = Int(place.offset)
            try withPiece(place.segment) { bytes throws(LogProblem) in
                guard let change = Change(checkedAt: offset, in: bytes) else {
                    throw problem(
                        LogDamage(offset: offset, reason: .contents), in: place.segment)
                }
                try body(change, bytes)
            }
            if number % 65_536 == 65_535 { trim() }
        }
    }
}
