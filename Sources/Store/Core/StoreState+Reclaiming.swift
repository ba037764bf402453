/// A change in a segment to be retired, which is needed still.
package struct Survivor: Sendable {
    package var place: Place
    /// The change's own bytes.
    package var bytes: [UInt8]
    /// A delete that keeps older, dead puts of its key from coming back at a recovery.
    package var isTombstone: Bool
}

/// What is still needed of a stretch of a segment that is to be retired.
package struct Survivors: Sendable {
    package var changes: [Survivor] = []
    /// Leases whose newest record lies there.
    package var leases: [LeaseID] = []
    /// Leases whose end is told there, and whose beginning may be told elsewhere.
    package var endedLeases: [LeaseID] = []
    /// Where to go on; nil at the segment's end.
    package var resume: Int?

    package var isEmpty: Bool { changes.isEmpty && leases.isEmpty && endedLeases.isEmpty }
    package var bytes: Int { changes.reduce(0) { $0 + $1.bytes.count } }
}

extension StoreState {
    /// Looks through a stretch of a sealed segment for what is alive.
    ///
    /// - Parameters:
    ///   - offset: Where a record begins.
    ///   - bytesMax: How far to look, about.
    /// - Throws: ``LogDamage`` if a record there is not what was written: nothing is copied that
    ///   has not been checked.
    package func survivors(
        in bytes: RawSpan, of header: SegmentHeader, from offset: Int, bytesMax: Int
    ) throws(LogDamage) -> Survivors {
        var survivors = Survivors()
        var next = offset
        while next - offset < bytesMax {
            guard RecordHeader(at: next, in: bytes, salt: header.salt) != nil else {
                throw LogDamage(offset: next, reason: .record)
            }
            let record = try LogRecord(at: next, of: bytes)
            next = record.end
            guard segments[header.sequence]?.isVoid(record.offset) != true else { continue }
            switch record.kind {
            case .seal: return survivors
            case .transaction, .survivors:
                try addSurvivors(of: record, in: bytes, header.sequence, to: &survivors)
            case .lease, .leaseEnd, .leaseCopy, .leaseEndCopy:
                let id = LeaseID(bytes.integer(at: record.payload.lowerBound, as: Int64.self))
                addLease(id, record.kind, header.sequence, to: &survivors)
            case .opening, .compaction, .retirement, .syncedMark, .vote, .membership, .noop: break
            }
        }
        survivors.resume = next
        return survivors
    }

    private func addSurvivors(
        of record: LogRecord, in bytes: RawSpan, _ sequence: UInt32, to survivors: inout Survivors
    ) throws(LogDamage) {
        let count = bytes.integer(at: record.payload.lowerBound + 8, as: UInt32.self)
        var offset = record.payload.lowerBound + 16
        for _ in 0..<count {
            guard let change = Change(at: offset, in: bytes) else {
                throw LogDamage(offset: offset, reason: .contents)
            }
            let key = bytes.slice(change.keyOffset, change.keyBytes)
            let place = Place(segment: sequence, offset: UInt32(offset))
            let isHeld = keys.holds(key, change.modRevision, at: place)
            let isCopy = record.kind == .survivors
            if isHeld || change.isDelete && isTombstone(change, key, isCopy: isCopy, sequence) {
                survivors.changes.append(
                    Survivor(
                        place: place, bytes: [UInt8](bytes.slice(offset, change.stride)),
                        isTombstone: !isHeld))
            }
            offset += change.stride
        }
    }

    /// Whether a compacted delete is needed, as a put of its key may lie in some segment. All of
    /// those are older than a copy of the delete.
    private func isTombstone(
        _ change: Change, _ key: RawSpan, isCopy: Bool, _ sequence: UInt32
    ) -> Bool {
        if isSuperseded(change, key) { return false }
        if isAfterCheckpoint(sequence) { return true }
        let others = segments.uses.filter { $0.key != sequence }
        if isCopy, !others.contains(where: { $0.key < sequence }) { return false }
        return others.contains { ($0.value.oldestPut ?? change.modRevision) < change.modRevision }
    }

    /// Whether a segment tells what the checkpoint on disk may not know.
    private func isAfterCheckpoint(_ sequence: UInt32) -> Bool {
        checkpointSegment.map { $0 <= sequence } ?? false
    }

    /// Notes that a checkpoint is on disk, and where it begins.
    package mutating func noteCheckpoint(at segment: UInt32?) { checkpointSegment = segment }

    /// Where the checkpoint on disk begins.
    package var checkpointBegin: UInt32? { checkpointSegment }

