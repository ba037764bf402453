internal import StoreCore

/// Something that a reader was shown, to be compared when the replay gets there.
struct Claim {
    var revision: Revision
    var operation: Int
    var query: RangeQuery
    var found: Found
}

/// Where the replay of a history is, and what it goes by.
struct Replay {
    var model: ReplayModel
    var changes: [Revision: Int] = [:]
    /// Transactions that changed nothing, and what ranges showed, in order of revision.
    var readers: [(revision: Revision, operation: Int)] = []
    var claims: [Claim] = []
    var evidence: [Revision: Evidence] = [:]
    var suspects = Suspects()
    var matching = Matching()
    var (nextReader, nextClaim) = (0, 0)

    init(model: ReplayModel) { self.model = model }
}

extension HistoryCheck {
    /// Replays all transactions in order of revision, and compares what everybody saw. Returns
    /// whether it got through.
    mutating func replay() -> Bool {
        var replay = Replay(model: ReplayModel(tellsVersions: history.scope.tellsVersions))
        guard gather(&replay) else { return false }
        var revision = history.scope.start
        guard compareReaders(at: revision, &replay) else { return false }
        while revision < newest {
            revision = revision.next
            let done =
                replay.changes[revision].map { apply($0, at: revision, &replay) }
                ?? explain(revision, &replay)
            guard done, compareReaders(at: revision, &replay) else { return false }
        }
        return true
    }

    // MARK: What was seen

    private mutating func gather(_ replay: inout Replay) -> Bool {
        for (number, operation) in history.operations.enumerated() {
            switch (operation.call, operation.reply) {
            case (.transact(let transaction), .unknown), (.transact(let transaction), .done):
                replay.suspects.add(number, transaction)
            case (.transact(let transaction), .transacted(let reply)):
                guard gather(transaction, reply, number, &replay) else { return false }
            case (.range(let query, _), .found(let found, let revision)):
                let shown = query.revision ?? revision
                guard shown <= revision else {
                    report(
                        .read, [number], expected: "a store at revision \(shown) at least",
                        found: "\(revision)")
                    return false
                }
                replay.claims.append(
                    Claim(revision: shown, operation: number, query: query, found: found))
            case (.range, .seen(let entry?)): gather([entry], number, &replay)
            default: break
            }
        }
        for (number, operation) in history.operations.enumerated() {
            guard case .watch(let call) = operation.call,
                case .watched(let record) = operation.reply
            else { continue }
            gather(call, record, number, &replay)
        }
        for claim in replay.claims { gather(claim.found.entries, claim.operation, &replay) }
        replay.readers.sort { ($0.revision, $0.operation) < ($1.revision, $1.operation) }
        replay.claims.sort { ($0.revision, $0.operation) < ($1.revision, $1.operation) }
        return true
    }

    private mutating func gather(
        _ transaction: Transaction, _ reply: TransactionReply, _ number: Int,
        _ replay: inout Replay
    ) -> Bool {
        if !reply.isChange {
            replay.readers.append((reply.revision, number))
        } else if let other = replay.changes.updateValue(number, forKey: reply.revision) {
            report(
                .revisionOnce, [other, number], expected: "two revisions",
                found: "\(reply.revision) twice")
            return false
        }
        // A range at an older revision is judged where the replay is at that revision.
        let operations = reply.succeeded ? transaction.success : transaction.failure
        for (operation, outcome) in zip(operations, reply.outcomes) {
            guard case .range(let query) = operation, let revision = query.revision,
                case .found(let found) = outcome
            else { continue }
            replay.claims.append(
                Claim(revision: revision, operation: number, query: query, found: found))
        }
        return true
    }

    private func gather(
        _ call: WatchCall, _ record: WatchRecord, _ number: Int, _ replay: inout Replay
    ) {
        let everything = history.scope.keys ?? .all
        for delivery in record.deliveries {
            guard case .events(let events) = delivery.content else { continue }
            // Of a change whose answer is there, nothing has to be found out.
            for event in events where replay.changes[event.revision] == nil {
                replay.evidence[event.revision, default: Evidence()].events[event.key] = event.kind
                replay.evidence[event.revision]?.witness = number
                if call.range == everything { replay.evidence[event.revision]?.isComplete = true }
            }
        }
    }

    private func gather(_ entries: [Entry], _ number: Int, _ replay: inout Replay) {
        for entry in entries where replay.changes[entry.modRevision] == nil {
            var evidence = replay.evidence[entry.modRevision] ?? Evidence()
            if evidence.events[entry.key] == nil { evidence.events[entry.key] = .put(entry) }
            evidence.witness = evidence.witness ?? number
            replay.evidence[entry.modRevision] = evidence
        }
    }

    // MARK: Changes

    private mutating func apply(_ number: Int, at revision: Revision, _ replay: inout Replay)
        -> Bool
    {
        guard case .transact(let transaction) = history.operations[number].call,
            case .transacted(let found) = history.operations[number].reply
        else { return false }
        let (expected, events) = replay.model.carryOut(transaction, at: revision)
        note(events, at: revision)
        return compare(number, transaction, expected: expected, found: found)
    }

    mutating func note(_ events: [WatchEvent], at revision: Revision) {
        self.events.append(events)
        for event in events { revisionsOfKey[event.key, default: []].append(revision) }
    }

    private mutating func compare(
        _ number: Int, _ transaction: Transaction, expected: TransactionReply,
        found: TransactionReply
    ) -> Bool {
        var expected = expected
        let operations = found.succeeded ? transaction.success : transaction.failure
        for (place, operation) in operations.enumerated() {
            guard case .range(let query) = operation, query.revision != nil,
                expected.succeeded == found.succeeded, place < found.outcomes.count
            else { continue }
            expected.outcomes[place] = found.outcomes[place]
        }
        guard expected != found else { return true }
        report(
            .result, [number], expected: HistoryText.text(.transacted(expected)),
            found: HistoryText.text(.transacted(found)))
        return false
    }

    // MARK: Readers

    /// Compares what was read at `revision`, where the replay is.
    private mutating func compareReaders(at revision: Revision, _ replay: inout Replay) -> Bool {
        while replay.nextReader < replay.readers.count,
            replay.readers[replay.nextReader].revision <= revision
        {
            let number = replay.readers[replay.nextReader].operation
            replay.nextReader += 1
            guard case .transact(let transaction) = history.operations[number].call,
                case .transacted(let found) = history.operations[number].reply
            else { continue }
            var model = replay.model
            var expected = model.carryOut(transaction, at: revision.next).reply
            if !expected.isChange { expected.revision = revision }
            guard compare(number, transaction, expected: expected, found: found) else {
                return false
            }
        }
        while replay.nextClaim < replay.claims.count,
            replay.claims[replay.nextClaim].revision <= revision
        {
            let claim = replay.claims[replay.nextClaim]
            replay.nextClaim += 1
            let expected = replay.model.found(claim.query)
            guard expected != claim.found else { continue }
            report(
                .read, [claim.operation],
                expected: HistoryText.text(.found(expected, revision: revision)),
                found: HistoryText.text(.found(claim.found, revision: claim.revision)))
            return false
        }
        return true
    }
}
