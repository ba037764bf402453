internal import Raft
internal import StoreCore

/// What a first reading of a damaged log tells: which segments there are and should be, where they
/// are damaged, and which flipped bits can be put right.
struct LogSurvey {
    /// One of the files.
    struct Segment {
        let sequence: UInt32
        /// Nil if it is damaged, and cannot be told from the records either.
        var header: SegmentHeader?
        /// Where records begin to be read.
        var start = SegmentHeader.byteCount
        var fileBytes = 0
        var isSealed = false
        var hasRecords = false
        /// Where records end, and where the last whole batch does.
        var end = SegmentHeader.byteCount
        var batchEnd = SegmentHeader.byteCount
        /// By which it is tied to the segment before.
        var firstPrevious: UInt32?
    }

    private(set) var segments: [Segment] = []
    /// Places that need no second look.
    private(set) var places: [DamagedPlace] = []
    /// The newest statement.
    private(set) var statement: LogStatement?
    private(set) var members: ClusterMembers?
    /// Whether there ever was anybody else to decide: then entries may have become void.
    private(set) var wasClustered = false
    private var lastIndex: UInt64 = 0
    /// Of the newest opening: its segment, and which there were then.
    private var opened: (by: UInt32, Set<UInt32>)?
    private var retiredSince: Set<UInt32> = []

    mutating func note(_ members: ClusterMembers) {
        self.members = members
        if members.membership.voters.count > 1 || members.membership.isJoint { wasClustered = true }
    }

    // MARK: Which segments there are

    private var lastInUse: UInt32 {
        guard let last = segments.last(where: { $0.hasRecords }) else { return 0 }
        // The next segment is made before one is sealed.
        return last.isSealed ? last.sequence + 1 : last.sequence
    }

    /// All segments that are needed, in order; some may not be there.
    var needed: [UInt32] {
        let there = segments.filter { $0.hasRecords || $0.header == nil }.map(\.sequence)
        guard let (by, listed) = opened else { return there }
        let last = lastInUse
        let since = by < last ? Set(by + 1...last) : []
        return listed.union(since).subtracting(retiredSince).sorted()
    }

    subscript(sequence: UInt32) -> Segment? { segments.first { $0.sequence == sequence } }

    /// The segment after which nothing is: its last batch may be torn.
    func isLast(_ segment: Segment) -> Bool { segment.sequence >= lastInUse }

    /// The first segment after one, if it has records.
    func next(after sequence: UInt32) -> Segment? {
        segments.first { $0.sequence == sequence + 1 && $0.hasRecords }
    }

    // MARK: Reading

    mutating func read<Files: SalvageableFiles>(
        _ sequence: UInt32, of files: Files, isLast: Bool
    ) throws(StoreError) {
        var segment = Segment(sequence: sequence)
        let index = lastIndex
        var place: DamagedPlace?
        try files.lend(sequence) { bytes throws(LogDamage) in
            segment.fileBytes = bytes.byteCount
            place = try Self.begin(&segment, bytes, indexMin: index)
        }
        if let place { places.append(place) }
        defer { segments.append(segment) }
        guard let header = segment.header else { return }
        var reading = SegmentSalvage(of: header, from: segment.start)
        var bit: FlippedBit?
        repeat {
            try files.lend(sequence) { bytes throws(LogDamage) in
                bit = try read(&reading, bytes, &segment, isLast: isLast)
            }
            if let bit { note(bit, of: sequence, files) }
        } while bit != nil
        (segment.end, segment.isSealed) = (reading.offset, reading.isSealed)
        // What was synced and is damaged is no torn tail, though nothing whole may follow but a mark.
        segment.batchEnd = max(segment.batchEnd, reading.syncedEnd)
        segment.firstPrevious = reading.firstPrevious
    }

    private mutating func note<Files: SalvageableFiles>(
        _ bit: FlippedBit, of sequence: UInt32, _ files: Files
    ) {
        files.mend(bit, in: sequence)
        var place = DamagedPlace(
            segment: sequence, range: bit.offset..<bit.offset + 1, reason: .record)
        place.isMended = true
        places.append(place)
    }

    /// Reads the segment's header, or makes it anew. Returns what was wrong with it.
    private static func begin(
        _ segment: inout Segment, _ bytes: RawSpan, indexMin: UInt64
    ) throws(LogDamage) -> DamagedPlace? {
        do throws(LogDamage) {
            let header = try SegmentHeader(in: bytes)
            guard header.sequence == segment.sequence else {
                throw LogDamage(offset: 16, reason: .header)
            }
            segment.header = header
            return nil
        } catch {
            guard error.reason == .header else { throw error }
        }
        let rebuilt = SegmentHeader.rebuilt(
            from: bytes, sequence: segment.sequence, indexMin: indexMin)
        (segment.header, segment.start) = (rebuilt?.header, rebuilt?.firstRecord ?? 0)
        // What lies before the first record is looked at with the rest.
        guard rebuilt?.firstRecord == SegmentHeader.byteCount else { return nil }
        return DamagedPlace(
            segment: segment.sequence, range: 0..<SegmentHeader.byteCount, reason: .header)
    }

    /// Reads on. Returns a bit that is to be mended first; nil at the end.
    private mutating func read(
        _ reading: inout SegmentSalvage, _ bytes: RawSpan, _ segment: inout Segment, isLast: Bool
    ) throws(LogDamage) -> FlippedBit? {
        while true {
            let before = reading.lastChecksum
            switch try reading.next(in: bytes) {
            case .record(let record, let endsBatch):
                segment.hasRecords = true
                if endsBatch { segment.batchEnd = reading.offset }
                note(record, bytes, segment.sequence)
            case .gap(let gap):
                guard let bit = reading.flippedBit(in: gap, of: bytes, after: before) else {
                    continue
                }
                reading.goBack(to: gap, after: before)
                return bit
            case nil:
                guard !isLast, !reading.isSealed else { return nil }
                let rest = reading.offset..<bytes.byteCount
                return reading.flippedBit(in: rest, of: bytes, after: before)
            }
        }
    }

    private mutating func note(_ record: LogRecord, _ bytes: RawSpan, _ sequence: UInt32) {
        lastIndex = record.index.number
        if let (segments, statement) = record.opening(in: bytes) {
            (opened, retiredSince) = ((sequence, segments), [])
            note(statement)
        } else if let (segment, statement) = record.retirement(in: bytes) {
            retiredSince.insert(segment)
            note(statement)
        } else if record.kind == .membership {
            if let members = ClusterMembers(bytes.extracting(record.payload)) { note(members) }
        }
    }

    private mutating func note(_ statement: LogStatement) {
        self.statement = statement
        note(statement.members)
    }
}

extension SalvageableFiles {
    /// Lends a segment to who finds damage in it.
    func lend(
        _ sequence: UInt32, _ body: (RawSpan) throws(LogDamage) -> Void
    ) throws(StoreError) {
        try withSegment(sequence) { bytes throws(StoreError) in
            do throws(LogDamage) { try body(bytes) } catch {
                throw .damaged(file: name(of: sequence), error)
            }
        }
    }
}
