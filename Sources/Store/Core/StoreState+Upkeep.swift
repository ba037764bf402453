// Proposals beside transactions: compaction and leases; and the log's segments.

extension StoreState {
    /// Gives up history before `revision`.
    package mutating func compact(
        _ asked: Revision, into batch: inout LogBatch
    ) throws(StoreError) -> Decision {
        guard asked > compacted else { throw .compacted(requested: asked, oldest: compacted) }
        guard asked <= revision else { throw .future(requested: asked, current: revision) }
        compacting = max(compacting, asked)
        batch.begin(.compaction)
        batch.withPayload { $0.append(integer: asked.number) }
        return Decision(revision: revision, isLogged: true)
    }

    /// Lets history before `revision` go, once the compaction is durable: readers are refused from
    /// now on. What it frees is freed by `prune`, leaf by leaf.
    package mutating func noteCompacted(_ revision: Revision) {
        compacted = max(compacted, revision)
    }

    /// Notes that everything up to `revision` is committed, and may be read.
    package mutating func notePublished(_ revision: Revision) { published = revision }

    /// Forgets freed versions in one leaf. Returns the key at which to go on; nil when done.
    package mutating func prune(from start: [UInt8]) -> [UInt8]? {
        var freed: [KeySpace.Freed] = []
        let next = keys.prune(from: start, before: compacted, freed: &freed)
        for version in freed { segments.free(version) }
        return next
    }

    // MARK: Leases

    package mutating func grant(
        _ id: LeaseID, milliseconds: Int64, now: Int64, into batch: inout LogBatch
    ) throws(StoreError) -> Decision {
        guard leases[id] == nil else { throw .leaseExists(id) }
        guard leases.leases.count < StoreLimits.leasesMax else { throw .tooManyLeases }
        leases.grant(
            id,
            LeaseBook.Lease(
                milliseconds: milliseconds, savedMilliseconds: milliseconds,
                deadline: now + milliseconds, segment: batch.position.segment))
        append(lease: id, as: .lease, to: &batch)
        return Decision(revision: revision, isLogged: true)
    }

    /// Gives the lease its whole time again. Takes a record only if the log knows of much less.
    package mutating func keepAlive(
        _ id: LeaseID, now: Int64, into batch: inout LogBatch
    ) throws(StoreError) -> Decision {
        guard let lease = leases[id] else { throw .leaseNotFound(id) }
        leases.keepAlive(id, now: now)
        guard lease.savedMilliseconds < lease.milliseconds else {
            return Decision(revision: revision)
        }
        return saveLeases([id], into: &batch)
    }

    /// Ends the lease and deletes its keys.
    package mutating func revoke(
        _ id: LeaseID, into batch: inout LogBatch, changes: inout [AppliedChange]
    ) throws(StoreError) -> Decision {
        guard let lease = leases[id] else { throw .leaseNotFound(id) }
        let deletes = lease.keys.sorted { orderOfBytes($0.raw, $1.raw) < 0 }
            .map { Operation.delete(.key($0)) }
        let accepted = Accepted(succeeded: true, operations: deletes, logBytesMax: 0)
        var decision = carryOut(accepted, into: &batch, changes: &changes)
        leases.end(id)
        append(leaseEnd: id, as: .leaseEnd, to: &batch)
        decision.isLogged = true
        return decision
    }

    /// Ends the lease if its time is over. It may have been kept alive since that was found, or it
    /// was found by a member that leads again only now.
    package mutating func expire(
        _ id: LeaseID, now: Int64, into batch: inout LogBatch, changes: inout [AppliedChange]
    ) throws(StoreError) -> Decision {
        leaseTime = max(leaseTime, now)
        guard let deadline = leases[id]?.deadline, deadline <= leaseTime else {
            return Decision(revision: revision)
        }
        return try revoke(id, into: &batch, changes: &changes)
    }

    /// Others may have led, and have kept leases alive: what is left of them is what the log says,
    /// and counts from the next tick.
    package mutating func forgetLeaseTimes() { leases.forgetDeadlines() }

