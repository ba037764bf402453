package import Raft
package import StoreCore

/// A member's files, as a start finds them.
package protocol MemberFiles: SegmentFiles {
    /// Sequence numbers of its segments, in order.
    var sequences: [UInt32] { get }
    /// What a segment's file is called.
    func name(of sequence: UInt32) -> String
    /// Lends the checkpoint, if there is one.
    func withCheckpoint(_ body: (RawSpan) -> Void)
}

/// What a member's files hold.
package struct RecoveredFiles: ~Copyable {
    package var core: StoreState
    package var log: RecoveredLog
    /// Segments of the log, oldest first.
    package var sequences: [UInt32]
    /// The segment after the last one, made ready before the crash but not begun.
    package var spare: UInt32?
    /// Segments that a crash has kept from being removed, or from being used: retired ones, and
    /// those after the spare one.
    package var leftovers: [UInt32] = []
    /// Bytes of the log behind the checkpoint.
    package var bytesReplayed = 0

    /// Segments to be synced, and the directory, before anything is done with what was found: a
    /// process that ended in the middle of a write has left in the system's cache what a loss of
    /// power may still take.
    package var unsynced: ArraySlice<UInt32> { sequences.suffix(2) }

    /// Ends its life: the state is the caller's.
    package consuming func takeCore() -> StoreState { core }
}

