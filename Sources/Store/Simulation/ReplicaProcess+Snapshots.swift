internal import Raft
internal import Replica
internal import StoreCore
internal import StoreHistory
internal import StoreSimulator

/// A snapshot on its way, from here or to here.
struct SnapshotWork {
    var receiver: SnapshotReceiver?
    /// Being put in the place of the log: the member stands still.
    var isInstalling = false
    /// When somebody asked for a part for the last time, in ticks.
    var servedAt: Int?
    /// What is being written: part, offset, count.
    var writing: (part: SnapshotPart, offset: Int, count: Int)?
    /// To be renamed once the file that says so is in place.
    var installation: SnapshotInstallation?
    /// Where the log will go on then.
    var end: (header: SegmentHeader, position: LogPosition, committed: LogIndex)?

    var isReceiving: Bool { receiver != nil || isInstalling }

    func isServing(_ tick: Int) -> Bool { servedAt.map { tick - $0 < 20 } ?? false }
}

extension SimulatedFiles {
    static let installation = "installation"

    /// Parts bear their names once they are whole.
    static func incoming(_ part: SnapshotPart) -> String {
        "incoming-\(part.sequence)-\(part.salt)-\(part.fileBytes)-\(part.bytes)"
    }

    static func part(_ name: String) -> SnapshotPart? {
        let numbers = name.split(separator: "-").dropFirst().map { UInt64($0) }
        guard name.hasPrefix("incoming-"), numbers.count == 4, let sequence = numbers[0],
            let salt = numbers[1], let size = numbers[2], let bytes = numbers[3]
        else { return nil }
        return SnapshotPart(
            sequence: UInt32(sequence), salt: salt, fileBytes: Int(size), bytes: Int(bytes))
    }
}

/// The parts of a snapshot as if they were the log already.
private struct IncomingFiles: MemberFiles {
    let disk: SimulatedDisk
    let parts: [SnapshotPart]

    var sequences: [UInt32] { parts.map(\.sequence) }
    func name(of sequence: UInt32) -> String {
        parts.first { $0.sequence == sequence }.map(SimulatedFiles.incoming) ?? "none"
    }
    func withCheckpoint(_ body: (RawSpan) -> Void) {}

    func withSegment<Result>(
        _ sequence: UInt32, _ body: (RawSpan) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let result: Result? = try disk.withBytes(of: name(of: sequence)) {
            bytes throws(StoreError) in try body(bytes.raw)
        }
        guard let result else {
            throw .damaged(file: name(of: sequence), LogDamage(offset: 0, reason: .missing))
        }
        return result
    }
}

extension ReplicaProcess {
    // MARK: At the leader

    func offerSnapshot(to follower: MemberID) {
        guard let snapshot = running?.replica.snapshot else { return }
        running?.replica.offerSnapshot(snapshot, to: follower, &core, &effects)
    }

    private func send(_ message: SnapshotMessage, to member: MemberID) {
        send(.snapshot(envelope(to: member), message))
    }

    func take(_ message: SnapshotMessage, from: MemberID) throws(StoreError) {
        switch message {
        case .ask:
            guard let end = running?.replica.writtenEnd, running?.replica.raft.isLeader == true
            else { return }
            snapshot.servedAt = tickCount
            let parts = try SnapshotSender.parts(files, writtenEnd: end)
            if !parts.isEmpty { send(.parts(parts), to: from) }
        case .askChunk(let part, let offset):
            guard let end = running?.replica.writtenEnd else { return }
            snapshot.servedAt = tickCount
            // Large segments in small pieces would take longer than clients are asked to wait.
            let bytesMax = max(habits.chunkBytes, part.fileBytes / Limits.chunksPerSegmentMax)
            let chunk = try SnapshotSender.chunk(
                of: part, from: offset, bytesMax: bytesMax, files, writtenEnd: end)
            send(chunk, to: from)
        case .parts, .chunk, .gone:
            guard snapshot.receiver?.source == from else { return }
            try carryOut(snapshot.receiver?.receive(message) ?? [])
        }
    }

    // MARK: At the follower

    func consider(_ offer: RaftActions.Offer) {
        guard let term = running?.replica.raft.term, !snapshot.isInstalling else { return }
        if let receiver = snapshot.receiver, receiver.source == offer.from, receiver.term == term {
            return
        }
        let whole = Set(disk.names.compactMap(SimulatedFiles.part))
        let receiver = SnapshotReceiver(from: offer.from, term: term, whole: whole)
        snapshot.receiver = receiver
        snapshot.writing = nil
        for case .send(let message) in receiver.start() {
            send(message, to: offer.from)
        }
    }

    func tickSnapshot() {
        guard let receiver = snapshot.receiver, let raft = running?.replica.raft else { return }
        guard receiver.term == raft.term else { return snapshot.receiver = nil }
        let actions = snapshot.receiver?.tick(ticksMax: 3) ?? []
        for case .send(let message) in actions {
            send(message, to: receiver.source)
        }
    }

    private func carryOut(_ actions: [SnapshotReceiver.Action]) throws(StoreError) {
        for action in actions {
            switch action {
            case .send(let message):
                guard let source = snapshot.receiver?.source else { return }
                send(message, to: source)
            case .make(let part): make(part)
            case .write(let part, let offset, let bytes):
                snapshot.writing = (part, offset, bytes.count)
                issue(
                    [.write(Self.arriving(part), offset: offset, bytes)], .chunkWritten(part))
            case .keep(let part):
                issue(
                    [
                        .sync(Self.arriving(part)),
                        .rename(Self.arriving(part), to: SimulatedFiles.incoming(part)),
                        .syncDirectory,
                    ], .partDone(part))
            case .discard(let part): discard(part)
            case .install(let parts): try install(parts)
            }
        }
    }

