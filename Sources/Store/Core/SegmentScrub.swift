internal import Checksum

/// Reads a segment through piece by piece, and finds the first record that is not what was written.
///
/// It needs no more memory than a piece has, and no mapping: whoever reads can go past the system's
/// cache, to what the disk has. The end of a segment in use is the caller's to know.
package struct SegmentScrub: Sendable {
    private enum Phase {
        case segmentHeader
        case recordHeader
        case payload(RecordStart)
        case sealed
    }

    private struct RecordStart {
        var offset: Int
        var checksum: UInt32
        var kind: UInt8
        var bytesLeft: Int
        /// Of what has been read of it.
        var sum: UInt32
    }

    private let header: SegmentHeader
    /// What has been read, in bytes from the beginning of the file.
    package private(set) var offset = 0
    private var phase = Phase.segmentHeader
    /// Of a header whose rest is in the next piece.
    private var begun: [UInt8] = []
    /// Checksum of the record before; nil if that is in another segment.
    private var previous: UInt32?

    package init(of header: SegmentHeader) { self.header = header }

    /// Whether the segment's last record has been read: what follows means nothing.
    package var isSealed: Bool { if case .sealed = phase { true } else { false } }

    /// Takes the bytes at `offset`.
    ///
    /// - Throws: ``LogDamage`` at the record that is damaged.
    /// - Complexity: O(*n*) in bytes.
    package mutating func take(_ piece: RawSpan) throws(LogDamage) {
        var place = 0
        while place < piece.byteCount, !isSealed {
            let count: Int
            switch phase {
            case .sealed: return
            case .segmentHeader:
                count = begin(piece, from: place, upTo: SegmentHeader.byteCount)
                if begun.count == SegmentHeader.byteCount { try checkSegmentHeader() }
            case .recordHeader:
                count = begin(piece, from: place, upTo: RecordHeader.byteCount)
                offset += count
                place += count
                if begun.count == RecordHeader.byteCount { try beginRecord() }
                continue
            case .payload(var record):
                count = min(record.bytesLeft, piece.byteCount - place)
                record.sum = crc32c(piece.slice(place, count), from: record.sum)
                record.bytesLeft -= count
                phase = .payload(record)
                if record.bytesLeft == 0 { try end(record) }
            }
            offset += count
            place += count
        }
    }

    /// Nothing follows: the log has been written up to here.
    ///
    /// - Throws: ``LogDamage`` if that is in the middle of a record.
    package func finish() throws(LogDamage) {
        switch phase {
        case .recordHeader where begun.isEmpty: return
        case .sealed: return
        case .payload(let record): throw LogDamage(offset: record.offset, reason: .record)
        case .segmentHeader, .recordHeader:
            throw LogDamage(offset: offset - begun.count, reason: .record)
        }
    }

    private mutating func begin(_ piece: RawSpan, from place: Int, upTo bytes: Int) -> Int {
        let count = min(bytes - begun.count, piece.byteCount - place)
        begun += [UInt8](piece.slice(place, count))
        return count
    }

    private mutating func checkSegmentHeader() throws(LogDamage) {
        guard try SegmentHeader(in: begun.raw) == header else {
            throw LogDamage(offset: 0, reason: .header)
        }
        begun = []
        phase = .recordHeader
    }

    private mutating func beginRecord() throws(LogDamage) {
        let start = offset - RecordHeader.byteCount
        let first = begun
        let bytes = first.raw
        let payload = roundedUp(Int(bytes.integer(at: 4, as: UInt32.self)), to: 8)
        let isChained = previous == nil || bytes.integer(at: 8, as: UInt32.self) == previous
        let kind = bytes.integer(at: 12, as: UInt8.self)
        guard isChained, RecordKind(rawValue: kind) != nil, payload <= header.fileBytes - offset
        else { throw LogDamage(offset: start, reason: .record) }
        let record = RecordStart(
            offset: start, checksum: bytes.integer(at: 0, as: UInt32.self), kind: kind,
            bytesLeft: payload,
            sum: crc32c(
                bytes.slice(4, RecordHeader.byteCount - 4), from: RecordHeader.seed(header.salt)))
        begun = []
        phase = .payload(record)
        if payload == 0 { try end(record) }
    }

    private mutating func end(_ record: RecordStart) throws(LogDamage) {
        guard record.sum == record.checksum else {
            throw LogDamage(offset: record.offset, reason: .record)
        }
        previous = record.checksum
        phase = record.kind == RecordKind.seal.rawValue ? .sealed : .recordHeader
    }
}
