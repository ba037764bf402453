package import Raft
package import StoreCore

// Time, and what other members say.

extension Replica {
    package mutating func tick(
        _ core: inout StoreState, _ effects: inout Effects
    ) {
        endRound(&core, &effects)
        tickComparison(&core, &effects)
        raft.tick(&actions)
        carryOut(&core, &effects)
    }

    /// A message has come. `payloads` are those of its entries, if it has any, and `note` is what
    /// it says besides.
    package mutating func receive(
        _ message: RaftMessage, payloads: [EntryPayload], note: StateNote? = nil,
        _ core: inout StoreState, _ effects: inout Effects
    ) {
        var first = LogIndex.zero
        if case .append(let previous, let headers, _) = message.body {
            guard Self.agree(headers, payloads) else {
                return effects.faults.append((message.from, .malformed))
            }
            first = previous.index.next
        }
        endRound(&core, &effects)
        do throws(RaftFault) { try raft.receive(message, &actions) } catch {
            return effects.faults.append((message.from, error))
        }
        take(note, with: message, core, &effects)
        carryOut(&core, &effects, payloads: payloads, from: first)
    }

    /// Whether payloads are what their headers say.
    private static func agree(_ headers: [EntryHeader], _ payloads: [EntryPayload]) -> Bool {
        guard headers.count == payloads.count else { return false }
        return zip(headers, payloads).allSatisfy { header, payload in
            switch header.kind {
            case .noop: payload.kind == .noop && payload.bytes.isEmpty
            case .membership(let membership):
                payload.kind == .membership
                    && ClusterMembers(payload.bytes.raw)?.membership == membership
            case .ordinary:
                payload.kind.isEntry && payload.kind != .noop && payload.kind != .membership
                    && payload.bytes.count <= StoreLimits.transactionBytesMax * 2
            }
        }
    }

    /// The payloads of the entries of a message, which go with it. Nil if some of these are not in
    /// the log any more: another leader may have replaced them since the message was made, which
    /// is of no use then.
    package func payloads(
        of message: RaftMessage, _ files: some SegmentFiles
    ) throws(StoreError) -> [EntryPayload]? {
        guard case .append(let previous, let entries, _) = message.body else { return [] }
        var payloads: [EntryPayload] = []
        payloads.reserveCapacity(entries.count)
        for (offset, entry) in entries.enumerated() {
            let index = previous.index.advanced(by: offset + 1)
            guard raft.log.term(at: index) == entry.term, table[index] != nil else { return nil }
            payloads.append(try payload(of: index, files))
        }
        return payloads
    }

    // MARK: Asking consensus

    /// Reads: `ticket` is answered once all that was committed when the call came is published.
    package mutating func read(
        ticket: ProposalTicket, _ core: inout StoreState, _ effects: inout Effects
    ) {
        endRound(&core, &effects)
        let decision = Decision(revision: .none)
        read(Reading(ticket: ticket, result: .success(decision), index: .zero))
        carryOut(&core, &effects)
    }

    /// Changes who belongs to the cluster.
    ///
    /// - Parameter addresses: Of members that are added.
    package mutating func propose(
        _ changes: [MembershipChange], addresses: [MemberID: ClusterMembers.Address],
        _ core: inout StoreState, _ effects: inout Effects
    ) -> RaftRefusal? {
        endRound(&core, &effects)
        addressesAnnounced = addresses
        do throws(RaftRefusal) { try raft.propose(changes, &actions) } catch { return error }
        carryOut(&core, &effects)
        return nil
    }

    package mutating func transferLeadership(
        to target: MemberID?, _ core: inout StoreState, _ effects: inout Effects
    ) -> RaftRefusal? {
        endRound(&core, &effects)
        do throws(RaftRefusal) {
            try raft.transferLeadership(to: target, &actions)
        } catch { return error }
        carryOut(&core, &effects)
        return nil
    }

    /// What to say before falling silent for good. Needs no disk.
    package func farewell() -> [RaftMessage] { raft.farewell() }

    /// Whether the cluster has this member, by what is committed.
    /// Whether nothing has ever been promised in its log.
    package var isFresh: Bool { raft.hardState == HardState() && last == .zero }

    package var isMember: Bool { membersPublished.membership.contains(id) }

    package mutating func notePaused(
        _ core: inout StoreState, _ effects: inout Effects
    ) {
        endRound(&core, &effects)
        raft.notePaused(&actions)
        carryOut(&core, &effects)
    }

    package mutating func noteUnreachable(_ member: MemberID) { raft.noteUnreachable(member) }

    /// What a snapshot stands for that is made now.
    package var snapshot: Snapshot {
        Snapshot(last: published, membership: membersPublished.membership)
    }

    package mutating func offerSnapshot(
        _ snapshot: Snapshot, to member: MemberID, _ core: inout StoreState,
        _ effects: inout Effects
    ) {
        endRound(&core, &effects)
        raft.offerSnapshot(snapshot, to: member, &actions)
        carryOut(&core, &effects)
    }

    package mutating func snapshotSent(to member: MemberID, through: LogIndex, succeeded: Bool) {
        raft.snapshotSent(to: member, through: through, succeeded: succeeded)
    }

    // MARK: Carrying out

