internal import Checksum
package import Raft

/// Where the writing of a log stands: everything that the next record's header depends on.
package struct LogPosition: Equatable, Sendable {
    package var segment: UInt32
    /// Where the next record goes, in bytes from the beginning of the file.
    package var offset: Int
    /// Checksum of the last record.
    package var previous: UInt32
    /// The last entry.
    package var last: EntryID

    package init(segment: UInt32, offset: Int, previous: UInt32, last: EntryID) {
        (self.segment, self.offset) = (segment, offset)
        (self.previous, self.last) = (previous, last)
    }

    /// The beginning of the first segment of a log.
    package static let origin = LogPosition(
        segment: 1, offset: SegmentHeader.byteCount, previous: 0, last: .zero)
}

/// An entry in the log, and where it lies.
package struct PlacedEntry: Sendable, Equatable {
    package var index: LogIndex
    package var term: Term
    package var kind: RecordKind
    /// Where its record begins.
    package var place: Place
    package var payloadBytes: Int

    package init(
        index: LogIndex, term: Term, kind: RecordKind, place: Place, payloadBytes: Int
    ) {
        (self.index, self.term, self.kind) = (index, term, kind)
        (self.place, self.payloadBytes) = (place, payloadBytes)
    }
}

/// Records on their way to a segment, between two syncs. Bytes only; somebody else writes them.
package struct LogBatch: Sendable {
    package private(set) var bytes: [UInt8] = []
    /// Where the first of `bytes` goes, in the segment's file.
    package private(set) var bytesOffset: Int
    package private(set) var position: LogPosition
    /// The term of entries begun from now on.
    package var term: Term
    /// The newest entry that is known to be committed; every record tells a recovery.
    package var committed = LogIndex.zero
    /// Where the batch in the making begins.
    package private(set) var start: LogPosition
    private let salt: UInt64
    private var openRecord: Int?
    /// The last record, if it is complete but for the commit mark that it may have to bear.
    private var unmarkedRecord: Int?
    /// Entries completed since they were last forgotten.
    package private(set) var entries: [PlacedEntry] = []

    package init(
        at position: LogPosition, salt: UInt64, term: Term, committed: LogIndex = .zero
    ) {
        self.position = position
        (self.salt, self.term, self.committed) = (salt, term, committed)
        (start, bytesOffset) = (position, position.offset)
    }

    /// Whether no record was added since the last commit mark.
    package var isEmpty: Bool { position.offset == start.offset && openRecord == nil }

    /// Where the next byte will lie in the segment's file.
    package var endOffset: Int { bytesOffset + bytes.count }

    /// Begins a record; its payload is what gets appended until the next `begin` or `complete`.
    package mutating func begin(_ kind: RecordKind) {
        complete()
        openRecord = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: RecordHeader.byteCount))
        let start = bytes.count - RecordHeader.byteCount
        bytes[start + 12] = kind.rawValue
        bytes[start + 13] = RecordKind.version
    }

    /// Appends to the payload of the record begun last.
    package mutating func withPayload<Result>(_ body: (inout [UInt8]) -> Result) -> Result {
        precondition(openRecord != nil, "a payload needs a record")
        return body(&bytes)
    }

    /// Completes the record begun last, so that it counts among the entries.
    package mutating func complete() { complete(flags: 0) }

    private mutating func complete(flags: UInt16) {
        guard let start = openRecord else { return }
        openRecord = nil
        let payload = bytes.count - start - RecordHeader.byteCount
        let padding = roundedUp(payload, to: 8) - payload
        bytes.append(contentsOf: repeatElement(0, count: padding))
        bytes.store(UInt32(payload), at: start + 4)
        bytes.store(position.previous, at: start + 8)
        note(RecordKind(rawValue: bytes[start + 12]), at: start, payloadBytes: payload)
        bytes.store(UInt32(self.start.offset), at: start + 32)
        bytes.store(flags, at: start + 14)
        unmarkedRecord = flags == 0 ? start : nil
        setChecksum(of: start)
        position.offset = endOffset
    }

    /// Gives the record its index and term, and counts it if it is an entry.
    private mutating func note(_ kind: RecordKind?, at start: Int, payloadBytes: Int) {
        if let kind, kind.isEntry {
            position.last = EntryID(index: position.last.index.next, term: term)
            let place = Place(segment: position.segment, offset: UInt32(bytesOffset + start))
            entries.append(
                PlacedEntry(
                    index: position.last.index, term: term, kind: kind, place: place,
                    payloadBytes: payloadBytes))
        }
        let (index, known) = (position.last.index.number, committed.number)
        bytes.store(index, at: start + 16)
        bytes.store(position.last.term.number, at: start + 24)
        bytes.store(UInt32(clamping: index > known ? index - known : 0), at: start + 36)
    }

    private mutating func setChecksum(of start: Int) {
        let checksum = crc32c(
            bytes.raw.extracting(start + 4..<bytes.count), from: RecordHeader.seed(salt))
        bytes.store(checksum, at: start)
        position.previous = checksum
    }

    /// Makes the next entry be the one after `last`: those after it are void.
    package mutating func rewind(to last: EntryID) {
        complete()
        precondition(last.index <= position.last.index, "only what is there can be made void")
        position.last = last
    }

    /// The caller knows the entries completed so far.
    package mutating func forgetEntries() { entries.removeAll(keepingCapacity: true) }

    /// Puts the commit mark on the last record. The batch that follows begins after it.
    package mutating func commit() {
        complete(flags: RecordHeader.commitMark)
        if let start = unmarkedRecord {
            bytes.store(RecordHeader.commitMark, at: start + 14)
            setChecksum(of: start)
        }
        unmarkedRecord = nil
        start = position
    }

    /// Forgets the bytes that have been written to the file.
    package mutating func dropWritten() {
        precondition(openRecord == nil && unmarkedRecord == nil, "half a batch is not written")
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

    // MARK: Reading what is not written yet

    /// The payload of an entry; nil if it is not here.
    package func payload(of entry: PlacedEntry) -> [UInt8]? {
        guard let start = offset(of: entry.place) else { return nil }
        let payload = start + RecordHeader.byteCount
        return Array(bytes[payload..<payload + entry.payloadBytes])
    }

    /// The value of the change at `place`; nil if it is not here.
    package func value(at place: Place) -> [UInt8]? {
        guard let start = offset(of: place), let change = Change(at: start, in: bytes.raw) else {
            return nil
        }
        return Array(bytes[change.valueOffset..<change.valueOffset + change.valueBytes])
    }

    private func offset(of place: Place) -> Int? {
        guard place.segment == position.segment, Int(place.offset) >= bytesOffset,
            Int(place.offset) < endOffset
        else { return nil }
        return Int(place.offset) - bytesOffset
    }
}

extension LogBatch {
    /// Appends a record that is known as a whole.
    package mutating func append(_ kind: RecordKind, payload: [UInt8]) {
        begin(kind)
        withPayload { $0 += payload }
        complete()
    }

    /// Appends how a member voted.
    package mutating func append(vote: HardState, of member: MemberID) {
        begin(.vote)
        withPayload {
            $0.append(integer: member.number)
            $0.append(integer: vote.term.number)
            $0.append(integer: vote.vote?.number ?? 0)
        }
        complete()
    }
}