/// Builds a member up again from its files, which it reads from beginning to end.
///
/// With the checkpoint; without it, if it does not fit the log, which has it all.
package struct LogRecovery {
    private let member: MemberID
    private let founders: ClusterMembers
    /// The last entry to take in.
    private let appliedMax: LogIndex
    /// Whether that is known to be committed, whatever the log says.
    private let isRebuilding: Bool
    /// What is known to be committed from elsewhere.
    private var committedElsewhere = LogIndex.zero

    package init(of identity: IdentityFile, appliedMax: LogIndex = .limit) {
        (member, founders) = (identity.member, identity.founders)
        (self.appliedMax, isRebuilding) = (appliedMax, false)
    }

    /// Takes in what the log knows to be committed, and all up to `committed`.
    package init(of identity: IdentityFile, committed: LogIndex) {
        self.init(of: identity)
        committedElsewhere = committed
    }

    /// Builds the state again as of `index`, which has been published.
    package init(of identity: IdentityFile, rebuilding index: LogIndex) {
        (member, founders) = (identity.member, identity.founders)
        (appliedMax, isRebuilding) = (index, true)
    }

    /// A new log, in a segment that has nothing but its header.
    package func begin(in header: SegmentHeader) -> RecoveredFiles {
        var replay = LogReplay(member: member)
        replay.finish()
        let log = RecoveredLog(
            replay, header: header, position: .origin, isUnopened: true, founders: founders)
        return RecoveredFiles(core: replay.takeCore(), log: log, sequences: [header.sequence])
    }

    /// - Throws: ``StoreError/damaged(file:_:)``; what reading throws.
    package func run(_ files: some MemberFiles) throws(StoreError) -> RecoveredFiles {
        var leftovers: Set<UInt32> = []
        // Each once more if there are retired segments, which are then left out.
        for usesCheckpoint in [true, true, false, false] {
            let found = try replay(files, usesCheckpoint: usesCheckpoint, without: &leftovers)
            if var found = found {
                found.leftovers += leftovers.sorted()
                return found
            }
        }
        let first = files.sequences.first ?? 1
        throw .damaged(file: files.name(of: first), LogDamage(offset: 0, reason: .contents))
    }

    /// Returns nil if it has to be done again.
    private func replay(
        _ files: some MemberFiles, usesCheckpoint: Bool, without leftovers: inout Set<UInt32>
    ) throws(StoreError) -> RecoveredFiles? {
        var progress = ReplayProgress()
        var replay = usesCheckpoint ? readCheckpoint(files, &progress) : nil
        if replay == nil { replay = LogReplay(member: member, appliedMax: appliedMax) }
        guard var replay = replay.take() else { return nil }
        var sequences: [UInt32] = []
        var scans: [SegmentScan] = []
        for sequence in files.sequences where !leftovers.contains(sequence) {
            sequences.append(sequence)
            scans.append(try scan(sequence, of: files, after: scans.last, into: &replay, &progress))
        }
        guard progress.hasMetCheckpoint(among: sequences) else { return nil }
        let found = try retired(scans, replay.notes, files)
        guard found.isEmpty else {
            leftovers.formUnion(found)
            return nil
        }
        return try end(replay, scans, progress, files)
    }

    /// Reads the checkpoint. One that cannot be read only costs time.
    private func readCheckpoint(
        _ files: some MemberFiles, _ progress: inout ReplayProgress
    ) -> LogReplay? {
        var replay: LogReplay?
        var checkpoint: LogPosition?
        files.withCheckpoint { bytes in
            do throws(LogDamage) {
                var (position, notes) = (LogPosition.origin, ReplayNotes())
                let core = try StoreState(checkpoint: bytes, position: &position, notes: &notes)
                guard position.last.index <= appliedMax else { return }
                checkpoint = position
                replay = LogReplay(
                    member: member, core: core, applied: position.last.index,
                    appliedMax: appliedMax, notes: notes)
            } catch {}
        }
        progress.checkpoint = checkpoint
        return replay
    }

    private func scan(
        _ sequence: UInt32, of files: some MemberFiles, after last: SegmentScan?,
        into replay: inout LogReplay, _ progress: inout ReplayProgress
    ) throws(StoreError) -> SegmentScan {
        let damage: (LogDamage) -> StoreError = { damage in
            let file = damage.reason == .unsealed ? last?.header.sequence : sequence
            return .damaged(file: files.name(of: file ?? sequence), damage)
        }
        return try files.withSegment(sequence) { bytes throws(StoreError) in
            do throws(LogDamage) {
                let header = try SegmentHeader(in: bytes)
                guard header.sequence == sequence else {
                    throw LogDamage(offset: 16, reason: .header)
                }
                var scan = SegmentScan(header: header, after: Self.start(sequence, after: last))
                try take(&scan, of: bytes, after: last, from: files, into: &replay, &progress)
                return scan
            } catch {
                throw damage(error)
            }
        }
    }

    private func take(
        _ scan: inout SegmentScan, of bytes: RawSpan, after last: SegmentScan?,
        from files: some MemberFiles, into replay: inout LogReplay,
        _ progress: inout ReplayProgress
    ) throws(LogDamage) {
        var position = scan.position
        while let batch = try scan.nextBatch(in: bytes) {
            defer { position = scan.position }
            if let last, !last.isSealed {
                throw LogDamage(offset: last.position.offset, reason: .unsealed)
            }
            let isNew = progress.takesIn(position)
            if isNew { progress.bytes += batch.count }
            try replay.take(batch, of: bytes, header: scan.header, isNew: isNew) {
                sequence, body throws(LogDamage) in
                try Self.read(sequence, of: files, body)
            }
            progress.note(batchAt: position, replay)
        }
        _ = progress.takesIn(position)
    }

    private static func read(
        _ sequence: UInt32, of files: some MemberFiles,
        _ body: (RawSpan) throws(LogDamage) -> Void
    ) throws(LogDamage) {
        var damage: LogDamage?
        do throws(StoreError) {
            try files.withSegment(sequence) { bytes throws(StoreError) in
                do throws(LogDamage) { try body(bytes) } catch { damage = error }
            }
        } catch {
            damage = LogDamage(offset: 0, reason: .missing)
        }
        if let damage { throw damage }
    }

    /// Takes in what is known to be committed from elsewhere.
    private func takeInRest(
        _ replay: inout LogReplay, _ files: some MemberFiles
    ) throws(StoreError) {
        replay.notes.committed = max(replay.notes.committed, committedElsewhere)
        do throws(LogDamage) {
            try replay.takeInSeen { sequence, body throws(LogDamage) in
                try Self.read(sequence, of: files, body)
            }
            guard isRebuilding else { return }
            try replay.takeInAll { sequence, body throws(LogDamage) in
                try Self.read(sequence, of: files, body)
            }
        } catch {
            throw .damaged(file: files.name(of: files.sequences.last ?? 1), error)
        }
    }

    /// Where the chain of records begins in a segment; nil if the segment before is gone.
    private static func start(_ sequence: UInt32, after last: SegmentScan?) -> LogPosition? {
        if let last, last.isSealed, last.header.sequence == sequence - 1 { return last.position }
        return sequence == 1 ? .origin : nil
    }

    /// Compares the segments that are there with those that should be. Returns those that should
    /// not.
    private func retired(
        _ scans: [SegmentScan], _ notes: ReplayNotes, _ files: some MemberFiles
    ) throws(StoreError) -> [UInt32] {
        let there = Set(scans.map(\.header.sequence))
        if let missing = notes.segmentsNeeded.subtracting(there).min() {
            throw .damaged(
                file: files.name(of: missing), LogDamage(offset: 0, reason: .missing))
        }
        return scans.filter {
            $0.position.offset > SegmentHeader.byteCount
                && !notes.segmentsNeeded.contains($0.header.sequence)
        }.map(\.header.sequence)
    }

    /// Finds where the log goes on: after the last batch, or in a segment not begun yet.
    private func end(
        _ replay: consuming LogReplay, _ scans: [SegmentScan], _ progress: ReplayProgress,
        _ files: some MemberFiles
    ) throws(StoreError) -> RecoveredFiles {
        // Several may have been made ready, and gone on to, before the end of the first was written.
        var (scans, spares) = (scans, [UInt32]())
        while scans.count > 1, let last = scans.last,
            last.position.offset == SegmentHeader.byteCount, !scans[scans.count - 2].isSealed
        {
            spares.append(last.header.sequence)
            scans.removeLast()
        }
        guard let scan = scans.last else {
            throw .damaged(file: files.name(of: 1), LogDamage(offset: 0, reason: .missing))
        }
        if scan.isSealed {
            // The next segment is made before one is sealed, so it has been lost.
            throw .damaged(
                file: files.name(of: scan.header.sequence + 1),
                LogDamage(offset: 0, reason: .missing))
        }
        try takeInRest(&replay, files)
        replay.finish()
        var log = RecoveredLog(
            replay, header: scan.header, position: scan.position,
            isUnopened: scan.position.offset == SegmentHeader.byteCount, founders: founders)
        log.unpublished = progress.unpublished
        return RecoveredFiles(
            core: replay.takeCore(), log: log, sequences: scans.map(\.header.sequence),
            spare: spares.last, leftovers: spares.dropLast().reversed(), bytesReplayed: progress.bytes)
    }
}