    /// Whether the delete's own version is known from elsewhere, or one that is there to stay hides
    /// it from every revision that can be read. A later one does not: between the two, older puts
    /// would be seen.
    private func isSuperseded(_ change: Change, _ key: RawSpan) -> Bool {
        let newest = keys.newestRevision(key, upTo: max(compacted, change.modRevision))
        return newest.map { $0 >= change.modRevision } ?? false
    }

    private func addLease(
        _ id: LeaseID, _ kind: RecordKind, _ sequence: UInt32, to survivors: inout Survivors
    ) {
        if let lease = leases[id] {
            if lease.segment == sequence, !survivors.leases.contains(id) {
                survivors.leases.append(id)
            }
        } else if kind == .leaseEnd || kind == .leaseEndCopy,
            isAfterCheckpoint(sequence) || segments.uses.contains(where: { $0.key < sequence })
        {
            survivors.endedLeases.append(id)
        }
    }

    /// Copies the survivors that are needed still; the caller calls `move` once they are written.
    package mutating func copy(_ survivors: Survivors, into batch: inout LogBatch) -> Decision {
        var decision = Decision(revision: revision)
        for id in survivors.leases where leases[id] != nil {
            noteSaved(id, segment: batch.position.segment)
            append(lease: id, as: .leaseCopy, to: &batch)
            decision.isLogged = true
        }
        for id in survivors.endedLeases where leases[id] == nil {
            append(leaseEnd: id, as: .leaseEndCopy, to: &batch)
            decision.isLogged = true
        }
        let needed = survivors.changes.compactMap { survivor in
            neededChange(survivor).map { (survivor, $0) }
        }
        guard !needed.isEmpty else { return decision }
        decision.isLogged = true
        batch.begin(.survivors)
        batch.withPayload { bytes in
            bytes.append(integer: 0 as Int64)
            bytes.append(integer: Int64(needed.count))
        }
        for (survivor, change) in needed {
            let place = Place(segment: batch.position.segment, offset: UInt32(batch.endOffset))
            batch.withPayload { $0 += survivor.bytes }
            segments.pay(forCopying: survivor.bytes.count)
            note(change, at: place, isTombstone: survivor.isTombstone)
            guard !survivor.isTombstone else { continue }
            decision.moves.append(Decision.Move(old: survivor.place, new: place))
        }
        return decision
    }

    /// The survivor's change, if nothing has happened since that makes a copy needless.
    private func neededChange(_ survivor: Survivor) -> Change? {
        let bytes = survivor.bytes.raw
        guard let change = Change(at: 0, in: bytes) else { return nil }
        let key = bytes.slice(change.keyOffset, change.keyBytes)
        let isNeeded =
            survivor.isTombstone
            ? !isSuperseded(change, key)
            : keys.holds(key, change.modRevision, at: survivor.place)
        return isNeeded ? change : nil
    }

    private mutating func note(_ change: Change, at place: Place, isTombstone: Bool) {
        segments.update(place.segment) { use in
            if isTombstone {
                use.tombstoneBytes += change.stride
            } else if !change.isDelete {
                use.note(put: change.modRevision)
            }
        }
    }

    /// Refers readers to the copy of a change, which is written by now.
    package mutating func move(_ change: Change, key: RawSpan, from old: Place, to new: Place) {
        guard keys.move(key, change.modRevision, from: old, to: new) else { return }
        segments.update(old.segment) { $0.liveBytes -= change.stride }
        segments.update(new.segment) { $0.liveBytes += change.stride }
    }

    /// Ends a segment's life in the log.
    ///
    /// - Parameter statement: what it may have told that is to be known still.
    package mutating func retire(
        _ sequence: UInt32, stating statement: LogStatement, into batch: inout LogBatch
    ) -> Decision {
        retiring.insert(sequence)
        batch.begin(.retirement)
        batch.withPayload {
            $0.append(integer: UInt64(sequence))
            statement.append(to: &$0)
        }
        return Decision(revision: revision, isLogged: true)
    }

    /// Forgets a segment whose retirement is durable.
    package mutating func noteRetired(_ sequence: UInt32) {
        segments[sequence] = nil
        retiring.remove(sequence)
    }

    package var segmentUses: [UInt32: SegmentUse] { segments.uses }

    /// The segment to retire next, if any.
    package mutating func victim(
        spareBytes: Int, plan: RetentionPlan = RetentionPlan()
    ) -> UInt32? {
        segments.limitCopies()
        let settled = segments.uses.filter { $0.key < neededFrom }
        return plan.victim(
            among: segments.uses, candidates: settled, compacted: compacted, spareBytes: spareBytes,
            mayCopy: segments.copyBytesAllowed > 0)
    }
}
