package import Raft

/// Builds up a member again from its log: takes batches in the order in which they lie, and takes
/// in each entry once it is known to be committed.
package struct LogReplay: ~Copyable {
    package var core: StoreState
    package var notes: ReplayNotes
    /// Where the newest entries lie, committed or not.
    package private(set) var table = EntryTable(base: .zero)
    /// Their terms and sizes, as Raft wants to know them.
    package private(set) var log = RaftLog(membership: .none)
    /// The newest statement of the log; nil if it has none.
    package private(set) var statement: LogStatement?
    /// This member's own, not those of whoever a log was copied from.
    package private(set) var hardState = HardState()
    package private(set) var committed = LogIndex.zero
    /// `core` has everything up to here.
    package private(set) var applied: LogIndex
    /// As far as that is known from the checkpoint, or was done here. What lay in segments that are
    /// gone is in the copies after it, but for entries that others have taken the place of.
    private var appliedHere: LogIndex
    /// What the membership entries after the statement say.
    private var memberships: [(index: LogIndex, members: ClusterMembers)] = []
    private let member: MemberID
    /// Nothing after it is taken in.
    private let appliedMax: LogIndex

    /// Lends a segment's bytes.
    package typealias SegmentReader =
        (UInt32, (RawSpan) throws(LogDamage) -> Void) throws(LogDamage) -> Void

    /// - Parameters:
    ///   - core: What a checkpoint holds, or an empty state.
    ///   - applied: The last entry that the checkpoint has.
    ///   - appliedMax: The last entry to take in.
    package init(
        member: MemberID, core: consuming StoreState = StoreState(),
        applied: LogIndex = .zero, appliedMax: LogIndex = .limit,
        notes: ReplayNotes = ReplayNotes()
    ) {
        self.core = core
        self.appliedMax = appliedMax
        (self.member, self.applied, self.notes) = (member, applied, notes)
        appliedHere = applied
    }

    /// The members that count now: of the newest membership entry, committed or not.
    package var members: ClusterMembers? { memberships.last?.members ?? statement?.members }
    /// The members as of the newest statement.
    package var membersStated: ClusterMembers? { statement?.members }
    package var membershipEntries: [(index: LogIndex, members: ClusterMembers)] { memberships }

    /// Takes a batch that ``SegmentScan`` has checked.
    ///
    /// - Parameters:
    ///   - isNew: Whether it comes after the checkpoint.
    ///   - reader: Lends the bytes of any segment up to this one.
    /// - Throws: ``LogDamage`` if a record contradicts itself or the rest of the log.
    package mutating func take(
        _ batch: Range<Int>, of bytes: RawSpan, header: SegmentHeader, isNew: Bool,
        reading reader: SegmentReader
    ) throws(LogDamage) {
        var offset = batch.lowerBound
        while offset < batch.upperBound {
            let record = try LogRecord(at: offset, of: bytes)
            if record.kind == .opening { try noteBeginning(of: record, reading: reader) }
            try takeIn(through: record.committed, reading: reader)
            if record.kind.isEntry {
                try take(entry: record, of: bytes, header: header, reading: reader)
            } else {
                try take(local: record, of: bytes, header: header, isNew: isNew)
            }
            offset = record.end
        }
    }

    /// Takes in what the checkpoint may have seen: without it, the state would be of no moment.
    package mutating func takeInSeen(reading reader: SegmentReader) throws(LogDamage) {
        try takeIn(through: min(notes.committed, table.last), reading: reader)
    }

    /// Takes in what is committed for sure, as this member decides alone.
    package mutating func takeInAll(reading reader: SegmentReader) throws(LogDamage) {
        try takeIn(through: table.last, reading: reader)
    }

    /// Ends the replay: `core` is as it was when the last committed entry was applied.
    package mutating func finish() {
        core.finishReplay()
        core.notePublished(core.revision)
        // What was in force at the base is what the newest statement says: later entries follow.
        var log = RaftLog(base: self.log.base, membership: statement?.members.membership ?? .none)
        var index = self.log.base.index
        while index < self.log.lastIndex {
            index = index.next
            log.append(self.log.header(at: index))
        }
        self.log = log
    }

    /// Ends its life: the state is the caller's.
    package consuming func takeCore() -> StoreState { core }

    // MARK: Entries

    /// Older segments may be gone: then what they held is not among the entries any more. All that
    /// lies before such a gap has been committed.
    private mutating func noteBeginning(
        of opening: LogRecord, reading reader: SegmentReader
    ) throws(LogDamage) {
        let isNext = opening.index == table.last && opening.term == log.lastTerm
        guard statement == nil || !isNext else { return }
        if statement != nil, opening.index <= table.base,
            log.term(at: opening.index) != opening.term
        {
            // What the log was taken to begin after had become void. Of the entry in its place, which
            // lay in a segment that is gone, only an opening after it tells still.
            return begin(after: EntryID(index: opening.index, term: opening.term))
        }
        if statement != nil, opening.index < table.last { return try rewind(to: opening) }
        try opening.require(statement == nil || opening.index > table.last)
        try takeIn(through: table.last, reading: reader)
        restart(at: EntryID(index: opening.index, term: opening.term))
        committed = max(committed, opening.index)
        applied = max(applied, min(opening.index, appliedMax))
    }

    /// Before the segment was begun, the last entries had become void: those that take their place
    /// follow. No segment is missing in between, as those after one with void entries outlive it.
    private mutating func rewind(to opening: LogRecord) throws(LogDamage) {
        let last = max(opening.index, table.base)
        try opening.require(last >= committed)
        truncate(from: last.next)
    }

    private mutating func truncate(from index: LogIndex) {
        for place in table.truncate(from: index) { core.noteVoid(place) }
        log.truncate(from: index)
        memberships.removeAll { $0.index >= index }
    }

    private mutating func restart(at base: EntryID) {
        table = EntryTable(base: base.index)
        log = RaftLog(base: base, membership: members?.membership ?? .none)
        memberships = []
    }

    /// The log begins after `last`, which is committed, rather than after what an opening has
    /// counted: that one became void, and those after it, which may have none in their places yet.
    private mutating func begin(after last: EntryID) {
        truncate(from: table.base.next)
        memberships.removeAll { $0.index > last.index }
        let memberships = memberships
        restart(at: last)
        self.memberships = memberships
        committed = last.index
        applied = min(max(last.index, appliedHere), appliedMax)
    }

    private mutating func take(
        entry record: LogRecord, of bytes: RawSpan, header: SegmentHeader,
        reading reader: SegmentReader
    ) throws(LogDamage) {
        if record.index <= table.base {
            // It takes the place of one in a segment that is gone, so it has been committed since.
            return try takeFirst(record, of: bytes, header: header)
        }
        if record.index <= table.last {
            try record.require(record.index > committed)
            truncate(from: record.index)
        }
        try record.require(record.index == table.last.next)
        let kind = try entryKind(of: record, in: bytes)
        table.append(
            PlacedEntry(
                index: record.index, term: record.term, kind: record.kind,
                place: Place(segment: header.sequence, offset: UInt32(record.offset)),
                payloadBytes: record.payload.count))
        log.append(EntryHeader(term: record.term, kind: kind, bytes: record.payload.count))
        forgetOldest()
    }

    private mutating func takeFirst(
        _ record: LogRecord, of bytes: RawSpan, header: SegmentHeader
    ) throws(LogDamage) {
        memberships.removeAll { $0.index >= record.index }
        _ = try entryKind(of: record, in: bytes)
        begin(after: EntryID(index: record.index, term: record.term))
        guard record.index > appliedHere, record.index <= appliedMax else { return }
        try core.replay(entry: record, of: bytes, segment: header.sequence)
        (applied, appliedHere) = (record.index, record.index)
    }

    private mutating func entryKind(
        of record: LogRecord, in bytes: RawSpan
    ) throws(LogDamage) -> EntryKind {
        switch record.kind {
        case .noop: return .noop
        case .membership:
            guard let members = ClusterMembers(bytes.extracting(record.payload)) else {
                throw LogDamage(offset: record.offset, reason: .contents)
            }
            memberships.append((record.index, members))
            return .membership(members.membership)
        default: return .ordinary
        }
    }

    private mutating func takeIn(
        through index: LogIndex, reading reader: SegmentReader
    ) throws(LogDamage) {
        committed = max(committed, index)
        applied = max(applied, min(table.base, committed))
        while applied < min(committed, table.last, appliedMax), let entry = table[applied.next] {
            var failure: LogDamage?
            try reader(entry.place.segment) { bytes throws(LogDamage) in
                do throws(LogDamage) {
                    let record = try LogRecord(at: Int(entry.place.offset), of: bytes)
                    try core.replay(entry: record, of: bytes, segment: entry.place.segment)
                } catch { failure = error }
            }
            if let failure { throw failure }
            applied = applied.next
            appliedHere = applied
        }
    }

    /// Keeps the number of entries within its bound.
    private mutating func forgetOldest() {
        guard table.count > 2 * ReplicationLimits.entriesKept else { return }
        let kept = LogIndex(table.last.number - UInt64(ReplicationLimits.entriesKept))
        let index = min(kept, applied)
        guard index > table.base else { return }
        table.compact(to: index)
        log.compact(to: index)
    }

    // MARK: Local records

    private mutating func take(
        local record: LogRecord, of bytes: RawSpan, header: SegmentHeader, isNew: Bool
    ) throws(LogDamage) {
        let payload = bytes.extracting(record.payload)
        switch record.kind {
        case .opening: try note(LogStatement(opening: payload), of: record)
        case .retirement where payload.byteCount >= 8:
            try note(LogStatement(payload.extracting(8..<payload.byteCount)), of: record)
        case .vote: try takeVote(record, payload)
        default: break
        }
        guard isNew else { return }
        try core.replay(local: record, of: bytes, header: header, notes: &notes)
    }

    private mutating func note(
        _ statement: LogStatement?, of record: LogRecord
    ) throws(LogDamage) {
        guard let statement else { throw LogDamage(offset: record.offset, reason: .contents) }
        self.statement = statement
        committed = max(committed, statement.committed.index)
        memberships.removeAll { $0.index <= statement.committed.index }
        if statement.member == member { note(statement.hardState) }
    }

    private mutating func takeVote(_ record: LogRecord, _ payload: RawSpan) throws(LogDamage) {
        try record.require(payload.byteCount == 24)
        guard payload.integer(at: 0, as: UInt64.self) == member.number else { return }
        let vote = payload.integer(at: 16, as: UInt64.self)
        note(
            HardState(
                term: Term(payload.integer(at: 8, as: UInt64.self)),
                vote: vote == 0 ? nil : MemberID(vote)))
    }

    private mutating func note(_ state: HardState) {
        if state.term >= hardState.term { hardState = state }
    }
}

/// Bounds of what a member keeps for others.
package enum ReplicationLimits {
    /// Entries that a member behind can still be sent; one further behind gets a snapshot.
    package static let entriesKept = 65_536
}

extension LogStatement {
    /// Reads the statement in the payload of an opening.
    init?(opening payload: RawSpan) {
        guard payload.byteCount >= 8 else { return nil }
        let count = payload.integer(at: 0, as: UInt64.self)
        guard count < UInt64(payload.byteCount / 8) else { return nil }
        self.init(payload.extracting(8 + 8 * Int(count)..<payload.byteCount))
    }
}

extension StoreState {
    /// Notes that the entry at `place` has become void.
    package mutating func noteVoid(_ place: Place) {
        segments.update(place.segment) { _ = $0.voids.insert(place.offset) }
    }
}