    /// Does what consensus wants: the disk's part into the batch, the rest into `effects`.
    ///
    /// - Parameters:
    ///   - payloads: Of the entries of the message that has just come.
    ///   - first: The index of the first of them.
    mutating func carryOut(
        _ core: inout StoreState, _ effects: inout Effects, payloads: [EntryPayload] = [],
        from first: LogIndex = .zero
    ) {
        precondition(proposed.isEmpty, "a round is ended first")
        guard !actions.isEmpty else { return }
        var wanted = RaftActions()
        swap(&wanted, &actions)
        if let hardState = wanted.hardState {
            takeRoom(Self.smallBytes, &core)
            batch.append(vote: hardState, of: id)
        }
        if let appended = wanted.appended {
            append(appended, payloads, from: first, &core, &effects)
        }
        if let committed = wanted.committed {
            self.committed = committed
            batch.committed = committed
        }
        carryOutTalk(&wanted, &effects)
        note(wanted.role, &effects)
    }

    private mutating func carryOutTalk(_ wanted: inout RaftActions, _ effects: inout Effects) {
        effects.messages += wanted.messages
        if writesNeeded == writesSynced {
            effects.messages += wanted.messagesAfterWrite
        } else {
            let write = writesNeeded
            messagesWaiting += wanted.messagesAfterWrite.map { (write, $0) }
        }
        for ready in wanted.readsReady {
            guard var reading = readsWaiting.removeValue(forKey: ready.context) else { continue }
            reading.index = max(reading.index, ready.index)
            readsReady.append(reading)
        }
        for context in wanted.readsFailed {
            guard let reading = readsWaiting.removeValue(forKey: context) else { continue }
            effects.answers.append(.init(ticket: reading.ticket, result: .failure(.noLeader)))
        }
        effects.snapshotsNeeded += wanted.snapshotsNeeded
        if let offer = wanted.snapshotOffered { effects.snapshotOffered = offer }
    }

    private mutating func note(_ role: RaftRole?, _ effects: inout Effects) {
        guard let role else { return }
        effects.role = role
        guard role != .leader, isDeciding else { return }
        isDeciding = false
        // They may be committed yet, by whoever leads next.
        for ticket in ahead.takeTickets(after: published.index) {
            effects.answers.append(.init(ticket: ticket, result: .failure(.outcomeUnknown)))
        }
    }

    private mutating func append(
        _ appended: RaftActions.Appended, _ payloads: [EntryPayload], from first: LogIndex,
        _ core: inout StoreState, _ effects: inout Effects
    ) {
        appendedTerm = appended.term
        if appended.first <= last.index { rewind(to: appended.first, &core, &effects) }
        for (offset, header) in appended.entries.enumerated() {
            let index = appended.first.advanced(by: offset)
            let payload: EntryPayload
            if index >= first, index.number - first.number < UInt64(payloads.count) {
                payload = payloads[Int(index.number - first.number)]
            } else {
                payload = ownPayload(header.kind)
            }
            takeRoom(Self.smallBytes + payload.bytes.count, &core)
            batch.term = header.term
            batch.append(payload.kind, payload: payload.bytes)
            takeEntries(areProposed: false)
            if payload.kind == .membership { note(payload, at: index, &effects) }
        }
    }

    /// The payload of an entry that consensus itself has made.
    private func ownPayload(_ kind: EntryKind) -> EntryPayload {
        switch kind {
        case .noop: return EntryPayload(kind: .noop, bytes: [])
        case .membership(let membership):
            var next = members
            next.membership = membership
            next.addresses.merge(addressesAnnounced) { _, new in new }
            next.addresses = next.addresses.filter { membership.contains($0.key) }
            return EntryPayload(kind: .membership, bytes: next.encoded())
        case .ordinary: preconditionFailure("an entry comes with its payload")
        }
    }

    private mutating func note(
        _ payload: EntryPayload, at index: LogIndex, _ effects: inout Effects
    ) {
        guard let members = ClusterMembers(payload.bytes.raw) else {
            preconditionFailure("payloads are checked when they come in")
        }
        membersAhead.append((index, members))
        self.members = members
        effects.members = members
    }

    /// Entries from `index` on have become void.
    private mutating func rewind(
        to index: LogIndex, _ core: inout StoreState, _ effects: inout Effects
    ) {
        let previous = LogIndex(index.number - 1)
        for place in table.truncate(from: index) { core.noteVoid(place) }
        batch.rewind(to: EntryID(index: previous, term: raft.log.term(at: previous) ?? .none))
        writtenIndex = min(writtenIndex, previous)
        for place in sealed.indices { sealed[place].through = min(sealed[place].through, previous) }
        rewindLocals(to: previous, &effects)
        // Answers without an entry that have seen what is void.
        for reading in readsReady where reading.index > previous {
            effects.answers.append(.init(ticket: reading.ticket, result: .failure(.noLeader)))
        }
        readsReady.removeAll { $0.index > previous }
        if membersAhead.last.map({ $0.index >= index }) ?? false {
            membersAhead.removeAll { $0.index >= index }
            members = membersAhead.last?.members ?? membersPublished
            effects.members = members
        }
        guard applied >= index else { return }
        // What is void here may still be committed: by somebody else who has it, and leads later.
        for ticket in ahead.takeTickets(after: .zero) {
            effects.answers.append(.init(ticket: ticket, result: .failure(.outcomeUnknown)))
        }
        ahead.removeAll(after: .zero)
        needsRebuild = true
    }

    /// What waited for a void entry waits for those before it; but a barrier has failed, as the
    /// state has seen what is void.
    private mutating func rewindLocals(to index: LogIndex, _ effects: inout Effects) {
        for place in localsWaiting.indices.reversed() where localsWaiting[place].index > index {
            if localsWaiting[place].retired != nil {
                localsWaiting[place].index = index
            } else {
                let local = localsWaiting.remove(at: place)
                effects.answers.append(
                    .init(ticket: local.ticket, result: .failure(.outcomeUnknown)))
            }
        }
    }
}
