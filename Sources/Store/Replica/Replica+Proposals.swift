internal import Raft
package import StoreCore

// The leader decides: against its state, into the log's next batch.

extension Replica {
    /// Why it does not decide proposals now; nil if it does. What concerns this member's files
    /// alone is always taken.
    package func refusal(of proposal: Proposal) -> StoreError? {
        if proposal.isLocal { return nil }
        guard raft.isLeader else { return .noLeader }
        do throws(RaftRefusal) { try raft.checkMayPropose() } catch { return .noLeader }
        guard isDeciding else { return .noLeader }
        let uncommitted = last.index.number - raft.committed.number
        return uncommitted < UInt64(raft.configuration.uncommittedEntriesMax / 2)
            && uncommittedBytes < raft.configuration.uncommittedBytesMax / 2 ? nil : .overloaded
    }

    /// Decides a proposal, or refuses it. The answer comes with the effects of this call or of a
    /// later one. Call `endRound` after the last of several.
    ///
    /// - Throws: What `files` throws if the disk fails; no call may follow.
    package mutating func propose(
        _ proposal: Proposal, ticket: ProposalTicket, _ core: inout StoreState,
        _ files: some SegmentFiles, _ effects: inout Effects
    ) throws(StoreError) {
        if let refusal = refusal(of: proposal) {
            return effects.answers.append(.init(ticket: ticket, result: .failure(refusal)))
        }
        // Changes go straight to where they wait to be published, without an array of their own.
        var changes = ahead.takeChanges()
        let before = changes.count
        do throws(StoreError) {
            let decision = try decide(proposal, &core, files, &changes)
            let changeCount = changes.count - before
            ahead.give(changes)
            batch.complete()
            takeEntries(areProposed: true)
            note(decision, of: proposal, ticket, core.revision, changeCount, &effects)
        } catch {
            precondition(changes.count == before, "what is refused changes nothing")
            ahead.give(changes)
            if case .system = error { throw error }
            // What it saw may not be committed yet, and somebody else may lead by now.
            respond(.failure(error), ticket, &effects)
        }
    }

    private mutating func note(
        _ decision: Decision, of proposal: Proposal, _ ticket: ProposalTicket,
        _ revision: Revision, _ changeCount: Int, _ effects: inout Effects
    ) {
        switch proposal {
        case .survivors:
            localsWaiting.append(
                Local(write: writesNeeded, index: .zero, ticket: ticket, decision: decision))
        case .retire(let sequence):
            // Answers to come may speak of places in it: all that have been decided go first.
            localsWaiting.append(
                Local(
                    write: writesNeeded, index: applied, read: nextRead, ticket: ticket,
                    decision: decision, retired: sequence))
        case .barrier:
            localsWaiting.append(
                Local(write: writesNeeded, index: applied, ticket: ticket, decision: decision))
        default:
            guard decision.isLogged else { return respond(.success(decision), ticket, &effects) }
            var item = DecidedItem(
                first: applied.next, index: last.index, revision: revision,
                changeCount: changeCount,
                decision: decision, ticket: ticket)
            if case .compact(let revision) = proposal { item.compacted = revision }
            ahead.append(item)
            applied = last.index
        }
    }

    /// An answer without an entry is good once all that it saw is published, and this member is
    /// known to have led after it was made.
    private mutating func respond(
        _ result: Result<Decision, StoreError>, _ ticket: ProposalTicket, _ effects: inout Effects
    ) {
        let reading = Reading(ticket: ticket, result: result, index: last.index)
        if isAlone { readsReady.append(numbered(reading)) } else { read(reading) }
    }

    mutating func read(_ reading: Reading) {
        let reading = numbered(reading)
        let context = ReadContext(reading.number)
        readsWaiting[context] = reading
        raft.read(context, &actions)
    }

    private mutating func numbered(_ reading: Reading) -> Reading {
        defer { nextRead += 1 }
        var reading = reading
        reading.number = nextRead
        return reading
    }

    /// Tells consensus of what has been decided since the last call. Every other call begins with it.
    package mutating func endRound(
        _ core: inout StoreState, _ effects: inout Effects
    ) {
        if !proposed.isEmpty {
            let sizes = proposed
            proposed.removeAll(keepingCapacity: true)
            proposedBytes = 0
            do throws(RaftRefusal) {
                let first = try raft.propose(sizes, &actions)
                precondition(
                    first.advanced(by: sizes.count - 1) == last.index,
                    "the log and consensus count entries alike")
            } catch {
                preconditionFailure("whether it may propose was asked before: \(error)")
            }
            if let appended = actions.appended { appendedTerm = appended.term }
            actions.appended = nil
        }
        answerLocals(&effects)
        carryOut(&core, &effects)
    }

    // MARK: Deciding

    /// Room that a proposal may take in the log.
    package func room(for proposal: Proposal, _ core: borrowing StoreState) -> Int {
        switch proposal {
        case .put(let key, let value, _, _): Self.changeBytes(key.count, value.count)
        case .delete(let key, _): Self.changeBytes(key.count, 0)
        case .transaction(let transaction): core.logBytesMax(of: transaction)
        case .revoke(let lease), .expire(let lease, _):
            core.revokeBytesMax(lease) + Self.smallBytes
        case .survivors(let survivors):
            survivors.bytes + Self.smallBytes
                * (1 + survivors.leases.count + survivors.endedLeases.count)
        case .saveLeases(let leases): Self.smallBytes * max(1, leases.count)
        case .retire: Self.smallBytes + statementBytes
        case .compact, .grant, .keepAlive, .barrier: Self.smallBytes
        }
    }

    private mutating func decide(
        _ proposal: Proposal, _ core: inout StoreState, _ files: some SegmentFiles,
        _ changes: inout [AppliedChange]
    ) throws(StoreError) -> Decision {
        takeRoom(room(for: proposal, core), &core)
        batch.term = raft.term
        switch proposal {
        case .put(let key, let value, let expected, let lease):
            return try core.put(
                key, value, expected: expected, lease: lease, into: &batch, changes: &changes)
        case .delete(let key, let expected):
            return try core.delete(key, expected: expected, into: &batch, changes: &changes)
        case .transaction(let transaction):
            let accepted = try accept(transaction, core, files)
            return core.carryOut(accepted, into: &batch, changes: &changes)
        case .revoke(let lease):
            return try core.revoke(lease, into: &batch, changes: &changes)
        case .expire(let lease, let now):
            return try core.expire(lease, now: now, into: &batch, changes: &changes)
        case .compact(let revision): return try core.compact(revision, into: &batch)
        case .grant(let id, let milliseconds, let now):
            return try core.grant(id, milliseconds: milliseconds, now: now, into: &batch)
        case .keepAlive(let id, let now): return try core.keepAlive(id, now: now, into: &batch)
        case .saveLeases(let ids): return core.saveLeases(ids, into: &batch)
        case .survivors(let survivors): return core.copy(survivors, into: &batch)
        case .retire(let sequence):
            return core.retire(sequence, stating: statement(core), into: &batch)
        case .barrier: return Decision(revision: core.revision)
        }
    }

    /// Bytes of a record with up to three numbers.
    static var smallBytes: Int { 80 }

    private static func changeBytes(_ keyBytes: Int, _ valueBytes: Int) -> Int {
        StoreState.transactionHeaderBytes + Change.headerBytes + keyBytes + valueBytes + 8
    }

    private func accept(
        _ transaction: Transaction, _ core: borrowing StoreState, _ files: some SegmentFiles
    ) throws(StoreError) -> StoreState.Accepted {
        try core.accept(transaction) { place throws(StoreError) in
            try value(at: place, files)
        }
    }
}
