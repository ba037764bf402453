internal import StoreCore

/// What was found in a directory.
struct Recovered: ~Copyable {
    var core: StoreState
    var segments: SegmentSet
    var end: LogEnd
    /// The segment after the last one, made ready before the crash but not begun.
    var spare: Segment?
}

/// Reads a directory's log from beginning to end, or makes the first segment.
struct Recovery {
    let directory: Directory
    let options: StoreOptions

    func run() throws(StoreError) -> Recovered {
        let sequences = try directory.segments()
        if sequences.isEmpty { return try begin() }
        if let recovered = try replay(sequences) { return recovered }
        // A crash came between a segment's retirement and its removal; it is removed now.
        guard let recovered = try replay(try directory.segments()) else {
            throw .damaged(
                file: directory.path, LogDamage(offset: 0, reason: .contents))
        }
        return recovered
    }

    /// A new log.
    private func begin() throws(StoreError) -> Recovered {
        let segment = try SegmentMaker(directory: directory, options: options)
            .make(1, bytes: options.segmentBytesMin, isWritten: true)
        let end = LogEnd(position: .origin, segment: segment, isUnopened: true)
        return Recovered(core: StoreState(), segments: SegmentSet([segment]), end: end, spare: nil)
    }

    /// Returns nil if it removed segments that should not have been there.
    private func replay(_ sequences: [UInt32]) throws(StoreError) -> Recovered? {
        var core = StoreState()
        var notes = ReplayNotes()
        var segments: [Segment] = []
        var scans: [SegmentScan] = []
        for sequence in sequences {
            let segment = try open(sequence)
            let scan = try replay(segment, after: scans.last, into: &core, &notes)
            segments.append(segment)
            scans.append(scan)
        }
        if try removeRetired(&segments, scans, notes) { return nil }
        let end = try end(&segments, &scans)
        core.finishReplay()
        for segment in segments { segment.trim() }
        return Recovered(
            core: core, segments: SegmentSet(segments), end: end.log, spare: end.spare)
    }

    private func open(_ sequence: UInt32) throws(StoreError) -> Segment {
        let path = directory.segmentFile(sequence)
        let descriptor = try options.disk.open(path)
        return try SegmentMaker.mapped(path, descriptor, sequence: sequence)
    }

    private func replay(
        _ segment: Segment, after last: SegmentScan?, into core: inout StoreState,
        _ notes: inout ReplayNotes
    ) throws(StoreError) -> SegmentScan {
        let isNext = last?.isSealed == true && last?.header.sequence == segment.sequence - 1
        var scan = SegmentScan(header: segment.header, after: Self.start(segment, isNext, last))
        do throws(LogDamage) {
            try segment.withBytes { bytes throws(LogDamage) in
                while let batch = try scan.nextBatch(in: bytes) {
                    if let last, !last.isSealed {
                        throw LogDamage(offset: last.position.offset, reason: .unsealed)
                    }
                    try core.replay(batch, of: bytes, header: segment.header, notes: &notes)
                }
            }
        } catch {
            let file = error.reason == .unsealed ? last?.header.sequence : segment.sequence
            throw .damaged(file: directory.segmentFile(file ?? segment.sequence), error)
        }
        return scan
    }

    /// Where the chain of records begins in a segment; nil if the segment before is gone.
    private static func start(
        _ segment: Segment, _ isNext: Bool, _ last: SegmentScan?
    ) -> LogPosition? {
        if isNext { return last?.position }
        return segment.sequence == 1 ? .origin : nil
    }

    /// Compares the segments that are there with those that should be.
    private func removeRetired(
        _ segments: inout [Segment], _ scans: [SegmentScan], _ notes: ReplayNotes
    ) throws(StoreError) -> Bool {
        let there = Set(segments.map(\.sequence))
        if let missing = notes.segmentsNeeded.subtracting(there).min() {
            throw .damaged(
                file: directory.segmentFile(missing), LogDamage(offset: 0, reason: .missing))
        }
        var hasRemoved = false
        for scan in scans where scan.position.offset > SegmentHeader.byteCount {
            guard !notes.segmentsNeeded.contains(scan.header.sequence) else { continue }
            try options.disk.remove(directory.segmentFile(scan.header.sequence))
            hasRemoved = true
        }
        if hasRemoved { try options.disk.syncDirectory(directory.path) }
        return hasRemoved
    }

    /// Finds where the log goes on: after the last batch, or in a segment not begun yet.
    private func end(
        _ segments: inout [Segment], _ scans: inout [SegmentScan]
    ) throws(StoreError) -> (log: LogEnd, spare: Segment?) {
        var spare: Segment?
        if scans.count > 1, let last = scans.last, last.position.offset == SegmentHeader.byteCount,
            !scans[scans.count - 2].isSealed
        {
            spare = segments.removeLast()
            scans.removeLast()
        }
        guard let scan = scans.last, let segment = segments.last else {
            throw .damaged(file: directory.path, LogDamage(offset: 0, reason: .missing))
        }
        if scan.isSealed {
            // The next segment is made before one is sealed, so it has been lost.
            throw .damaged(
                file: directory.segmentFile(scan.header.sequence + 1),
                LogDamage(offset: 0, reason: .missing))
        }
        let isUnopened = scan.position.offset == SegmentHeader.byteCount
        return (LogEnd(position: scan.position, segment: segment, isUnopened: isUnopened), spare)
    }
}
