internal import StoreCore
internal import Synchronization

/// What is durable now: answers to give, changes to tell of.
struct Round: Sendable {
    struct Answer: Sendable {
        let completion: Completion
        let result: Result<Decision, StoreError>
    }
    var answers: [Answer] = []
    var changes: [AppliedChange] = []
    /// The store's revision after it.
    var revision = Revision.none
    var segments: SegmentSet
}

/// The end of the log: where to go on, and in which file.
struct LogEnd: Sendable {
    var position: LogPosition
    var segment: Segment
    /// Whether the segment has no opening yet.
    var isUnopened: Bool
}

/// The state of the writing thread: the segment being written, and the batch in the making.
struct LogWriting {
    private let shared: Shared
    private let keeper: Keeper
    private let disk: any Disk
    private var segment: Segment
    private var batch: LogBatch
    /// Whether the synced mark lies where the next batch will begin.
    private var isMarked = false
    private var isUnopened: Bool
    /// There is one member, and it leads for ever.
    private static let term: UInt64 = 1

    init(_ shared: Shared, _ keeper: Keeper, _ options: StoreOptions, end: LogEnd) {
        (self.shared, self.keeper, disk) = (shared, keeper, options.disk)
        (segment, isUnopened) = (end.segment, end.isUnopened)
        batch = LogBatch(at: end.position, salt: segment.header.salt, term: Self.term)
    }

    /// Decides proposals, makes the outcome durable and publishes it to readers.
    ///
    /// - Throws: ``StoreError/system(operation:file:code:)`` if the disk fails: nothing of the
    ///   round may be acknowledged, and no other round be begun.
    mutating func carryOut(_ waiting: [ProposalQueue.Waiting]) throws(StoreError) -> Round {
        var effects = Effects()
        var round = Round(segments: shared.state.withLock { $0.segments })
        round.answers.reserveCapacity(waiting.count)
        round.changes.reserveCapacity(waiting.count)
        for proposal in waiting {
            let result = try decide(proposal.proposal, &round, &effects)
            round.answers.append(Round.Answer(completion: proposal.completion, result: result))
        }
        if !batch.isEmpty {
            batch.commit()
            try write()
            try disk.sync(segment.descriptor)
        }
        publish(&round, effects)
        return round
    }

    /// Nothing more to write for now: notes that all is synced, so that a later fault before this
    /// point is not taken for a torn tail. The mark itself needs no sync.
    mutating func rest() {
        guard !isMarked, !isUnopened else { return }
        isMarked = true
        // A failure shows again at the next batch, where it is fatal; nothing depends on the mark.
        do throws(StoreError) {
            let mark = batch.syncedMark()
            try disk.write(
                mark.raw, to: segment.descriptor, at: batch.position.offset)
        } catch {}
    }

    // MARK: Deciding

    /// What has to be done once the round is durable.
    private struct Effects {
        var compacted: Revision?
        var moves: [Decision.Move] = []
        var retired: [UInt32] = []
    }

    /// Returns the decision or a refusal; throws if the disk fails.
    private mutating func decide(
        _ proposal: Proposal, _ round: inout Round, _ effects: inout Effects
    ) throws(StoreError) -> Result<Decision, StoreError> {
        do throws(StoreError) {
            if !proposal.mayUseReserve, keeper.isDiskFull {
                keeper.prepareNext()  // There may be space again; this is how it is noticed.
                throw .noSpace
            }
            return .success(try decision(proposal, &round.changes, &effects))
        } catch {
            if case .system = error { throw error }
            return .failure(error)
        }
    }

    private mutating func decision(
        _ proposal: Proposal, _ changes: inout [AppliedChange], _ effects: inout Effects
    ) throws(StoreError) -> Decision {
        switch proposal {
        case .put(let key, let value, let expected, let lease):
            try makeRoom(Self.changeBytes(key.count, value.count))
            return try change { core, batch throws(StoreError) in
                try core.put(
                    key, value, expected: expected, lease: lease, into: &batch, changes: &changes)
            }
        case .delete(let key, let expected):
            try makeRoom(Self.changeBytes(key.count, 0))
            return try change { core, batch throws(StoreError) in
                try core.delete(key, expected: expected, into: &batch, changes: &changes)
            }
        case .transaction(let transaction):
            let accepted = try accept(transaction)
            try makeRoom(accepted.logBytesMax)
            return try change { core, batch throws(StoreError) in
                core.carryOut(accepted, into: &batch, changes: &changes)
            }
        case .revoke(let lease):
            try makeRoom(
                shared.state.withLock { $0.core.revokeBytesMax(lease) } + Self.smallBytes)
            return try change { core, batch throws(StoreError) in
                try core.revoke(lease, into: &batch, changes: &changes)
            }
        default:
            return try upkeep(proposal, &effects)
        }
    }

