internal import Raft

/// A record of the log as an operator may want to see it.
package struct ListedRecord: Sendable {
    package let kind: RecordKind
    /// Of an entry its own, else that of the entry before.
    package let index: UInt64
    package let term: UInt64
    /// The newest entry that was known to be committed when it was written.
    package let committed: UInt64
    package let segment: UInt32
    package let offset: Int
    /// Header, payload and padding.
    package let bytes: Int
    /// Of a transaction.
    package let revision: Revision?
    /// Of a transaction, or of copies.
    package let changes: Int?

    package var isEntry: Bool { kind.isEntry }

    fileprivate init(_ record: LogRecord, of bytes: RawSpan, in segment: UInt32) {
        (kind, index, term) = (record.kind, record.index.number, record.term.number)
        (committed, self.segment, offset) = (record.committed.number, segment, record.offset)
        self.bytes = record.end - record.offset
        let hasChanges = record.kind == .transaction || record.kind == .survivors
        guard hasChanges, record.payload.count >= 16 else {
            (revision, changes) = (nil, nil)
            return
        }
        let start = record.payload.lowerBound
        revision = record.kind == .transaction
            ? Revision(bytes.integer(at: start, as: Int64.self)) : nil
        changes = Int(bytes.integer(at: start + 8, as: UInt32.self))
    }
}

/// Goes through the records of one segment, in order.
package enum LogListing {
    /// - Throws: What `damage` makes of ``LogDamage``, where the log breaks off though something
    ///   synced follows; what `body` throws.
    package static func forEachRecord<Failure: Error>(
        in bytes: RawSpan, damage: (LogDamage) -> Failure,
        _ body: (ListedRecord) throws(Failure) -> Void
    ) throws(Failure) {
        var scan: SegmentScan
        do throws(LogDamage) {
            scan = SegmentScan(header: try SegmentHeader(in: bytes), after: nil)
        } catch {
            throw damage(error)
        }
        while let batch = try next(&scan, in: bytes, damage: damage) {
            var offset = batch.lowerBound
            while offset < batch.upperBound {
                let record: LogRecord
                do throws(LogDamage) { record = try LogRecord(at: offset, of: bytes) } catch {
                    throw damage(error)
                }
                offset = record.end
                try body(ListedRecord(record, of: bytes, in: scan.header.sequence))
            }
        }
    }

    private static func next<Failure: Error>(
        _ scan: inout SegmentScan, in bytes: RawSpan, damage: (LogDamage) -> Failure
    ) throws(Failure) -> Range<Int>? {
        do throws(LogDamage) { return try scan.nextBatch(in: bytes) } catch {
            throw damage(error)
        }
    }
}

extension RecordKind {
    /// What it is called where people read it.
    package var name: String {
        switch self {
        case .syncedMark: "synced-mark"
        case .opening: "opening"
        case .transaction: "transaction"
        case .survivors: "survivors"
        case .compaction: "compaction"
        case .lease: "lease"
        case .leaseEnd: "lease-end"
        case .retirement: "retirement"
        case .seal: "seal"
        case .leaseCopy: "lease-copy"
        case .leaseEndCopy: "lease-end-copy"
        case .vote: "vote"
        case .membership: "membership"
        case .noop: "noop"
        }
    }
}
