package import Raft

/// Writes a log that begins with a state that came about elsewhere: what is alive of a backup, as
/// the log of a new cluster.
///
/// It has no entries. The state is at index 1, which every member has that begins with it, and
/// which nobody can be sent: a member that joins later gets the segments. The changes are copies,
/// each of which stands for itself. Bytes only; somebody else makes the files and writes them.
package struct FreshLog: Sendable {
    /// Where the log begins for consensus.
    package static let base = EntryID(index: LogIndex(1), term: Term(1))
    /// A record of copies has so many bytes at least, if there are as many.
    private static let recordBytesMin = 256 * 1024
    /// What is left at the end of a segment, for its seal and what a running member may add.
    private static let spareBytes = 4096

    private let statement: LogStatement
    private var batch: LogBatch
    private var header: SegmentHeader
    private var sequences: [UInt32] = []
    /// Changes that are not in a record yet, and how many.
    private var waiting: [UInt8] = []
    private var waitingCount = 0

    /// Bytes for one of the segments' files.
    package struct Write: Sendable {
        package var segment: UInt32
        package var offset: Int
        package var bytes: [UInt8]
    }

    /// - Parameters:
    ///   - header: Of the first segment, which has number 1.
    ///   - member: Whose log it is.
    ///   - revision: Where the store stands; history before it is given up.
    package init(
        in header: SegmentHeader, of member: MemberID, members: ClusterMembers,
        revision: Revision
    ) {
        precondition(header.sequence == 1, "a log begins with its first segment")
        self.header = header
        statement = LogStatement(
            revision: revision, compacted: revision, committed: Self.base, member: member,
            hardState: HardState(term: Self.base.term, vote: nil), members: members)
        var position = LogPosition.origin
        position.last = Self.base
        batch = LogBatch(
            at: position, salt: header.salt, term: Self.base.term, committed: Self.base.index)
        open()
    }

    private mutating func open() {
        sequences.append(header.sequence)
        batch.begin(.opening)
        let (sequences, statement) = (sequences, statement)
        batch.withPayload {
            $0.append(integer: UInt64(sequences.count))
            for sequence in sequences { $0.append(integer: UInt64(sequence)) }
            statement.append(to: &$0)
        }
        batch.complete()
    }

    /// Bytes that a segment has to have to hold a change of so many bytes besides its opening.
    package func segmentBytes(for changeBytes: Int) -> Int {
        SegmentHeader.byteCount + RecordHeader.byteCount + 8 * (sequences.count + 2)
            + statement.byteCount + Self.recordBytes(changeBytes) + Self.spareBytes
    }

    /// Of a record with changes of so many bytes, and of a lease at the same time.
    private static func recordBytes(_ changes: Int) -> Int {
        RecordHeader.byteCount + 16 + changes
    }

    /// Whether a change, or a lease if it has 0 bytes, fits into this segment: else call `roll`.
    package func fits(changeOf bytes: Int) -> Bool {
        batch.endOffset + Self.recordBytes(waiting.count + bytes) + Self.spareBytes
            <= header.fileBytes
    }

    /// Adds a change as it lies in another log. The caller has checked it, and that it fits.
    package mutating func append(change bytes: RawSpan) {
        waiting.append(bytes: bytes)
        waitingCount += 1
        if waiting.count >= Self.recordBytesMin { endRecord() }
    }

    /// Adds a lease and what is left of it, in milliseconds.
    package mutating func append(lease id: LeaseID, milliseconds: Int64, remaining: Int64) {
        endRecord()
        batch.begin(.leaseCopy)
        batch.withPayload {
            for number in [id.number, milliseconds, remaining] { $0.append(integer: number) }
        }
        batch.complete()
    }

    private mutating func endRecord() {
        guard waitingCount > 0 else { return }
        let (changes, count) = (waiting, waitingCount)
        batch.begin(.survivors)
        batch.withPayload {
            $0.append(integer: 0 as Int64)
            $0.append(integer: Int64(count))
            $0 += changes
        }
        batch.complete()
        waiting.removeAll(keepingCapacity: true)
        waitingCount = 0
    }

    /// What is to be written now, if it is worth it.
    package mutating func takeLarge() -> Write? {
        batch.bytes.count >= 4 * Self.recordBytesMin ? take() : nil
    }

    /// What is to be written; nothing may be left of it once all is added.
    package mutating func take() -> Write? {
        endRecord()
        guard !batch.isEmpty else { return nil }
        batch.commit()
        defer { batch.dropWritten() }
        return Write(segment: header.sequence, offset: batch.bytesOffset, bytes: batch.bytes)
    }

    /// Ends the segment, and goes on in the next. Returns what is to be written to the one before.
    package mutating func roll(to next: SegmentHeader) -> Write {
        precondition(next.sequence == header.sequence + 1, "segments come in order")
        endRecord()
        batch.begin(.seal)
        batch.commit()
        let write = Write(
            segment: header.sequence, offset: batch.bytesOffset, bytes: batch.bytes)
        var position = batch.position
        (position.segment, position.offset) = (next.sequence, SegmentHeader.byteCount)
        batch = LogBatch(
            at: position, salt: next.salt, term: Self.base.term, committed: Self.base.index)
        header = next
        open()
        return write
    }
}