    /// Proposals that change no key.
    private mutating func upkeep(
        _ proposal: Proposal, _ effects: inout Effects
    ) throws(StoreError) -> Decision {
        switch proposal {
        case .survivors(let survivors):
            let leases = survivors.leases.count + survivors.endedLeases.count
            try makeRoom(survivors.bytes + Self.smallBytes * (1 + leases))
        case .saveLeases(let leases): try makeRoom(Self.smallBytes * max(1, leases.count))
        default: try makeRoom(Self.smallBytes)
        }
        let decision = try change { core, batch throws(StoreError) in
            switch proposal {
            case .compact(let revision): try core.compact(revision, into: &batch)
            case .grant(let id, let milliseconds, let now):
                try core.grant(id, milliseconds: milliseconds, now: now, into: &batch)
            case .keepAlive(let id, let now): try core.keepAlive(id, now: now, into: &batch)
            case .saveLeases(let ids): core.saveLeases(ids, into: &batch)
            case .survivors(let survivors): core.copy(survivors, into: &batch)
            case .retire(let sequence): core.retire(sequence, into: &batch)
            case .put, .delete, .transaction, .revoke:
                preconditionFailure("decided elsewhere")
            }
        }
        switch proposal {
        case .compact(let revision): effects.compacted = max(effects.compacted ?? .none, revision)
        case .retire(let sequence): effects.retired.append(sequence)
        default: effects.moves += decision.moves
        }
        return decision
    }

    /// Bytes of a record with up to three numbers.
    private static let smallBytes = 80

    private static func changeBytes(_ keyBytes: Int, _ valueBytes: Int) -> Int {
        StoreState.transactionHeaderBytes + Change.headerBytes + keyBytes + valueBytes + 8
    }

    private mutating func change(
        _ body: (inout StoreState, inout LogBatch) throws(StoreError) -> Decision
    ) throws(StoreError) -> Decision {
        let shared = shared
        return try shared.state.withLock { state throws(StoreError) in
            try body(&state.core, &batch)
        }
    }

    private mutating func accept(
        _ transaction: Transaction
    ) throws(StoreError) -> StoreState.Accepted {
        // A compare may look at a value of this very batch, which readers get from the file.
        if transaction.comparesValues { try write(keeping: true) }
        return try shared.state.withLock { state throws(StoreError) in
            let segments = state.segments
            return try state.core.accept(transaction) { place throws(StoreError) in
                try StoredEntry(place, in: segments).value
            }
        }
    }

    // MARK: Writing

    /// Writes the batch so far. `keeping` it, since its last record is not complete.
    private mutating func write(keeping: Bool = false) throws(StoreError) {
        guard !batch.bytes.isEmpty else { return }
        isMarked = false
        try disk.write(batch.bytes.raw, to: segment.descriptor, at: batch.bytesOffset)
        if !keeping { batch.dropWritten() }
    }

    /// Sees to it that `bytes` more, and a seal, fit into the segment.
    private mutating func makeRoom(_ bytes: Int) throws(StoreError) {
        let opening = shared.state.withLock { $0.core.openingBytes }
        let needed = bytes + StoreState.sealBytes + StoreState.sealBytes
        if isUnopened { open(segment) }
        if batch.endOffset + needed > segment.header.fileBytes {
            try roll(toBytes: SegmentHeader.byteCount + opening + needed)
        }
        if batch.endOffset > segment.header.fileBytes / 2 { keeper.prepareNext() }
    }

    /// Ends the segment and goes on in the next, which is ready as a rule.
    private mutating func roll(toBytes bytes: Int) throws(StoreError) {
        let next = try keeper.takeNext(bytes)
        let shared = shared
        shared.state.withLock { $0.core.seal(into: &batch) }
        try write()
        try disk.sync(segment.descriptor)
        var position = batch.position
        (position.segment, position.offset) = (next.sequence, SegmentHeader.byteCount)
        batch = LogBatch(at: position, salt: next.header.salt, term: Self.term)
        segment = next
        open(next)
    }

    private mutating func open(_ segment: Segment) {
        isUnopened = false
        let shared = shared
        shared.state.withLock { state in
            state.core.open(segment.header, into: &batch)
            if state.segments[segment.sequence] == nil {
                state.segments = state.segments.adding(segment)
            }
        }
    }

    // MARK: Publishing

    private mutating func publish(_ round: inout Round, _ effects: Effects) {
        let position = batch.position
        let segments = round.segments
        round.revision = shared.state.withLock { state in
            state.durable = state.core.revision
            state.durableEnd = position
            if let compacted = effects.compacted { state.core.noteCompacted(compacted) }
            for move in effects.moves { state.move(move, state.segments) }
            for sequence in effects.retired {
                state.core.noteRetired(sequence)
                state.segments = state.segments.removing(sequence)
            }
            return state.durable
        }
        // Places in answers may lie in a segment retired just now, or in one begun just now.
        let newest = shared.state.withLock { $0.segments }
        round.segments = newest.merging(segments)
        if effects.compacted != nil { keeper.prune() }
        if !effects.retired.isEmpty { keeper.reclaim() }
    }
}

extension Shared.State {
    fileprivate mutating func move(_ move: Decision.Move, _ segments: SegmentSet) {
        segments[move.new.segment]?.withBytes { bytes in
            guard let change = Change(at: Int(move.new.offset), in: bytes) else { return }
            let key = bytes.extracting(change.keyOffset..<change.valueOffset)
            core.move(change, key: key, from: move.old, to: move.new)
        }
    }
}

extension Transaction {
    fileprivate var comparesValues: Bool {
        compares.contains { if case .value = $0.subject { true } else { false } }
    }
}
