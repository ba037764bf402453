internal import Raft
package import StoreCore

// A member that is alone and whose log is damaged has nobody to ask. What validates is taken in, each
// record and each change by its own checksum, and what cannot be is accounted for: by the lengths of
// records that are damaged, by the keys in them, by the revisions that are left out, and by the
// checkpoint, which knows of each key as it was when it was made.

/// A stopped member's files, some of which may be damaged.
package protocol SalvageableFiles: MemberFiles {
    /// Lends a bit as it was before it flipped, from now on; the file stays as it is.
    func mend(_ bit: FlippedBit, in sequence: UInt32)
}

/// A place of a log that is not as it was written.
package struct DamagedPlace: Sendable {
    package var segment: UInt32
    /// In bytes from the beginning of the file; nil if it is not there at all.
    package var range: Range<Int>?
    package var reason: LogDamage.Reason
    /// One bit was flipped, and is known: nothing is lost.
    package var isMended = false
    /// What records it had, as far as that can be told.
    package var kinds: [RecordKind] = []
    /// What it had changes of, and may have had others of, too.
    package var revisions: ClosedRange<Revision>?
    /// Whether it may have changed keys that nothing tells of.
    package var mayHideMore = false

    package init(segment: UInt32, range: Range<Int>?, reason: LogDamage.Reason) {
        (self.segment, self.range, self.reason) = (segment, range, reason)
    }
}

/// A key whose newest change cannot be read.
package struct LostChange: Sendable {
    package var key: [UInt8]
    package var revision: Revision
    /// The version that is left; nil if the key is gone.
    package var left: Revision?
    /// Which of the damaged places it lay in, if that is known.
    package var place: Int?
}

/// What could be read of a log.
package struct SalvagedLog: ~Copyable {
    package var core: StoreState
    package var places: [DamagedPlace] = []
    package var lost: [LostChange] = []
    /// How many there are in all, should they be too many to be named.
    package var lostCount = 0
    /// Keys that a damaged record has deleted, and that stay so.
    package var keptDeleted = 0
    /// Keys that have lost the lease which would have ended them.
    package var leasesLost = 0
    /// Of the newest transaction that anything tells of.
    package var revision = Revision.start
    /// As of the newest record that says so; nil if none does.
    package var statement: LogStatement?
    package var members: ClusterMembers?

    package consuming func takeCore() -> StoreState { core }
}

/// Where something is missing, and what was there before and after.
private struct Gap {
    /// Of the damaged places.
    let place: Int
    var after: Revision
    /// Of the first transaction that follows; nil if none does.
    var before: Revision?

    /// What it may have had changes of.
    var revisions: Range<Revision> {
        let end = before ?? Revision(.max)
        return after.next < end ? after.next..<end : end..<end
    }

    /// Those that were there for certain.
    var missing: ClosedRange<Revision>? {
        guard let before, after.next < before else { return nil }
        return after.next...Revision(before.number - 1)
    }
}

/// An entry that is not known to be committed yet.
private struct PendingEntry {
    let index: LogIndex
    let place: Place
    let revision: Revision?
}

