package import Raft
package import StoreCore

// What is committed, and can be read from this member's files, is published: to readers, to those
// who watch, and to those who proposed it.

extension Replica {
    /// Publishes what can be. To be called when a write was begun or synced, or messages came.
    ///
    /// - Throws: ``StoreError/damaged(file:_:)`` if an entry is not what was written.
    package mutating func publish(
        _ core: inout StoreState, _ files: some SegmentFiles, _ effects: inout Effects
    ) throws(StoreError) {
        guard !needsRebuild else { return }
        let before = published.index
        let through = min(committed, writtenIndex)
        var revision: Revision?
        publishDecided(through: through, &revision, &core, &effects)
        try applyOthers(through: through, &revision, &core, files, &effects)
        try beginDeciding(&core, files)
        if let revision {
            core.notePublished(revision)
            effects.published = revision
        }
        var index = min(through, applied)
        // What took several entries, as the end of a lease with keys does, shows with the last of
        // them: readers that ask for less may not be told that they have more.
        if let unpublished = ahead.firstEntry, unpublished <= index {
            index = LogIndex(unpublished.number - 1)
        }
        if index > before { notePublished(index) }
        answerReads(&effects)
        answerLocals(&effects)
        answerQuestion(core)
        core.neededFrom = firstNeededSegment
    }

    private mutating func publishDecided(
        through index: LogIndex, _ revision: inout Revision?, _ core: inout StoreState,
        _ effects: inout Effects
    ) {
        while let next = ahead.firstIndex, next <= index {
            let item = ahead.takeFirst(changes: &effects.changes)
            revision = item.revision
            if let compacted = item.compacted { compact(compacted, &core, &effects) }
            guard let ticket = item.ticket else { continue }
            effects.answers.append(.init(ticket: ticket, result: .success(item.decision)))
        }
    }

    private func compact(
        _ revision: Revision, _ core: inout StoreState, _ effects: inout Effects
    ) {
        core.noteCompacted(revision)
        effects.isCompacted = true
    }

    /// Applies entries of other leaders.
    private mutating func applyOthers(
        through index: LogIndex, _ revision: inout Revision?, _ core: inout StoreState,
        _ files: some SegmentFiles, _ effects: inout Effects
    ) throws(StoreError) {
        while applied < index {
            let compacted = try apply(applied.next, &core, files, &effects.changes)
            if let compacted { compact(compacted, &core, &effects) }
            applied = applied.next
            revision = core.revision
        }
    }

    private func apply(
        _ index: LogIndex, _ core: inout StoreState, _ files: some SegmentFiles,
        _ changes: inout [AppliedChange]
    ) throws(StoreError) -> Revision? {
        guard let entry = table[index] else {
            throw .damaged(file: "log", LogDamage(offset: 0, reason: .gap))
        }
        guard entry.kind != .noop && entry.kind != .membership else { return nil }
        return try files.withSegment(entry.place.segment) { bytes throws(StoreError) in
            do throws(LogDamage) {
                let record = try LogRecord(
                    checkedAt: Int(entry.place.offset), of: bytes, in: SegmentHeader(in: bytes))
                guard record.index == index else {
                    throw LogDamage(offset: record.offset, reason: .contents)
                }
                return try core.apply(
                    record, of: bytes, segment: entry.place.segment, changes: &changes)
            } catch {
                throw StoreError.damaged(file: "segment \(entry.place.segment)", error)
            }
        }
    }

    /// A leader decides against a state that has every entry, committed or not.
    private mutating func beginDeciding(
        _ core: inout StoreState, _ files: some SegmentFiles
    ) throws(StoreError) {
        guard raft.isLeader, !isDeciding, writtenIndex == last.index else { return }
        while applied < last.index {
            var changes: [AppliedChange] = []
            let compacted = try apply(applied.next, &core, files, &changes)
            applied = applied.next
            ahead.add(changes)
            ahead.append(
                DecidedItem(
                    first: applied, index: applied, revision: core.revision, changeCount: changes.count,
                    compacted: compacted, decision: Decision(revision: core.revision)))
        }
        core.forgetLeaseTimes()
        isDeciding = true
    }

    private mutating func notePublished(_ index: LogIndex) {
        published = EntryID(index: index, term: raft.log.term(at: index) ?? published.term)
        while let next = membersAhead.first, next.index <= index {
            membersPublished = next.members
            membersAhead.removeFirst()
        }
        unpublished.removeFirst(unpublished.prefix { $0.through <= index }.count)
        guard table.count > 2 * ReplicationLimits.entriesKept else { return }
        let kept = LogIndex(table.last.number - UInt64(ReplicationLimits.entriesKept))
        let settled = min(kept, index, raft.written)
        guard settled > table.base else { return }
        table.compact(to: settled)
        raft.compact(to: settled)
    }

    private mutating func answerReads(_ effects: inout Effects) {
        guard !readsReady.isEmpty else { return }
        for reading in readsReady where reading.index <= published.index {
            effects.answers.append(.init(ticket: reading.ticket, result: reading.result))
        }
        readsReady.removeAll { $0.index <= published.index }
    }

    /// All that wait for an answer, when none will come: the member ends.
    package mutating func takeTickets() -> [ProposalTicket] {
        defer { (localsWaiting, readsReady, readsWaiting) = ([], [], [:]) }
        return ahead.takeTickets(after: .zero) + localsWaiting.map(\.ticket)
            + readsReady.map(\.ticket) + readsWaiting.values.map(\.ticket)
    }

    // MARK: Building up again

    /// How far a state may go that is to take the place of one with void entries. All that was
    /// decided is to be written before.
    package var rebuildThrough: LogIndex { published.index }

    /// The caller has put a state in place that goes up to `rebuildThrough`.
    package mutating func noteRebuilt() {
        precondition(needsRebuild && ahead.isEmpty, "only what is void is built up again")
        applied = published.index
        needsRebuild = false
    }
}
