internal import Checksum
internal import Raft

/// Reads what validates in a segment, whatever lies between.
///
/// A record counts by its own checksum, which nothing but this life of the file can have made. Where
/// the segment ends is for the caller to judge: a tail that no record follows may be torn.
package struct SegmentSalvage: Sendable {
    package enum Piece: Sendable {
        case record(LogRecord, endsBatch: Bool)
        /// Bytes that should be records; one follows.
        case gap(Range<Int>)
    }

    package let header: SegmentHeader
    /// Where to go on; in the end, where nothing more is found.
    package private(set) var offset: Int
    package private(set) var isSealed = false
    /// All before it was synced: a batch is begun, and a mark made, when those before are.
    package private(set) var syncedEnd = 0
    /// Checksums of the first record, by which it is tied to the segment before, and of the last.
    package private(set) var firstPrevious: UInt32?
    package private(set) var lastChecksum: UInt32?

    package init(of header: SegmentHeader, from offset: Int = SegmentHeader.byteCount) {
        (self.header, self.offset) = (header, offset)
    }

    /// Returns the next record or gap; nil if no record follows.
    ///
    /// - Throws: ``LogDamage`` if a whole record is of a kind that this program does not know.
    /// - Complexity: O(*n*) in bytes.
    package mutating func next(in bytes: RawSpan) throws(LogDamage) -> Piece? {
        guard !isSealed else { return nil }
        if let found = RecordHeader(at: offset, in: bytes, salt: header.salt) {
            syncedEnd = max(syncedEnd, found.batchStart)
            guard found.version == RecordKind.version, let kind = RecordKind(rawValue: found.kind)
            else {
                let reason = LogDamage.Reason.unknownRecord(
                    kind: found.kind, version: found.version)
                throw LogDamage(offset: offset, reason: reason)
            }
            if kind != .syncedMark {
                let record = try LogRecord(at: offset, of: bytes)
                if lastChecksum == nil { firstPrevious = found.previous }
                lastChecksum = found.checksum
                isSealed = kind == .seal
                offset += found.stride
                return .record(record, endsBatch: found.isBatchEnd)
            }
        }
        guard let later = nextRecord(after: offset, in: bytes) else { return nil }
        defer { (offset, lastChecksum) = (later, nil) }
        return .gap(offset..<later)
    }

    /// Goes back to the beginning of a gap, which has been mended.
    package mutating func goBack(to gap: Range<Int>, after checksum: UInt32?) {
        (offset, lastChecksum) = (gap.lowerBound, checksum)
    }

    private func nextRecord(after start: Int, in bytes: RawSpan) -> Int? {
        var offset = start + 8
        while offset + RecordHeader.byteCount <= bytes.byteCount {
            // The cheap tests come first: most of what is here is zeros, or values.
            if RecordHeader(uncheckedAt: offset, in: bytes) != nil,
                RecordHeader(at: offset, in: bytes, salt: header.salt) != nil
            {
                return offset
            }
            offset += 8
        }
        return nil
    }

    // MARK: Mending

    /// The one bit that makes a record of what lies at the beginning of `gap`; nil if more than one is
    /// wrong.
    ///
    /// - Parameter checksum: Of the record before, if it is known.
    /// - Complexity: O(*n*) in the bytes of the gap.
    package func flippedBit(
        in gap: Range<Int>, of bytes: RawSpan, after checksum: UInt32?
    ) -> FlippedBit? {
        let room = gap.count - RecordHeader.byteCount
        guard room >= 0 else { return nil }
        let length = bytes.integer(at: gap.lowerBound + 4, as: UInt32.self)
        var found: FlippedBit?
        if roundedUp(Int(length), to: 8) <= room {
            found = flippedBit(inRecordAt: gap.lowerBound, payloadBytes: Int(length), of: bytes)
        }
        for bit in 0..<32 where found == nil {
            guard roundedUp(Int(length ^ (1 << bit)), to: 8) <= room else { continue }
            let flipped = FlippedBit(
                offset: gap.lowerBound + 4 + bit / 8, mask: 1 << UInt8(bit % 8))
            if isRecord(at: gap.lowerBound, in: bytes, with: flipped, after: checksum) {
                found = flipped
            }
        }
        guard let found, isRecord(at: gap.lowerBound, in: bytes, with: found, after: checksum) else {
            return nil
        }
        return found
    }

    private func flippedBit(
        inRecordAt offset: Int, payloadBytes: Int, of bytes: RawSpan
    ) -> FlippedBit? {
        let count = RecordHeader.byteCount - 4 + roundedUp(payloadBytes, to: 8)
        let covered = bytes.slice(offset + 4, count)
        let difference = crc32c(covered, from: RecordHeader.seed(header.salt))
            ^ bytes.integer(at: offset, as: UInt32.self)
        if difference.nonzeroBitCount == 1 {
            let bit = difference.trailingZeroBitCount
            return FlippedBit(offset: offset + bit / 8, mask: 1 << UInt8(bit % 8))
        }
        return ChecksumRepair.bit(ofBytes: count, changingBy: difference).map {
            FlippedBit(offset: offset + 4 + $0.byte, mask: $0.mask)
        }
    }

    /// Whether a whole record is there once a bit is flipped: its checksum agrees, it follows the one
    /// before, and so do the checksums of the changes in it.
    private func isRecord(
        at offset: Int, in bytes: RawSpan, with bit: FlippedBit, after previous: UInt32?
    ) -> Bool {
        var length = bytes.integer(at: offset + 4, as: UInt32.self)
        if (4..<8).contains(bit.offset - offset) {
            length ^= UInt32(bit.mask) << UInt32(8 * (bit.offset - offset - 4))
        }
        let count = RecordHeader.byteCount + roundedUp(Int(length), to: 8)
        guard offset + count <= bytes.byteCount else { return false }
        var copy = [UInt8](bytes.slice(offset, count))
        copy[bit.offset - offset] ^= bit.mask
        let mended = copy.raw
        guard let found = RecordHeader(at: 0, in: mended, salt: header.salt), found.stride == count,
            let kind = RecordKind(rawValue: found.kind), found.version == RecordKind.version,
            found.batchStart <= offset, previous == nil || found.previous == previous
        else { return false }
        guard kind == .transaction || kind == .survivors else { return true }
        let changes = TornRecord(range: 0..<count, kind: kind).changes(in: mended)
        return changes.isComplete && changes.torn.isEmpty
    }

    // MARK: What is left of a gap

    /// What the record at `offset` has for its checksum, if there is one.
    package static func checksum(at offset: Int, in bytes: RawSpan) -> UInt32? {
        guard offset + RecordHeader.byteCount <= bytes.byteCount else { return nil }
        return bytes.integer(at: offset, as: UInt32.self)
    }

    /// The records that a gap had, if their lengths lead from its beginning to its end.
    package func records(in gap: Range<Int>, of bytes: RawSpan) -> [TornRecord]? {
        var records: [TornRecord] = []
        var offset = gap.lowerBound
        while offset < gap.upperBound {
            guard let found = RecordHeader(uncheckedAt: offset, in: bytes),
                let kind = RecordKind(rawValue: found.kind),
                offset + found.stride <= gap.upperBound
            else { return nil }
            records.append(TornRecord(range: offset..<offset + found.stride, kind: kind))
            offset += found.stride
        }
        return records
    }
}