    mutating func append(leaseEnd id: LeaseID, as kind: RecordKind, to batch: inout LogBatch) {
        segments.noteLease(kind, in: batch.position.segment)
        batch.begin(kind)
        batch.withPayload { $0.append(integer: id.number) }
    }

    /// How many bytes ending the lease takes at most.
    package func revokeBytesMax(_ id: LeaseID) -> Int {
        let keys = leases[id]?.keys ?? []
        return keys.reduce(Self.transactionHeaderBytes) {
            $0 + Change.stride(keyBytes: $1.count, valueBytes: 0)
        }
    }

    /// Tells the log how long leases still have.
    package mutating func saveLeases(
        _ ids: [LeaseID], into batch: inout LogBatch
    ) -> Decision {
        var decision = Decision(revision: revision)
        for id in ids where leases[id] != nil {
            noteSaved(id, segment: batch.position.segment)
            append(lease: id, as: .lease, to: &batch)
                decision.isLogged = true
        }
        return decision
    }

    /// Notes that what the lease has left is being written to the log.
    mutating func noteSaved(_ id: LeaseID, segment: UInt32) {
        guard let lease = leases[id] else { return }
        let remaining = lease.deadline.map { min(lease.milliseconds, $0 - leaseTime) }
        leases.save(
            id, milliseconds: max(0, remaining ?? lease.savedMilliseconds), segment: segment)
    }

    /// Lets time pass: returns which leases have ended, which the log should learn about, and when
    /// to look again, in milliseconds; nil if there are no leases.
    ///
    /// - Parameter driftMin: The log learns nothing of a time that is off by less; nil: a minute.
    package mutating func tickLeases(
        now: Int64, driftMin: Int64? = nil
    ) -> (ended: [LeaseID], toSave: [LeaseID], next: Int64?) {
        leaseTime = max(leaseTime, now)
        return leases.tick(
            now: leaseTime, driftMin: driftMin ?? LeaseBook.driftMinMilliseconds)
    }

    /// The lease's time to live, what is left of it, and its keys.
    package func lease(
        _ id: LeaseID
    ) -> (milliseconds: Int64, remaining: Int64, keys: [[UInt8]])? {
        guard let lease = leases[id], let left = leases.remaining(id, now: leaseTime) else {
            return nil
        }
        return (lease.milliseconds, left, Array(lease.keys))
    }

    package var leaseIDs: [LeaseID] { leases.leases.keys.sorted() }

    mutating func append(lease id: LeaseID, as kind: RecordKind, to batch: inout LogBatch) {
        guard let lease = leases[id] else { return }
        segments.noteLease(kind, in: batch.position.segment)
        batch.begin(kind)
        batch.withPayload {
            $0.append(integer: id.number)
            $0.append(integer: lease.milliseconds)
            $0.append(integer: lease.savedMilliseconds)
        }
    }

    // MARK: Segments

    /// Begins a segment in the log.
    ///
    /// - Parameter statement: what is known now, should older segments be gone by the time it is
    ///   read.
    package mutating func open(
        _ header: SegmentHeader, stating statement: LogStatement, into batch: inout LogBatch
    ) {
        segments[header.sequence] = SegmentUse(fileBytes: header.fileBytes)
        let sequences = segments.sequences.filter { !retiring.contains($0) }
        batch.begin(.opening)
        batch.withPayload {
            $0.append(integer: UInt64(sequences.count))
            for sequence in sequences { $0.append(integer: UInt64(sequence)) }
            statement.append(to: &$0)
        }
    }

    /// Ends the segment that is being written.
    package mutating func seal(into batch: inout LogBatch) {
        segments.update(batch.position.segment) { $0.isSealed = true }
        batch.begin(.seal)
        batch.commit()
    }

    /// How many bytes an opening with a statement of so many bytes takes, and the room to leave for
    /// a seal.
    package func openingBytes(statementBytes: Int) -> Int {
        RecordHeader.byteCount + 8 * (segments.uses.count + 2) + statementBytes
    }
    package static let sealBytes = RecordHeader.byteCount
}
