/// A transaction's record in a segment that is known to be sound.
package struct TransactionRecord {
    package let revision: Revision
    private let payload: Range<Int>
    private let count: Int

    /// Returns the next transaction at or after `offset`, and moves `offset` behind it; nil at
    /// `end` or after the segment's last record.
    package static func next(
        from offset: inout Int, to end: Int, in bytes: RawSpan
    ) throws(LogDamage) -> TransactionRecord? {
        while offset + RecordHeader.byteCount <= min(end, bytes.byteCount) {
            let record = try LogRecord(at: offset, of: bytes)
            guard record.end <= bytes.byteCount, record.payload.lowerBound <= record.end else {
                throw LogDamage(offset: offset, reason: .contents)
            }
            if record.kind == .seal { return nil }
            offset = record.end
            guard record.kind == .transaction else { continue }
            try record.require(record.payload.count >= 16)
            return TransactionRecord(
                revision: Revision(bytes.integer(at: record.payload.lowerBound, as: Int64.self)),
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
    }

    /// The segments to read for the transactions after `after` up to `through`, in order.
    package func historySegments(after: Revision, through: Revision) -> [HistorySource] {
        segments.sequences.compactMap { sequence in
            guard let use = segments[sequence], let revisions = use.revisions,
                revisions.upperBound > after, revisions.lowerBound <= through
            else { return nil }
            return HistorySource(segment: sequence, offset: use.offset(before: after.next))
        }
    }
}
