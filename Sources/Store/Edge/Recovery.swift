internal import Raft
internal import Replica
internal import StoreCore

/// What was found in a directory.
struct Recovered: ~Copyable {
    var core: StoreState
    var segments: SegmentSet
    var member: RecoveredMember
    /// The segment after the last one, made ready before the crash but not begun.
    var spare: Segment?
    /// Bytes of the log behind the checkpoint.
    var bytesReplayed = 0
}

/// Who this member is, and where its log ends.
struct RecoveredMember: Sendable {
    var id: MemberID
    var log: RecoveredLog
    /// The segment that is being written.
    var segment: Segment
}

/// Reads a directory's log from beginning to end, or makes the first segment.
struct Recovery {
    let directory: Directory
    let options: StoreOptions
    let identity: MemberIdentity
    /// The last entry to take in.
    var appliedMax = LogIndex.limit

    func run() throws(StoreError) -> Recovered {
        if try directory.segments().isEmpty { return try begin() }
        // With the checkpoint; without it, if it does not fit the log. Each once more, if a crash
        // came between a segment's retirement and its removal, which is made up for.
        for usesCheckpoint in [true, true, false, false] {
            if let recovered = try replay(usesCheckpoint: usesCheckpoint) { return recovered }
        }
        throw .damaged(file: directory.path, LogDamage(offset: 0, reason: .contents))
    }

    /// A new log.
    private func begin() throws(StoreError) -> Recovered {
        let segment = try SegmentMaker(directory: directory, options: options)
            .make(1, bytes: options.segmentBytesMin, isWritten: true)
        var replay = LogReplay(member: identity.member)
        replay.finish()
        let end = LogEnd(position: .origin, segment: segment, isUnopened: true)
        let member = member(replay, end)
        return Recovered(
            core: replay.takeCore(), segments: SegmentSet([segment]), member: member, spare: nil)
    }

    private func member(_ replay: borrowing LogReplay, _ end: LogEnd) -> RecoveredMember {
        RecoveredMember(
            id: identity.member,
            log: RecoveredLog(
                replay, header: end.segment.header, position: end.position,
                isUnopened: end.isUnopened, founders: identity.founders),
            segment: end.segment)
    }

    /// Returns nil if it has to be done again.
    private func replay(usesCheckpoint: Bool) throws(StoreError) -> Recovered? {
        var progress = Progress()
        var replay = usesCheckpoint ? readCheckpoint(&progress) : nil
        if replay == nil { replay = LogReplay(member: identity.member, appliedMax: appliedMax) }
        guard var replay = replay.take() else { return nil }
        var segments: [Segment] = []
        var scans: [SegmentScan] = []
        for sequence in try directory.segments() {
            segments.append(try open(sequence))
            scans.append(try self.replay(segments, after: scans.last, into: &replay, &progress))
        }
        guard progress.hasMetCheckpoint(among: segments) else { return nil }
        if try removeRetired(&segments, scans, replay.notes) { return nil }
        let end = try end(&segments, &scans)
        replay.finish()
        for segment in segments { segment.trim() }
        let member = member(replay, end.log)
        return Recovered(
            core: replay.takeCore(), segments: SegmentSet(segments), member: member,
            spare: end.spare, bytesReplayed: progress.bytes)
    }

    /// Builds up the state again from segments that are in use.
    func rebuild(_ segments: SegmentSet) throws(StoreError) -> StoreState {
        for usesCheckpoint in [true, false] {
            var progress = Progress()
            var replay = usesCheckpoint ? readCheckpoint(&progress) : nil
            if replay == nil {
                replay = LogReplay(member: identity.member, appliedMax: appliedMax)
            }
            guard var replay = replay.take() else { continue }
            var scans: [SegmentScan] = []
            for place in segments.segments.indices {
                let sofar = Array(segments.segments[...place])
                scans.append(try self.replay(sofar, after: scans.last, into: &replay, &progress))
            }
            guard progress.hasMetCheckpoint(among: segments.segments) else { continue }
            replay.finish()
            return replay.takeCore()
        }
        throw .damaged(file: directory.path, LogDamage(offset: 0, reason: .contents))
    }

