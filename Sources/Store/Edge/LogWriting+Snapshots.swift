internal import Raft
internal import Replica
internal import StoreCore
internal import Synchronization

// A member that lacks what is not kept any more fetches the leader's segments. When they are whole
// and have been read through, they take the place of its log, and it begins anew.

extension LogWriting {
    private static var chunkBytes: Int { 512 * 1024 }
    /// Ticks after which a question is asked again.
    private static var ticksPatient: Int { 30 }

    private var snapshotFiles: SnapshotFiles { SnapshotFiles(directory: directory, disk: disk) }

    /// Offers snapshots to whom they are needed by, and takes offers.
    mutating func noteSnapshots() {
        let (needed, offer) = (effects.snapshotsNeeded, effects.snapshotOffered)
        (effects.snapshotsNeeded, effects.snapshotOffered) = ([], nil)
        for member in needed {
            let snapshot = replica.snapshot
            call { replica, core, effects in
                replica.offerSnapshot(snapshot, to: member, &core, &effects)
            }
        }
        if let offer { consider(offer) }
    }

    private mutating func consider(_ offer: RaftActions.Offer) {
        let term = replica.raft.term
        if let now = cluster?.snapshot, now.source == offer.from, now.term == term { return }
        let whole: Set<SnapshotPart>
        do throws(StoreError) { whole = try snapshotFiles.wholeParts() } catch {
            whole = []  // What an earlier attempt has left cannot be told: all is fetched again.
        }
        let receiver = SnapshotReceiver(from: offer.from, term: term, whole: whole)
        cluster?.snapshot = receiver
        for case .send(let message) in receiver.start() { send(message, to: offer.from) }
    }

    private func send(_ message: SnapshotMessage, to member: MemberID) {
        send(.snapshot(envelope(to: member), message))
    }

    mutating func tickSnapshot() throws(StoreError) {
        guard let receiver = cluster?.snapshot else { return }
        guard receiver.term == replica.raft.term else {
            cluster?.snapshot = nil
            return
        }
        try carryOut(cluster?.snapshot?.tick(ticksMax: Self.ticksPatient) ?? [])
    }

    mutating func receive(
        _ message: SnapshotMessage, from member: MemberID
    ) throws(StoreError) {
        switch message {
        case .ask:
            guard replica.raft.isLeader else { return }
            let parts = try SnapshotSender.parts(files, writtenEnd: replica.writtenEnd)
            if !parts.isEmpty { send(.parts(parts), to: member) }
        case .askChunk(let part, let offset): try sendChunk(of: part, from: offset, to: member)
        case .parts, .chunk, .gone:
            guard cluster?.snapshot?.source == member else { return }
            try carryOut(cluster?.snapshot?.receive(message) ?? [])
        }
    }

    private mutating func sendChunk(
        of part: SnapshotPart, from offset: Int, to member: MemberID
    ) throws(StoreError) {
        do throws(StoreError) {
            let chunk = try SnapshotSender.chunk(
                of: part, from: offset, bytesMax: Self.chunkBytes, files,
                writtenEnd: replica.writtenEnd)
            send(chunk, to: member)
        } catch {
            guard case .damaged = error else { throw error }
            try note(error)
        }
    }

    // MARK: At the member that fetches

    private mutating func carryOut(
        _ actions: [SnapshotReceiver.Action]
    ) throws(StoreError) {
        var waiting = actions
        while !waiting.isEmpty {
            switch waiting.removeFirst() {
            case .send(let message):
                guard let source = cluster?.snapshot?.source else { return }
                send(message, to: source)
            case .make(let part):
                do throws(StoreError) { try snapshotFiles.make(part) } catch {
                    guard error.isDiskFull else { throw error }
                    cluster?.snapshot = nil  // It is offered again, when there may be space.
                    return
                }
                waiting += cluster?.snapshot?.made(part) ?? []
            case .write(let part, let offset, let bytes):
                try snapshotFiles.write(bytes, of: part, at: offset)
                waiting += cluster?.snapshot?.wrote(
                    part, offset: offset, count: bytes.count) ?? []
            case .keep(let part):
                try snapshotFiles.keep(part)
                waiting += cluster?.snapshot?.kept(part) ?? []
            case .discard(let part): try snapshotFiles.discard(part)
            case .install(let parts): try install(parts)
            }
        }
    }

    /// Reads the parts through, as a start would; notes at their end how this member voted, and
    /// says that they are the log.
    private mutating func install(_ parts: [SnapshotPart]) throws(StoreError) {
        guard let receiver = cluster?.snapshot, receiver.term == replica.raft.term,
            replica.raft.leader == receiver.source
        else {
            cluster?.snapshot = nil
            return
        }
        cluster?.snapshot = nil
        let files = snapshotFiles
        let found: RecoveredLog
        let kept: [SnapshotPart]
        do throws(StoreError) {
            let identity = IdentityFile(member: replica.id, founders: replica.members)
            let recovered = try LogRecovery(of: identity).run(IncomingFiles(parts, files))
            (found, kept) = (
                recovered.log, parts.filter { !recovered.leftovers.contains($0.sequence) })
        } catch {
            // Damaged here or there: it is fetched again when it is offered again.
            for part in parts { try files.discard(part) }
            return
        }
        let offered = Snapshot(last: found.log.last, membership: .none)
        guard replica.raft.wants(offered), found.applied >= replica.published.index,
            let last = kept.last
        else {
            for part in parts { try files.discard(part) }
            return
        }
        var batch = LogBatch(
            at: found.position, salt: found.header.salt, term: replica.raft.term,
            committed: found.committed)
        batch.append(vote: replica.raft.hardState, of: replica.id)
        batch.commit()
        try files.append(batch.bytes, to: last, at: found.position.offset)
        try files.install(SnapshotInstallation(parts: kept))
        cluster?.isEnding = true
        cluster?.options.onSnapshotReady()
    }
}

extension LogFiles: MemberFiles {
    var sequences: [UInt32] { segments.segments.map(\.sequence) }
    func name(of sequence: UInt32) -> String { segments[sequence]?.path ?? "segment \(sequence)" }
    func withCheckpoint(_ body: (RawSpan) -> Void) {}
}