/// A record of which something is not as it was written.
package struct TornRecord: Sendable {
    package let range: Range<Int>
    package let kind: RecordKind
}

/// A change of which something is not as it was written. Where the damage is cannot be told, so what
/// it says is to be believed only as far as something else says the same.
package struct TornChange: Sendable {
    package let place: Int
    package let key: [UInt8]
    package let isDelete: Bool
    package let revision: Revision

    fileprivate init(_ change: Change, in bytes: RawSpan) {
        (place, isDelete, revision) = (change.offset, change.isDelete, change.modRevision)
        key = [UInt8](bytes.slice(change.keyOffset, change.keyBytes))
    }
}

/// What is left of damaged changes.
package struct TornChanges: Sendable {
    /// Where changes begin whose own checksums agree.
    package fileprivate(set) var whole: [Int] = []
    package fileprivate(set) var torn: [TornChange] = []
    /// Whether that is all there was.
    package fileprivate(set) var isComplete = true

    fileprivate init() {}
}

extension TornRecord {
    /// The record's changes, one after the other.
    package func changes(in bytes: RawSpan) -> TornChanges {
        var found = TornChanges()
        var offset = range.lowerBound + RecordHeader.byteCount + 16
        var unsure: TornChange?
        while offset < range.upperBound {
            if let change = Change(checkedAt: offset, in: bytes),
                offset + change.stride <= range.upperBound
            {
                if let torn = unsure.take() { found.torn.append(torn) }
                found.whole.append(offset)
                offset += change.stride
            } else if let change = Change(at: offset, in: bytes),
                offset + change.stride <= range.upperBound,
                (1...StoreLimits.keyBytesMax).contains(change.keyBytes)
            {
                if let torn = unsure.take() { found.torn.append(torn) }
                unsure = TornChange(change, in: bytes)
                offset += change.stride
            } else {
                // What led here is wrong.
                (found.isComplete, unsure) = (false, nil)
                offset += 8
            }
        }
        if let torn = unsure { found.torn.append(torn) }
        return found
    }
}

extension TornChanges {
    /// Whole changes in bytes of which nothing else is known.
    ///
    /// What a file had before it became this segment has whole changes as well, if it shows through.
    /// It is older: so what is of a revision that the gap had is taken; and so is what is joined,
    /// change by change, to the record that follows.
    ///
    /// - Parameter revisions: What the gap may have had.
    package init(searching gap: Range<Int>, of bytes: RawSpan, revisions: Range<Revision>) {
        self.init()
        var joined: [Int] = []
        var offset = gap.lowerBound
        while offset + Change.headerBytes <= gap.upperBound {
            guard let change = Change(checkedAt: offset, in: bytes),
                offset + change.stride <= gap.upperBound
            else {
                joined = []
                offset += 8
                continue
            }
            if revisions.contains(change.modRevision) { whole.append(offset) }
            joined.append(offset)
            offset += change.stride
        }
        if offset == gap.upperBound { whole = Set(whole).union(joined).sorted() }
        // Nothing smaller has a change in it.
        isComplete = gap.count < RecordHeader.byteCount + 16 + Change.headerBytes + 8
    }
}
