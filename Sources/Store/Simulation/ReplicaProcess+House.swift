internal import Raft
internal import Replica
internal import StoreCore
internal import StoreSimulator

/// A segment whose survivors are being copied.
struct Reclaim {
    var sequence: UInt32
    var offset = SegmentHeader.byteCount
    /// Whether nothing is left to be copied.
    var isAtEnd = false
    /// Whether the log is being written; then there is nothing to do.
    var isInFlight = false
}

/// A checkpoint on its way to the disk.
struct CheckpointWork {
    var writer: CheckpointWriter?
    var body: [UInt8] = []
    /// Tells one from another that was given up.
    var number = 0
    var segmentsBegun = 0
    /// Whether one is to be made whatever was begun.
    var isWanted = false
    var isWaiting = false
}

extension ReplicaProcess {
    /// Forgets what compaction gave up, and gives back segments in which little is alive.
    func keepHouse() throws(StoreError) {
        let before = (segment: newest, questions: questionCount)
        if let start = pruneStart {
            pruneStart = core.prune(from: start)
            if pruneStart == nil { looksForVictim = true }
        }
        guard running?.replica.needsRebuild == false else { return }
        chooseVictim()
        try copySurvivors()
        try writeCheckpoint()
        let hasProposed = newest != before.segment || questionCount != before.questions
        if hasProposed { try write() }
    }

    var houseTicks: Int { max(Limits.houseTicksMin, boot.restFactor / 5) }

    private func chooseVictim() {
        guard looksForVictim, reclaim == nil, pruneStart == nil,
            !snapshot.isServing(tickCount)
        else { return }
        looksForVictim = false
        seenByHouse = running?.replica.published.index
        let plan = RetentionPlan(bytesMin: habits.logBytesMin)
        if let victim = core.victim(spareBytes: 0, plan: plan) {
            reclaim = Reclaim(sequence: victim)
        }
    }

    private func copySurvivors() throws(StoreError) {
        guard let now = reclaim, !now.isInFlight else { return }
        if now.isAtEnd { return try retire(now) }
        let survivors = try survivors(of: now)
        if let resume = survivors.resume, survivors.isEmpty {
            reclaim?.offset = resume
            return
        }
        let room = running?.replica.room(for: .survivors(survivors), core) ?? 0
        guard makeRoom(room + Replica.talkRoom) else { return }
        reclaim?.isAtEnd = survivors.resume == nil
        if survivors.isEmpty { return try retire(now) }
        reclaim?.isInFlight = true
        try propose(.survivors(survivors), .copied(resume: survivors.resume ?? now.offset))
    }

    /// All copies count: what is decided from now on does not speak of the segment, and what was
    /// decided before is waited for.
    private func retire(_ reclaim: Reclaim) throws(StoreError) {
        guard makeRoom(Replica.talkRoom) else { return }
        self.reclaim?.isInFlight = true
        try propose(.retire(segment: reclaim.sequence), .copied(resume: nil))
    }

    private func survivors(of reclaim: Reclaim) throws(StoreError) -> Survivors {
        let name = files.name(of: reclaim.sequence)
        let header = try files.header(of: reclaim.sequence)
        return try files.withSegment(reclaim.sequence) { bytes throws(StoreError) in
            do throws(LogDamage) {
                return try core.survivors(
                    in: bytes, of: header, from: reclaim.offset, bytesMax: habits.chunkBytes)
            } catch { throw StoreError.damaged(file: name, error) }
        }
    }

    /// A stretch is copied, or the retirement of the whole is in the log.
    func noteCopied(_ resume: Int?, isDone: Bool) {
        guard isDone else { return reclaim = nil }
        guard let resume else {
            (reclaim, looksForVictim) = (nil, true)
            return
        }
        reclaim?.offset = resume
        reclaim?.isInFlight = false
    }

    func propose(_ proposal: Proposal, _ question: Question) throws(StoreError) {
        let ticket = ticket(for: question)
        try running?.replica.propose(proposal, ticket: ticket, &core, files, &effects)
    }

    // MARK: Checkpoints

    private func writeCheckpoint() throws(StoreError) {
        if checkpoint.isWanted || checkpoint.segmentsBegun >= habits.segmentsPerCheckpoint,
            checkpoint.writer == nil, !checkpoint.isWaiting,
            let position = running?.replica.replayPosition
        {
            checkpoint.writer = CheckpointWriter(core, at: position)
            checkpoint.number = tickCount
            checkpoint.isWanted = false
        }
        guard !checkpoint.isWaiting, var writer = checkpoint.writer else { return }
        checkpoint.writer = nil
        writer.addLeaf(of: core)
        let isWhole = writer.next == nil
        checkpoint.body += writer.take().bytes
        checkpoint.writer = writer
        guard isWhole, makeRoom(Replica.talkRoom) else { return }
        checkpoint.isWaiting = true
        try propose(.barrier, .checkpoint(checkpoint.number))
    }

    /// All that the checkpoint has seen is durable: it counts.
    func noteBarrier(_ number: Int, isPassed: Bool) {
        guard number == checkpoint.number, let writer = checkpoint.writer, isPassed else {
            return checkpoint = CheckpointWork()
        }
        let committed = running?.replica.published.index ?? .zero
        let contents = writer.header(committed: committed) + checkpoint.body
        checkpoint.writer = nil
        let segment = writer.position.segment
        make(FileJob(name: SimulatedFiles.checkpoint, contents: contents, .checkpoint(segment)))
    }
}
