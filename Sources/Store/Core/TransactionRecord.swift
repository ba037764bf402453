/// A transaction's record in a segment.
package struct TransactionRecord {
    package let revision: Revision
    /// Where it begins.
    package let offset: UInt32
    private let payload: Range<Int>
    private let count: Int

    /// Returns the next transaction at or after `offset`, and moves `offset` behind it; nil at
    /// `end` or after the segment's last record. Records are checked against their checksums.
    package static func next(
        from offset: inout Int, to end: Int, in bytes: RawSpan, of header: SegmentHeader
    ) throws(LogDamage) -> TransactionRecord? {
        while offset + RecordHeader.byteCount <= min(end, bytes.byteCount) {
            let record = try LogRecord(checkedAt: offset, of: bytes, in: header)
            if record.kind == .seal { return nil }
            offset = record.end
            guard record.kind == .transaction else { continue }
            try record.require(record.payload.count >= 16)
            return TransactionRecord(
                revision: Revision(bytes.integer(at: record.payload.lowerBound, as: Int64.self)),
                offset: UInt32(record.offset),
                payload: record.payload,
                count: Int(bytes.integer(at: record.payload.lowerBound + 8, as: UInt32.self)))
        }
        return nil
    }

    package func forEachChange(in bytes: RawSpan, _ body: (Change) -> Void) {
        var offset = payload.lowerBound + 16
        for _ in 0..<count {
            guard let change = Change(at: offset, in: bytes) else { return }
            body(change)
            offset += change.stride
        }
    }
}

extension StoreState {
    /// A segment with history in it, and an offset at or before the first record wanted.
    package struct HistorySource: Sendable {
        package let segment: UInt32
        package let offset: Int
        /// Records that do not count.
        package let voids: Set<UInt32>
    }

    /// The segments to read for the transactions after `after` up to `through`, in order.
    package func historySegments(after: Revision, through: Revision) -> [HistorySource] {
        segments.sequences.compactMap { sequence in
            guard let use = segments[sequence], let revisions = use.revisions,
                revisions.upperBound > after, revisions.lowerBound <= through
            else { return nil }
            return HistorySource(
                segment: sequence, offset: use.offset(before: after.next), voids: use.voids)
        }
    }
}

extension LogRecord {
    /// The payload of an entry, checked against the record's checksum before it goes to others.
    ///
    /// - Throws: ``StoreError/damaged(file:_:)``.
    package static func payload(
        of entry: PlacedEntry, in bytes: RawSpan
    ) throws(StoreError) -> [UInt8] {
        let offset = Int(entry.place.offset)
        let damage = StoreError.damaged(
            file: "segment \(entry.place.segment)", LogDamage(offset: offset, reason: .record))
        do throws(LogDamage) {
            let header = try SegmentHeader(in: bytes)
            guard let record = RecordHeader(at: offset, in: bytes, salt: header.salt),
                record.index == entry.index, record.kind == entry.kind.rawValue,
                record.payloadBytes == entry.payloadBytes
            else { throw LogDamage(offset: offset, reason: .record) }
        } catch { throw damage }
        return [UInt8](bytes.slice(offset + RecordHeader.byteCount, entry.payloadBytes))
    }
}