/// How far a replay is, and from where on it takes in what it reads.
private struct ReplayProgress {
    /// Where the checkpoint stands in the log; nil without one.
    var checkpoint: LogPosition?
    var hasMetCheckpoint = false
    var bytes = 0
    /// Where batches begin with entries that are not taken in, and the last entry of each.
    private(set) var unpublished: [(start: LogPosition, through: LogIndex)] = []

    /// Whether the batch at `position` comes after the checkpoint. Notes when the log gets there.
    mutating func takesIn(_ position: LogPosition) -> Bool {
        guard let checkpoint else { return true }
        if position.segment == checkpoint.segment, position.offset == checkpoint.offset {
            hasMetCheckpoint = position.previous == checkpoint.previous
        }
        return (position.segment, position.offset) >= (checkpoint.segment, checkpoint.offset)
    }

    mutating func note(batchAt position: LogPosition, _ replay: borrowing LogReplay) {
        let (applied, last) = (replay.applied, replay.table.last)
        if last > applied { unpublished.append((position, last)) }
        let done = unpublished.prefix { $0.through <= applied }.count
        if done > 0 { unpublished.removeFirst(done) }
    }

    /// Whether the log has been where the checkpoint says, unless that segment is retired.
    func hasMetCheckpoint(among sequences: [UInt32]) -> Bool {
        guard let checkpoint, !hasMetCheckpoint else { return true }
        return sequences.contains { $0 > checkpoint.segment }
            && !sequences.contains(checkpoint.segment)
    }
}
