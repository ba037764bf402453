internal import Raft
package import StoreCore

// The log's bytes: one write at a time is under way, and what comes meanwhile is the next.

extension Replica {
    /// How many writes have to be synced until all that is in the making is on disk.
    var writesNeeded: Int { writesBegun + sealed.count + (batch.isEmpty ? 0 : 1) }
    private var isWriting: Bool { writesBegun > writesSynced }

    /// Whether there is nothing to be written but what is being written.
    package var isWritten: Bool { writesNeeded == writesBegun }

    /// Whether there is nothing to be written, nor being written.
    package var isAtRest: Bool { writesNeeded == writesSynced }

    /// Returns what to write next, if nothing is being written. The caller writes it before any
    /// other call, so that it can be read; syncs it; and then calls `synced`.
    package mutating func beginWrite() -> SegmentWrite? {
        precondition(proposed.isEmpty, "a round is ended before it is written")
        guard !isWriting, writesNeeded > writesBegun else { return nil }
        let start = nextStart
        let next: Sealed
        if sealed.isEmpty {
            batch.commit()
            next = Sealed(
                batch: batch, start: start, through: last.index, term: appendedTerm)
            batch.dropWritten()
        } else {
            next = sealed.removeFirst()
        }
        writesBegun += 1
        writingStart = start
        writtenIndex = next.through
        writing = EntryID(index: next.through, term: next.term)
        unpublished.append((start: start, through: next.batch.position.last.index))
        return SegmentWrite(
            segment: next.batch.position.segment, offset: next.batch.bytesOffset,
            bytes: next.batch.bytes, last: next.batch.position.last)
    }

    /// What `beginWrite` returned is on disk.
    package mutating func synced(
        _ core: inout StoreState, _ effects: inout Effects
    ) {
        precondition(isWriting, "nothing is being written")
        endRound(&core, &effects)
        writesSynced += 1
        if let writing { raft.written(through: writing.index, term: writing.term, &actions) }
        (writing, writingStart) = (nil, nil)
        effects.messages += messagesWaiting.prefix { $0.write <= writesSynced }.map(\.message)
        messagesWaiting.removeAll { $0.write <= writesSynced }
        answerLocals(&effects)
        carryOut(&core, &effects)
    }

    /// Answers what waits for no more than this member's own disk.
    mutating func answerLocals(_ effects: inout Effects) {
        guard !localsWaiting.isEmpty else { return }
        while let local = localsWaiting.first, isDone(local) {
            localsWaiting.removeFirst()
            effects.moves += local.decision.moves
            if let retired = local.retired {
                effects.retired.append(retired)
                forgetEntries(through: retired)
            }
            effects.answers.append(.init(ticket: local.ticket, result: .success(local.decision)))
        }
    }

    private func isDone(_ local: Local) -> Bool {
        local.write <= writesSynced && local.index <= published.index
            && !readsReady.contains { $0.number < local.read }
            && !readsWaiting.keys.contains { $0.number < local.read }
    }

    /// Entries of a segment that is gone cannot be sent any more.
    private mutating func forgetEntries(through segment: UInt32) {
        guard let index = table.last(through: segment), index > table.base else { return }
        precondition(index <= published.index, "a segment is not retired before it is published")
        raft.compact(to: index)
        table.compact(to: index)
    }

    // MARK: Room

    /// Room that any call but a proposal or the entries of a message may take.
    package static var talkRoom: Int { 16 * 1024 }

    /// Room that a message's entries may take.
    package static func room(for payloads: [EntryPayload]) -> Int {
        payloads.reduce(talkRoom) { $0 + smallBytes + $1.bytes.count }
    }

    /// The size that the next segment has to have, if `bytes` more do not fit into this one: then
    /// the caller gets it and calls `roll`, before the call that takes the room.
    package func segmentNeeded(for bytes: Int, _ core: borrowing StoreState) -> Int? {
        let opening = core.openingBytes(statementBytes: statementBytes)
        let needed = bytes + opening + 2 * StoreState.sealBytes
        return batch.endOffset + needed > header.fileBytes
            ? SegmentHeader.byteCount + opening + needed : nil
    }

    /// Whether the next segment will be wanted soon.
    package var isHalfFull: Bool { batch.endOffset > header.fileBytes / 2 }

    /// Ends the segment and goes on in the next, whose header is on disk.
    package mutating func roll(to next: SegmentHeader, _ core: inout StoreState) {
        precondition(next.sequence == header.sequence + 1, "segments come in order")
        if isUnopened { open(&core) }
        let start = batch.start
        core.seal(into: &batch)
        var position = batch.position
        (position.segment, position.offset) = (next.sequence, SegmentHeader.byteCount)
        sealed.append(
            Sealed(batch: batch, start: start, through: last.index, term: appendedTerm))
        batch = LogBatch(
            at: position, salt: next.salt, term: batch.term, committed: batch.committed)
        header = next
        open(&core)
    }

    /// Sees to it that the segment is open.
    mutating func takeRoom(_ bytes: Int, _ core: inout StoreState) {
        if isUnopened { open(&core) }
        precondition(
            batch.endOffset + bytes + StoreState.sealBytes <= header.fileBytes,
            "the caller makes room")
    }

    private mutating func open(_ core: inout StoreState) {
        isUnopened = false
        core.open(header, stating: statement(core), into: &batch)
    }

    func statement(_ core: borrowing StoreState) -> LogStatement {
        LogStatement(
            revision: core.published, compacted: core.compacted, committed: published, member: id,
            hardState: raft.hardState, members: membersPublished)
    }

    // MARK: Entries

    /// Counts the entries that have been added to the batch.
    mutating func takeEntries(areProposed: Bool) {
        for entry in batch.entries {
            table.append(entry)
            guard areProposed else { continue }
            proposed.append(entry.payloadBytes)
            proposedBytes += entry.payloadBytes
        }
        batch.forgetEntries()
    }

    /// The payload of an entry: of the batches in the making, or of a file.
    func payload(
        of index: LogIndex, _ files: some SegmentFiles
    ) throws(StoreError) -> EntryPayload {
        guard let entry = table[index] else {
            preconditionFailure("entry \(index) is sent, so it is kept")
        }
        let placed = PlacedEntry(
            index: index, term: raft.log.term(at: index) ?? .none, kind: entry.kind,
            place: entry.place, payloadBytes: entry.payloadBytes)
        if let bytes = batch.payload(of: placed) {
            return EntryPayload(kind: entry.kind, bytes: bytes)
        }
        for ended in sealed {
            if let bytes = ended.batch.payload(of: placed) {
                return EntryPayload(kind: entry.kind, bytes: bytes)
            }
        }
        let bytes = try files.withSegment(entry.place.segment) { bytes throws(StoreError) in
            try LogRecord.payload(of: placed, in: bytes)
        }
        return EntryPayload(kind: entry.kind, bytes: bytes)
    }

    /// The value of a change, which may be in the making.
    func value(at place: Place, _ files: some SegmentFiles) throws(StoreError) -> [UInt8] {
        if let value = batch.value(at: place) { return value }
        for ended in sealed {
            if let value = ended.batch.value(at: place) { return value }
        }
        return try files.value(at: place)
    }
}