/// Takes in what validates in a log, and accounts for the rest.
package struct LogSalvage<Files: SalvageableFiles>: ~Copyable {
    /// Keys that are named.
    package static var namedMax: Int { 10_000 }

    private let files: Files
    private let progress: (_ done: Int, _ of: Int) -> Void
    private var survey = LogSurvey()
    private var gaps: [Gap] = []
    /// Gaps that no transaction has followed so far, and whether nothing at all has.
    private var openGaps: [Int] = []
    private var isAtGap = false
    private var pending: [PendingEntry] = []
    /// Entries of one segment that are known to be committed by now.
    private var ready: [PendingEntry] = []
    private var lastRevision = Revision.none
    private var lastTerm = Term.none
    /// What is torn, and in which gap; looked at when all that is whole is there.
    private var torn: [(change: TornChange, gap: Gap, isCopy: Bool)] = []
    /// Where each key that has lost a change stands among those named.
    private var lostKeys: [[UInt8]: Int] = [:]
    /// The revision of the checkpoint, which knows of all keys up to there.
    private var checkpointed = Revision.none
    private var found = SalvagedLog(core: StoreState())

    /// - Parameters:
    ///   - founders: What the member knew of its cluster as it began; nil if nothing tells.
    ///   - progress: Told how many segments have been read, of how many; each is read twice.
    package init(
        of files: Files, founders: ClusterMembers?,
        progress: @escaping (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) {
        (self.files, self.progress) = (files, progress)
        if let founders { survey.note(founders) }
    }

    /// - Throws: ``StoreError/damaged(file:_:)`` if something is of a version that this program does
    ///   not know; what reading throws.
    /// - Complexity: O(*n*) in the bytes of the log; memory in the number of versions.
    package consuming func run() throws(StoreError) -> SalvagedLog {
        let checkpoint = readCheckpoint()
        let sequences = files.sequences
        for (number, sequence) in sequences.enumerated() {
            progress(number, 2 * sequences.count)
            try survey.read(sequence, of: files, isLast: sequence == sequences.last)
        }
        (found.places, found.statement) = (survey.places, survey.statement)
        found.members = survey.members
        for (number, sequence) in survey.needed.enumerated() {
            progress(sequences.count + min(number, sequences.count), 2 * sequences.count)
            try takeIn(sequence)
            try takeInReady()
        }
        ready += pending
        try takeInReady()
        for gap in gaps { try takeInRest(of: gap) }
        settleTorn()
        compare(with: checkpoint)
        return end()
    }

    private consuming func end() -> SalvagedLog {
        found.leasesLost = found.core.endSalvage()
        found.revision = max(checkpointed, found.core.revision)
        for number in found.lost.indices {
            let left = found.core.newestVersion(of: found.lost[number].key)
            found.lost[number].left = left.flatMap { $0.isDelete ? nil : $0.revision }
        }
        found.lost.sort { $0.key.lexicographicallyPrecedes($1.key) }
        return found
    }

    // MARK: What is whole

    private mutating func takeIn(_ sequence: UInt32) throws(StoreError) {
        guard let segment = survey[sequence] else {
            return addGap(in: sequence, nil, .missing)
        }
        guard let header = segment.header else {
            let whole = 0..<segment.fileBytes
            guard survey.isLast(segment) else { return addGap(in: sequence, whole, .header) }
            // It was made ready to be begun next, and has nothing to lose.
            return found.places.append(
                DamagedPlace(segment: sequence, range: whole, reason: .header))
        }
        if segment.start > SegmentHeader.byteCount {
            addGap(in: sequence, 0..<segment.start, .header)
        }
        let end = survey.isLast(segment) ? segment.batchEnd : segment.end
        var reading = SegmentSalvage(of: header, from: segment.start)
        let files = files
        try files.lend(sequence) { bytes throws(LogDamage) in
            while reading.offset < end, let piece = try reading.next(in: bytes) {
                switch piece {
                case .gap(let range): addGap(in: sequence, range, .record)
                case .record(let record, _): take(record, of: bytes, header)
                }
            }
        }
        guard !survey.isLast(segment), !segment.isSealed else { return }
        let next = survey.next(after: sequence)?.firstPrevious
        try files.lend(sequence) { bytes in
            // The first record of the next segment follows the seal.
            let isSeal = next != nil && SegmentSalvage.checksum(at: segment.end, in: bytes) == next
            guard isSeal else {
                return addGap(in: sequence, segment.end..<bytes.byteCount, .unsealed)
            }
            var place = DamagedPlace(
                segment: sequence, range: segment.end..<segment.end + StoreState.sealBytes,
                reason: .record)
            place.kinds = [.seal]
            found.places.append(place)
        }
    }

    private mutating func addGap(
        in sequence: UInt32, _ range: Range<Int>?, _ reason: LogDamage.Reason
    ) {
        found.places.append(DamagedPlace(segment: sequence, range: range, reason: reason))
        gaps.append(Gap(place: found.places.count - 1, after: lastRevision))
        openGaps.append(gaps.count - 1)
        isAtGap = true
    }

    private mutating func take(_ record: LogRecord, of bytes: RawSpan, _ header: SegmentHeader) {
        if isAtGap { dropUnsure(before: record) }
        lastTerm = record.term
        // Those after it had become void before the segment was begun.
        if record.kind == .opening { pending.removeAll { $0.index > record.index } }
        let known = pending.prefix { $0.index <= record.committed }
        ready += known
        pending.removeFirst(known.count)
        guard record.kind.isEntry else { return salvage(record, of: bytes, header) }
        let revision = record.revision(in: bytes)
        if let revision {
            for gap in openGaps { gaps[gap].before = revision }
            openGaps = []
            lastRevision = revision
        }
        guard survey.wasClustered else { return salvage(record, of: bytes, header) }
        pending.removeAll { $0.index >= record.index }
        pending.append(
            PendingEntry(
                index: record.index,
                place: Place(segment: header.sequence, offset: UInt32(record.offset)),
                revision: revision))
    }

    /// Who was alone decided alone, and nothing became void. Else entries of another term may have
    /// taken, in the gap, the place of those before it that were not known to be committed.
    private mutating func dropUnsure(before record: LogRecord) {
        isAtGap = false
        guard record.term != lastTerm else { return }
        if let revision = pending.compactMap(\.revision).min(), let gap = openGaps.first {
            gaps[gap].after = Revision(revision.number - 1)
        }
        pending = []
    }

    private mutating func takeInReady() throws(StoreError) {
        let files = files
        for entry in ready {
            guard let header = survey[entry.place.segment]?.header else { continue }
            try files.lend(entry.place.segment) { bytes throws(LogDamage) in
                salvage(try LogRecord(at: Int(entry.place.offset), of: bytes), of: bytes, header)
            }
        }
        ready = []
    }

    private mutating func salvage(
        _ record: LogRecord, of bytes: RawSpan, _ header: SegmentHeader
    ) {
        do throws(LogDamage) { try found.core.salvage(record, of: bytes, header: header) } catch {
            var place = DamagedPlace(
                segment: header.sequence, range: record.offset..<record.payload.upperBound,
                reason: .contents)
            (place.kinds, place.mayHideMore) = ([record.kind], true)
            found.places.append(place)
        }
    }

    // MARK: What is not

    private mutating func takeInRest(of gap: Gap) throws(StoreError) {
        let revisions = gap.revisions
        found.places[gap.place].revisions = gap.missing
        let (sequence, range) = (found.places[gap.place].segment, found.places[gap.place].range)
        guard let range else { return noteHidden(in: gap) }
        let header = survey[sequence]?.header
        let files = files
        try files.lend(sequence) { bytes in
            guard let header,
                let records = SegmentSalvage(of: header).records(in: range, of: bytes)
            else {
                let changes = TornChanges(searching: range, of: bytes, revisions: revisions)
                for place in changes.whole {
                    found.core.salvage(changeAt: place, of: bytes, segment: sequence)
                }
                return changes.isComplete ? () : noteHidden(in: gap)
            }
            found.places[gap.place].kinds = records.map(\.kind)
            for record in records { takeIn(record, of: bytes, in: sequence, gap) }
        }
    }

    private mutating func takeIn(
        _ record: TornRecord, of bytes: RawSpan, in sequence: UInt32, _ gap: Gap
    ) {
        let isCopy = record.kind == .survivors
        guard isCopy || record.kind == .transaction else { return }
        let changes = record.changes(in: bytes)
        for place in changes.whole {
            guard let change = Change(at: place, in: bytes),
                isCopy || gap.revisions.contains(change.modRevision)
            else {
                noteHidden(in: gap)
                continue
            }
            found.core.salvage(changeAt: place, of: bytes, segment: sequence)
        }
        torn += changes.torn.map { ($0, gap, isCopy) }
        if !changes.isComplete { noteHidden(in: gap) }
    }

    /// Nothing tells of all keys that were changed there, unless the checkpoint came later.
    private mutating func noteHidden(in gap: Gap) {
        if let before = gap.before, checkpointed.next >= before { return }
        found.places[gap.place].mayHideMore = true
    }

    private mutating func settleTorn() {
        for (change, gap, isCopy) in torn {
            let isLikely = isCopy
                ? change.revision < gap.before ?? Revision(.max)
                : gap.revisions.contains(change.revision)
            guard isLikely else {
                noteHidden(in: gap)
                continue
            }
            let now = found.core.newestVersion(of: change.key)
            // Its very name may be what is damaged.
            if now == nil { noteHidden(in: gap) }
            guard now?.revision ?? .none < change.revision else { continue }
            guard change.isDelete else {
                lose(change.key, change.revision, in: gap.place)
                continue
            }
            guard let now, !now.isDelete else { continue }
            found.core.bury(change.key, at: change.revision)
            found.keptDeleted += 1
        }
    }

    private mutating func lose(_ key: [UInt8], _ revision: Revision, in place: Int?) {
        if let known = lostKeys[key] {
            guard known < found.lost.count, found.lost[known].revision < revision else { return }
            (found.lost[known].revision, found.lost[known].place) = (revision, place)
            return
        }
        lostKeys[key] = found.lostCount
        found.lostCount += 1
        guard found.lost.count < Self.namedMax else { return }
        found.lost.append(LostChange(key: key, revision: revision, left: nil, place: place))
    }

    // MARK: The checkpoint

    /// One that cannot be read tells nothing.
    private mutating func readCheckpoint() -> StoreState? {
        var checkpoint: StoreState?
        files.withCheckpoint { bytes in
            do throws(LogDamage) {
                var (position, notes) = (LogPosition.origin, ReplayNotes())
                checkpoint = try StoreState(checkpoint: bytes, position: &position, notes: &notes)
            } catch {}
        }
        checkpointed = checkpoint?.revision ?? .none
        return checkpoint
    }

    private mutating func compare(with checkpoint: consuming StoreState?) {
        guard let checkpoint = checkpoint.take() else { return }
        var deleted: [(key: [UInt8], revision: Revision)] = []
        checkpoint.forEachNewestVersion { key, then in
            let now = found.core.newestVersion(of: key)
            guard now?.revision ?? .none < then.revision else { return }
            if !then.isDelete { return lose(key, then.revision, in: place(of: then.place)) }
            if let now, !now.isDelete { deleted.append((key, then.revision)) }
        }
        // What the checkpoint has forgotten up to its revision was deleted, or it would be there.
        let revision = checkpointed
        found.core.forEachNewestVersion { key, now in
            guard !now.isDelete, now.revision <= revision,
                checkpoint.newestVersion(of: key) == nil
            else { return }
            deleted.append((key, now.revision.next))
        }
        for (key, revision) in deleted { found.core.bury(key, at: revision) }
        found.keptDeleted += deleted.count
    }

    /// Which of the damaged places a change lay in.
    private func place(of change: Place) -> Int? {
        found.places.firstIndex {
            $0.segment == change.segment && $0.range?.contains(Int(change.offset)) ?? true
        }
    }
}
