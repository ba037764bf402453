/// Everything the store knows but the bytes: keys, leases, segments, and where history begins.
///
/// It takes proposals one after the other and writes their outcome, not their wording, into a
/// batch for the log: a change in the log needs nothing else to be understood. So the state may run
/// ahead of what is durable, and replaying does not depend on what came before.
package struct StoreState: ~Copyable, Sendable {
    var keys = KeySpace()
    var leases = LeaseBook()
    var segments = SegmentBook()
    /// Of the newest decided transaction.
    package internal(set) var revision = Revision.start
    /// History before it is given up.
    package internal(set) var compacted = Revision.none

    /// Of the newest transaction that is committed.
    package internal(set) var published = Revision.start

    /// Segments from here on hold entries that are not committed yet, or are not written to their
    /// end; all of them, until the caller knows better.
    package var neededFrom: UInt32 = 0

    /// Where the checkpoint on disk begins, if there is one. It may hold what was deleted since, and
    /// the deletes have to stay in the log.
    var checkpointSegment: UInt32?

    /// The newest decided compaction, which may not be durable yet.
    var compacting = Revision.none
    /// Segments whose retirement is decided, and may not be durable yet.
    var retiring: Set<UInt32> = []
    /// What it came to lately.
    var sums = StateSums()
    /// The newest time that was given, in milliseconds.
    var leaseTime: Int64 = 0

    package init() {}

    /// Reads a value that lies in the log.
    package typealias ValueReader = (Place) throws(StoreError) -> [UInt8]

    package var keyCount: Int { keys.entryCount }
    package var hasLeases: Bool { !leases.isEmpty }

    // MARK: Reading

    /// Checks that `revision` can be read, where `current` is the newest that may be.
    package func checkReadable(_ revision: Revision, current: Revision) throws(StoreError) {
        guard revision <= current else {
            throw .future(requested: revision, current: current)
        }
        guard revision >= compacted else {
            throw .compacted(requested: revision, oldest: compacted)
        }
    }

    /// Where the version of `key` that was current at `revision` lies; nil if there was none.
    package func place(of key: [UInt8], at revision: Revision) -> Place? {
        keys.place(of: key.raw, at: revision)
    }

    package func place(of key: RawSpan, at revision: Revision) -> Place? {
        keys.place(of: key, at: revision)
    }

    /// Places found in a range so far.
    package struct Harvest: Sendable {
        var harvest = KeySpace.Harvest()
        package init() {}
        package var places: [Place] { harvest.places }
        package var count: Int { harvest.count }
    }

    /// Adds up to `stepsMax` more keys of the range. Returns false when it is done.
    package func collect(
        _ range: KeyRange, at revision: Revision, limit: Int, stepsMax: Int,
        into harvest: inout Harvest
    ) -> Bool {
        keys.collect(
            range, at: revision, limit: limit, stepsMax: stepsMax, into: &harvest.harvest)
        return harvest.harvest.resume != nil
    }

    // MARK: Transactions

    /// A proposal that has been found acceptable, and which way it goes.
    package struct Accepted: Sendable {
        package var succeeded: Bool
        var operations: [Operation]
        /// At most so many bytes will be added to the log.
        package var logBytesMax: Int
    }

    /// Evaluates what the transaction assumes, and refuses it if it cannot be carried out.
    /// Changes nothing.
    package func accept(
        _ transaction: Transaction, value: ValueReader
    ) throws(StoreError) -> Accepted {
        var succeeded = true
        for compare in transaction.compares where succeeded {
            succeeded = try holds(compare, value: value)
        }
        let operations = succeeded ? transaction.success : transaction.failure
        var bytes = Self.transactionHeaderBytes
        for operation in operations { bytes += try acceptedBytes(of: operation) }
        guard bytes <= StoreLimits.transactionBytesMax + Self.transactionHeaderBytes else {
            throw .tooLarge
        }
        return Accepted(succeeded: succeeded, operations: operations, logBytesMax: bytes)
    }

    /// The most bytes that the transaction may add to the log, whichever way it goes.
    package func logBytesMax(of transaction: Transaction) -> Int {
        max(changeBytes(of: transaction.success), changeBytes(of: transaction.failure))
            + Self.transactionHeaderBytes
    }

    private func changeBytes(of operations: [Operation]) -> Int {
        operations.reduce(0) { bytes, operation in
            switch operation {
            case .put(let key, let value, _, _):
                bytes + Change.stride(keyBytes: key.count, valueBytes: value.count)
            case .delete(let range, _): bytes + deleteBytes(of: range)
            case .range: bytes
            }
        }
    }

    /// Stops counting when it is more than a transaction may have.
    private func deleteBytes(of range: KeyRange) -> Int {
        var bytes = 0
        keys.forEachNewest(in: range) { key, _ in
            bytes += Change.stride(keyBytes: key.count, valueBytes: 0)
            return bytes <= StoreLimits.transactionBytesMax
        }
        return bytes
    }

    private func acceptedBytes(of operation: Operation) throws(StoreError) -> Int {
        switch operation {
        case .put(let key, let value, let lease, _):
            guard lease == .none || leases[lease] != nil else { throw .leaseNotFound(lease) }
            return Change.stride(keyBytes: key.count, valueBytes: value.count)
        case .delete(let range, _): return deleteBytes(of: range)
        case .range(let query):
            if let asked = query.revision { try checkReadable(asked, current: revision) }
            return 0
        }
    }

    private func holds(_ compare: Compare, value: ValueReader) throws(StoreError) -> Bool {
        if let key = compare.range.onlyKey {
            let state = keys.newest(key.raw)
            return try holds(compare, key, state, value: value)
        }
        var found: [([UInt8], KeySpace.State)] = []
        keys.forEachNewest(in: compare.range) { key, state in
            found.append((key, state))
            return true
        }
        guard !found.isEmpty else { return try holds(compare, nil, nil, value: value) }
        for (key, state) in found {
            guard try holds(compare, key, state, value: value) else { return false }
        }
        return true
    }

    private func holds(
        _ compare: Compare, _ key: [UInt8]?, _ state: KeySpace.State?, value: ValueReader
    ) throws(StoreError) -> Bool {
        switch compare.subject {
        case .createRevision(let given):
            compare.relation.holds(state?.createRevision ?? .none, given)
        case .modRevision(let given):
            compare.relation.holds(state?.modRevision ?? .none, given)
        case .version(let given):
            compare.relation.holds(state?.version ?? 0, given)
        case .lease(let given):
            compare.relation.holds(key.map { leases.lease(of: $0) } ?? .none, given)
        case .value(let given):
            if let state {
                compare.relation.holds(BytesInOrder(try value(state.place)), BytesInOrder(given))
            } else {
                false
            }
        }
    }

    /// Carries out what was accepted, with no other proposal in between.
    package mutating func carryOut(
        _ accepted: Accepted, into batch: inout LogBatch, changes: inout [AppliedChange]
    ) -> Decision {
        var step = TransactionStep(revision: revision.next)
        var outcomes: [Decision.Outcome] = []
        outcomes.reserveCapacity(accepted.operations.count)
        for operation in accepted.operations {
            outcomes.append(carryOut(operation, &step, &batch, &changes))
        }
        finish(step, &batch)
        return Decision(
            revision: revision, succeeded: accepted.succeeded, outcomes: outcomes,
            isLogged: step.count > 0)
    }

    private mutating func carryOut(
        _ operation: Operation, _ step: inout TransactionStep, _ batch: inout LogBatch,
        _ changes: inout [AppliedChange]
    ) -> Decision.Outcome {
        switch operation {
        case .put(let key, let value, let lease, let previous):
            let old = put(key, value, lease: lease, &step, &batch, &changes)
            return .put(previous: previous ? old : nil)
        case .delete(let range, let previous):
            var found: [([UInt8], KeySpace.State)] = []
            keys.forEachNewest(in: range) { key, state in
                found.append((key, state))
                return true
            }
            for (key, state) in found { delete(key, state, &step, &batch, &changes) }
            return .deleted(count: found.count, previous: previous ? found.map(\.1.place) : [])
        case .range(let query):
            var harvest = KeySpace.Harvest()
            keys.collect(
                query.range, at: query.revision ?? step.revision, limit: query.collectedMax,
                stepsMax: .max, into: &harvest)
            return .range(query, places: harvest.places, count: harvest.count)
        }
    }

    // MARK: One key

    /// Puts or refuses one key, the cheap way.
    package mutating func put(
        _ key: [UInt8], _ value: [UInt8], expected: Revision?, lease: LeaseID,
        into batch: inout LogBatch, changes: inout [AppliedChange]
    ) throws(StoreError) -> Decision {
        guard lease == .none || leases[lease] != nil else { throw .leaseNotFound(lease) }
        try check(expected, key)
        var step = TransactionStep(revision: revision.next)
        let old = put(key, value, lease: lease, &step, &batch, &changes)
        finish(step, &batch)
        return Decision(revision: revision, outcomes: [.put(previous: old)], isLogged: true)
    }

    /// Deletes one key or refuses to. Deleting what is not there changes nothing.
    package mutating func delete(
        _ key: [UInt8], expected: Revision?, into batch: inout LogBatch,
        changes: inout [AppliedChange]
    ) throws(StoreError) -> Decision {
        try check(expected, key)
        var step = TransactionStep(revision: revision.next)
        guard let state = keys.newest(key.raw) else {
            return Decision(revision: revision, outcomes: [.deleted(count: 0, previous: [])])
        }
        delete(key, state, &step, &batch, &changes)
        finish(step, &batch)
        let outcome = Decision.Outcome.deleted(count: 1, previous: [state.place])
        return Decision(revision: revision, outcomes: [outcome], isLogged: true)
    }

    private func check(_ expected: Revision?, _ key: [UInt8]) throws(StoreError) {
        guard let expected else { return }
        let current = keys.newest(key.raw)?.modRevision ?? .none
        guard current == expected else { throw .conflict(current: current) }
    }

    /// A transaction on its way into the log.
    struct TransactionStep {
        let revision: Revision
        var count: UInt32 = 0
        /// Where its payload begins, in the batch's bytes.
        var payload = 0
    }

    package static let transactionHeaderBytes = RecordHeader.byteCount + 16

    private func begin(_ step: inout TransactionStep, _ batch: inout LogBatch) {
        if step.count == 0 {
            batch.begin(.transaction)
            step.payload = batch.withPayload { bytes in
                bytes.append(integer: step.revision.number)
                bytes.append(integer: 0 as Int64)
                return bytes.count - 16
            }
        }
        step.count += 1
    }

    private mutating func finish(_ step: TransactionStep, _ batch: inout LogBatch) {
        guard step.count > 0 else { return }
        batch.withPayload { $0.store(step.count, at: step.payload + 8) }
        revision = step.revision
        noteSum()
        let offset = batch.bytesOffset + step.payload - RecordHeader.byteCount
        segments.update(batch.position.segment) {
            $0.note(transaction: step.revision, at: offset)
        }
    }

    private mutating func put(
        _ key: [UInt8], _ value: [UInt8], lease: LeaseID, _ step: inout TransactionStep,
        _ batch: inout LogBatch, _ changes: inout [AppliedChange]
    ) -> Place? {
        let old = keys.newest(key.raw)
        let change = NewChange(
            isDelete: false, createRevision: old?.createRevision ?? step.revision,
            modRevision: step.revision, version: (old?.version ?? 0) + 1, lease: lease)
        add(change, key, value, previous: old?.place, &step, &batch, &changes)
        return old?.place
    }

    private mutating func delete(
        _ key: [UInt8], _ old: KeySpace.State, _ step: inout TransactionStep,
        _ batch: inout LogBatch, _ changes: inout [AppliedChange]
    ) {
        let change = NewChange(
            isDelete: true, createRevision: .none, modRevision: step.revision, version: 0,
            lease: .none)
        add(change, key, [], previous: old.place, &step, &batch, &changes)
    }

    private mutating func add(
        _ change: NewChange, _ key: [UInt8], _ value: [UInt8], previous: Place?,
        _ step: inout TransactionStep, _ batch: inout LogBatch, _ changes: inout [AppliedChange]
    ) {
        begin(&step, &batch)
        let place = Place(segment: batch.position.segment, offset: UInt32(batch.endOffset))
        let bytes = Change.stride(keyBytes: key.count, valueBytes: value.count)
        batch.withPayload { $0.append(change, key: key.raw, value: value.raw) }
        keys.add(key.raw, change, place: place, bytes: bytes)
        leases.attach(key.raw, to: change.lease)
        segments.update(place.segment) { use in
            use.liveBytes += bytes
            if !change.isDelete { use.note(put: change.modRevision) }
        }
        changes.append(AppliedChange(revision: step.revision, place: place, previous: previous))
    }
}

/// Bytes, to be compared as keys are.
private struct BytesInOrder: Comparable {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }
    static func < (left: BytesInOrder, right: BytesInOrder) -> Bool {
        orderOfBytes(left.bytes.raw, right.bytes.raw) < 0
    }
}

extension Compare.Relation {
    fileprivate func holds<Value: Comparable>(_ found: Value, _ given: Value) -> Bool {
        switch self {
        case .equal: found == given
        case .notEqual: found != given
        case .greater: found > given
        case .less: found < given
        }
    }
}