    private static func arriving(_ part: SnapshotPart) -> String {
        SimulatedFiles.incoming(part) + ".new"
    }

    private func make(_ part: SnapshotPart) {
        make(
            FileJob(
                name: SimulatedFiles.incoming(part), bytes: part.fileBytes, contents: [],
                .incoming(part)))
    }

    func noteCreated(_ part: SnapshotPart) throws(StoreError) {
        try carryOut(snapshot.receiver?.made(part) ?? [])
    }

    func noteChunkWritten(_ part: SnapshotPart) throws(StoreError) {
        guard let written = snapshot.writing, written.part == part else { return }
        snapshot.writing = nil
        let actions = snapshot.receiver?.wrote(
            part, offset: written.offset, count: written.count)
        try carryOut(actions ?? [])
    }

    func noteWhole(_ part: SnapshotPart) throws(StoreError) {
        try carryOut(snapshot.receiver?.kept(part) ?? [])
    }

    private func discard(_ part: SnapshotPart) {
        for name in [SimulatedFiles.incoming(part), Self.arriving(part)]
        where disk.byteCount(of: name) != nil {
            issue([.remove(name)])
        }
    }

    // MARK: Switching over

    /// All is there: the member stands still until it is the log.
    private func install(_ parts: [SnapshotPart]) throws(StoreError) {
        guard let receiver = snapshot.receiver, let raft = running?.replica.raft else { return }
        guard receiver.term == raft.term, raft.leader == receiver.source else {
            return snapshot.receiver = nil
        }
        do throws(StoreError) {
            let files = IncomingFiles(disk: disk, parts: parts)
            let found = try LogRecovery(of: identity).run(files)
            let snapshot = Snapshot(last: found.log.log.last, membership: .none)
            let applied = running?.replica.published.index ?? .zero
            guard raft.wants(snapshot), found.log.applied >= applied else { return giveUp(parts) }
            self.snapshot.writing = nil
            self.snapshot.isInstalling = true
            self.snapshot.installation = SnapshotInstallation(
                parts: parts.filter { !found.leftovers.contains($0.sequence) })
            self.snapshot.end = (found.log.header, found.log.position, found.log.committed)
        } catch {
            // Damaged here or there: it is fetched again.
            giveUp(parts)
        }
    }

    private func giveUp(_ parts: [SnapshotPart]) {
        snapshot.receiver = nil
        for part in parts { discard(part) }
    }

    /// Nothing else is under way on the disk: notes the vote at the new log's end, and then that it
    /// is the log.
    func goOnInstalling() {
        guard snapshot.isInstalling, commands.isEmpty, let end = snapshot.end,
            let installation = snapshot.installation, let raft = running?.replica.raft,
            let tail = installation.parts.last
        else { return }
        snapshot.end = nil
        blocked = []
        var batch = LogBatch(
            at: end.position, salt: end.header.salt, term: raft.term, committed: end.committed)
        batch.append(vote: raft.hardState, of: member)
        batch.commit()
        let name = SimulatedFiles.incoming(tail)
        issue([.write(name, offset: end.position.offset, batch.bytes), .sync(name)])
        make(
            FileJob(
                name: SimulatedFiles.installation, contents: installation.encoded(),
                .installation))
    }

    /// Gives the parts of a snapshot the names of segments, if there is one to be put in place.
    /// Returns whether there is.
    func finishInstallation() throws(StoreError) -> Bool {
        let name = SimulatedFiles.installation
        guard let size = disk.byteCount(of: name), let bytes = disk.read(name, 0..<size) else {
            return false
        }
        guard let installation = SnapshotInstallation(bytes) else {
            throw .damaged(file: name, LogDamage(offset: 0, reason: .contents))
        }
        snapshot.isInstalling = true
        var commands: [DiskCommand] = []
        for sequence in disk.names.compactMap(SimulatedFiles.sequence)
        where !installation.keeps(sequence) {
            commands.append(.remove(SimulatedFiles.segment(sequence)))
        }
        if disk.byteCount(of: SimulatedFiles.checkpoint) != nil {
            commands.append(.remove(SimulatedFiles.checkpoint))
        }
        for part in installation.parts
        where disk.byteCount(of: SimulatedFiles.incoming(part)) != nil {
            let segment = SimulatedFiles.segment(part.sequence)
            commands.append(.rename(SimulatedFiles.incoming(part), to: segment))
        }
        issue(commands + [.syncDirectory, .remove(name), .syncDirectory], .installed)
        return true
    }

    func noteInstalled() throws(StoreError) {
        for ticket in running?.replica.takeTickets() ?? [] {
            try take(Effects.Answer(ticket: ticket, result: .failure(.outcomeUnknown)))
        }
        for (number, _) in changes { answer(number, .reply(.unknown)) }
        running = nil
        questions = [:]
        (effects, isSynced) = (Effects(), false)
        forgetInputs()
        (next, nextBytes, reclaim, changes) = (nil, nil, nil, [])
        (checkpoint, snapshot) = (CheckpointWork(), SnapshotWork())
        files = SimulatedFiles(disk)
        for name in disk.names where name.hasPrefix("incoming-") { issue([.remove(name)]) }
        try recover()
    }
}
