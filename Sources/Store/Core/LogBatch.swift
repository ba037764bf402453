internal import Checksum
package import Raft

/// Where the writing of a log stands: everything that the next record's header depends on.
package struct LogPosition: Equatable, Sendable {
    package var segment: UInt32
    /// Where the next record goes, in bytes from the beginning of the file.
    package var offset: Int
    /// Checksum of the last record.
    package var previous: UInt32
    /// Index of the next record.
    package var index: LogIndex

    package init(segment: UInt32, offset: Int, previous: UInt32, index: LogIndex) {
        (self.segment, self.offset) = (segment, offset)
        (self.previous, self.index) = (previous, index)
    }

    /// The beginning of the first segment of a log.
    package static let origin = LogPosition(
        segment: 1, offset: SegmentHeader.byteCount, previous: 0, index: LogIndex(1))
}

/// Records on their way to a segment, between two syncs. Bytes only; somebody else writes them.
package struct LogBatch: Sendable {
    /// Records whose checksums are complete come first; the last one waits, as it may have to
    /// bear the commit mark.
    package private(set) var bytes: [UInt8] = []
    /// Where the first of `bytes` goes, in the segment's file.
    package private(set) var bytesOffset: Int
    package private(set) var position: LogPosition
    private let salt: UInt64
    private let term: UInt64
    private var batchStart: Int
    private var openRecord: Int?

    package init(at position: LogPosition, salt: UInt64, term: UInt64) {
        self.position = position
        (self.salt, self.term) = (salt, term)
        (batchStart, bytesOffset) = (position.offset, position.offset)
    }

    /// Whether a record was added since the last commit mark.
    package var isEmpty: Bool { position.offset == batchStart && openRecord == nil }

    /// Where the next byte will lie in the segment's file.
    package var endOffset: Int { bytesOffset + bytes.count }

    /// Begins a record; its payload is what gets appended until the next `begin` or `commit`.
    mutating func begin(_ kind: RecordKind) {
        finishRecord(flags: 0)
        openRecord = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: RecordHeader.byteCount))
        let start = bytes.count - RecordHeader.byteCount
        bytes[start + 12] = kind.rawValue
        bytes[start + 13] = RecordKind.version
    }

    /// Appends to the payload of the record begun last.
    mutating func withPayload<Result>(_ body: (inout [UInt8]) -> Result) -> Result {
        precondition(openRecord != nil, "a payload needs a record")
        return body(&bytes)
    }

    /// Puts the commit mark on the last record. The batch that follows begins after it.
    package mutating func commit() {
        finishRecord(flags: RecordHeader.commitMark)
        batchStart = position.offset
    }

    /// Forgets the bytes that have been written to the file.
    package mutating func dropWritten() {
        precondition(openRecord == nil, "an open record is not written")
        bytesOffset = endOffset
        bytes.removeAll(keepingCapacity: true)
    }

    /// The mark that says that all before it is synced; the next batch overwrites it.
    package func syncedMark() -> [UInt8] {
        var mark = self
        mark.bytes = []
        mark.bytesOffset = mark.position.offset
        mark.begin(.syncedMark)
        mark.commit()
        return mark.bytes
    }

    private mutating func finishRecord(flags: UInt16) {
        guard let start = openRecord else { return }
        openRecord = nil
        let payload = bytes.count - start - RecordHeader.byteCount
        let padding = roundedUp(payload, to: 8) - payload
        bytes.append(contentsOf: repeatElement(0, count: padding))
        bytes.store(UInt32(payload), at: start + 4)
        bytes.store(position.previous, at: start + 8)
        bytes.store(flags, at: start + 14)
        bytes.store(position.index.number, at: start + 16)
        bytes.store(term, at: start + 24)
        bytes.store(UInt32(batchStart), at: start + 32)
        let checksum = crc32c(
            bytes.raw.extracting(start + 4..<bytes.count), from: RecordHeader.seed(salt))
        bytes.store(checksum, at: start)
        position.previous = checksum
        position.offset = endOffset
        position.index = position.index.next
    }
}
