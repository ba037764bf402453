// A follower's log becomes the leader's (3.5).

extension RaftMember {
    mutating func append(
        _ entries: [EntryHeader], after previous: EntryID, committed: LogIndex,
        from leader: MemberID, _ actions: inout RaftActions
    ) {
        guard previous.index >= self.committed else {
            // Old, or sent by a leader that does not know how far we are: what is committed here
            // is the same there.
            return sendAfterWrite(.accepted(through: self.committed), to: leader, &actions)
        }
        guard log.contains(previous) else {
            let hint = log.last(upTo: previous.index, termMax: previous.term) ?? log.base
            return sendAfterWrite(
                .rejected(previous: previous.index, hint: hint), to: leader, &actions)
        }
        var (index, known) = (previous.index, 0)
        while known < entries.count, log.term(at: index.next) == entries[known].term {
            (index, known) = (index.next, known + 1)
        }
        if known < entries.count { replaceTail(from: index.next, by: entries[known...], &actions) }
        let through = previous.index.advanced(by: entries.count)
        commit(through: min(committed, through), &actions)
        sendAfterWrite(.accepted(through: through), to: leader, &actions)
    }

    private mutating func replaceTail(
        from first: LogIndex, by entries: ArraySlice<EntryHeader>, _ actions: inout RaftActions
    ) {
        precondition(first > committed, "what is committed stays")
        if first <= log.lastIndex {
            log.truncate(from: first)
            cutTerm = term
            written = min(written, log.lastIndex)
        }
        for entry in entries { log.append(entry) }
        actions.append(Array(entries), at: first, term: term)
    }

    mutating func commit(through index: LogIndex, _ actions: inout RaftActions) {
        let index = min(index, log.lastIndex)
        guard index > committed else { return }
        committed = index
        actions.committed = index
    }

    /// The disk has the log through `index`, as it was handed over in `term`.
    ///
    /// An acknowledgement from before entries were taken back says nothing: what came in their
    /// place may be on its way, and even what looks the same (of the same index and term) may have
    /// been overwritten and be on its way again.
    ///
    /// - Parameter term: `RaftActions.Appended.term`.
    package mutating func written(
        through index: LogIndex, term: Term, _ actions: inout RaftActions
    ) {
        guard term >= cutTerm, index > written, index <= log.lastIndex else { return }
        noteOnDisk(through: index)
        if isLeader { noteWritten(&actions) }
    }

    mutating func noteOnDisk(through index: LogIndex) {
        written = index
        if written >= votesFrom { votesFrom = .zero }
    }

    /// Forgets entries up to `index`: they cannot be sent any more.
    package mutating func compact(to index: LogIndex) {
        precondition(index <= min(committed, written), "only what is settled is compacted")
        log.compact(to: index)
    }
}
