internal import Raft

/// Reads a segment's records again, batch by batch, and tells a torn tail from a damaged middle.
package struct SegmentScan {
    package let header: SegmentHeader
    /// Where the next batch begins; in the end, where the log can be continued.
    package private(set) var position: LogPosition
    /// Whether the segment's last record was its seal.
    package private(set) var isSealed = false
    /// Whether `position.previous` and `.last` are still to be learnt from the first record, as
    /// the segment before this one was retired.
    private var chainIsUnknown: Bool

    /// - Parameter position: where the segment before ended; nil if it is not there any more.
    package init(header: SegmentHeader, after position: LogPosition?) {
        self.header = header
        chainIsUnknown = position == nil
        self.position = LogPosition(
            segment: header.sequence, offset: SegmentHeader.byteCount,
            previous: position?.previous ?? 0, last: position?.last ?? .zero)
    }

    /// Returns the bytes of the next complete batch, or nil at the end of the log in this segment.
    ///
    /// - Throws: ``LogDamage`` if the log breaks off though something synced follows.
    /// - Complexity: O(*n*) in bytes of the batch; at the end once over the rest of the segment.
    package mutating func nextBatch(in bytes: RawSpan) throws(LogDamage) -> Range<Int>? {
        guard !isSealed else { return nil }
        let start = position.offset
        var next = position
        while let record = RecordHeader(at: next.offset, in: bytes, salt: header.salt),
            follows(record, next, batchStart: start)
        {
            let kind = try knownKind(of: record, at: next.offset)
            if kind == .syncedMark { break }
            next.previous = record.checksum
            next.last = EntryID(index: record.index, term: record.term)
            next.offset += record.stride
            guard record.isBatchEnd else { continue }
            position = next
            chainIsUnknown = false
            isSealed = kind == .seal
            return start..<next.offset
        }
        try checkNothingSyncedFollows(next.offset, batchStart: start, in: bytes)
        return nil
    }

    private func follows(
        _ record: RecordHeader, _ expected: LogPosition, batchStart: Int
    ) -> Bool {
        guard record.batchStart == batchStart else { return false }
        if chainIsUnknown && expected.offset == SegmentHeader.byteCount { return true }
        // An entry may take the place of entries before it; no record leaves one out.
        return record.previous == expected.previous
            && record.index <= expected.last.index.next
    }

    private func knownKind(
        of record: RecordHeader, at offset: Int
    ) throws(LogDamage) -> RecordKind {
        guard let kind = RecordKind(rawValue: record.kind), record.version == RecordKind.version
        else {
            let reason = LogDamage.Reason.unknownRecord(
                kind: record.kind, version: record.version)
            throw LogDamage(offset: offset, reason: reason)
        }
        return kind
    }

    /// The batch at `batchStart` breaks off at `offset`. Were a record of a later batch there, this
    /// one would have been synced, and so acknowledged. It need not be where it belongs: a write that
    /// went astray may have taken this batch's place.
    private func checkNothingSyncedFollows(
        _ offset: Int, batchStart: Int, in bytes: RawSpan
    ) throws(LogDamage) {
        var later = offset
        while later + RecordHeader.byteCount <= bytes.byteCount {
            let start = Int(bytes.integer(at: later + 32, as: UInt32.self))
            // The cheap tests come first: most of what is here is zeros, or an older incarnation.
            if start > batchStart, start < bytes.byteCount,
                let record = RecordHeader(at: later, in: bytes, salt: header.salt),
                record.batchStart > batchStart
            {
                throw LogDamage(offset: offset, reason: .record)
            }
            later += 8
        }
    }
}