    /// How far a replay is, and from where on it takes in what it reads.
    struct Progress {
        /// Where the checkpoint stands in the log; nil without one.
        var checkpoint: LogPosition?
        var hasMetCheckpoint = false
        var bytes = 0

        /// Whether the batch at `position` comes after the checkpoint. Notes when the log gets
        /// there.
        mutating func takesIn(_ position: LogPosition) -> Bool {
            guard let checkpoint else { return true }
            if position.segment == checkpoint.segment, position.offset == checkpoint.offset {
                hasMetCheckpoint = position.previous == checkpoint.previous
            }
            return (position.segment, position.offset) >= (checkpoint.segment, checkpoint.offset)
        }

        /// Whether the log has been where the checkpoint says, unless that segment is retired.
        func hasMetCheckpoint(among segments: [Segment]) -> Bool {
            guard let checkpoint, !hasMetCheckpoint else { return true }
            return segments.contains { $0.sequence > checkpoint.segment }
                && !segments.contains { $0.sequence == checkpoint.segment }
        }
    }

    /// Reads the checkpoint. One that cannot be read only costs time, as the log has it all.
    private func readCheckpoint(_ progress: inout Progress) -> LogReplay? {
        let path = directory.file("checkpoint")
        guard let bytes = directory.fileBytes("checkpoint"), bytes > 0 else { return nil }
        do {
            let file = try MappedFile(path, try options.disk.open(path), byteCount: bytes)
            var (position, notes) = (LogPosition.origin, ReplayNotes())
            let core = try file.withBytes { bytes throws(LogDamage) in
                try StoreState(checkpoint: bytes, position: &position, notes: &notes)
            }
            guard position.last.index <= appliedMax else { return nil }
            progress.checkpoint = position
            return LogReplay(
                member: identity.member, core: core, applied: position.last.index,
                appliedMax: appliedMax, notes: notes)
        } catch {
            return nil
        }
    }

    private func open(_ sequence: UInt32) throws(StoreError) -> Segment {
        let path = directory.segmentFile(sequence)
        let descriptor = try options.disk.open(path)
        return try SegmentMaker.mapped(path, descriptor, sequence: sequence)
    }

    private func replay(
        _ segments: [Segment], after last: SegmentScan?, into log: inout LogReplay,
        _ progress: inout Progress
    ) throws(StoreError) -> SegmentScan {
        let segment = segments[segments.count - 1]
        let isNext = last?.isSealed == true && last?.header.sequence == segment.sequence - 1
        var scan = SegmentScan(header: segment.header, after: Self.start(segment, isNext, last))
        do throws(LogDamage) {
            try segment.withBytes { bytes throws(LogDamage) in
                var position = scan.position
                while let batch = try scan.nextBatch(in: bytes) {
                    defer { position = scan.position }
                    if let last, !last.isSealed {
                        throw LogDamage(offset: last.position.offset, reason: .unsealed)
                    }
                    let isNew = progress.takesIn(position)
                    if isNew { progress.bytes += batch.count }
                    try log.take(batch, of: bytes, header: segment.header, isNew: isNew) {
                        sequence, body throws(LogDamage) in
                        try Self.read(sequence, of: segments, body)
                    }
                }
                _ = progress.takesIn(position)
            }
        } catch {
            let file = error.reason == .unsealed ? last?.header.sequence : segment.sequence
            throw .damaged(file: directory.segmentFile(file ?? segment.sequence), error)
        }
        return scan
    }

    private static func read(
        _ sequence: UInt32, of segments: [Segment], _ body: (RawSpan) throws(LogDamage) -> Void
    ) throws(LogDamage) {
        guard let segment = segments.last(where: { $0.sequence == sequence }) else {
            throw LogDamage(offset: 0, reason: .missing)
        }
        try segment.withBytes(body)
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
