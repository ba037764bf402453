internal import Raft
internal import Replica
internal import StoreCore
internal import StoreSimulator

/// A file to be put in place: at once, or not at all.
struct FileJob {
    enum Purpose {
        /// The file that says who this is, or its copy.
        case identity(isCopy: Bool)
        case segment(SegmentHeader)
        case reserve
        case checkpoint(UInt32)
        case incoming(SnapshotPart)
        case installation
    }
    var name: String
    var bytes: Int
    var contents: [UInt8]
    var purpose: Purpose
    /// A file to be used again instead of a new one.
    var source: String?

    init(name: String, bytes: Int? = nil, contents: [UInt8], _ purpose: Purpose) {
        (self.name, self.contents, self.purpose) = (name, contents, purpose)
        self.bytes = bytes ?? contents.count
    }

    var temporary: String { source ?? name + ".new" }
}

/// What to do when a disk command is done.
enum DiskDone {
    case created(FileJob)
    case made(FileJob)
    case written(SegmentWrite)
    case synced
    case spared(String)
    case chunkWritten(SnapshotPart)
    case partDone(SnapshotPart)
    case installed
    case recovered
    case setAside
}

extension ReplicaProcess {
    /// Has commands carried out, one after the other.
    func issue(_ commands: [DiskCommand], _ done: DiskDone? = nil) {
        for (place, command) in commands.enumerated() {
            ticketCount += 1
            let ticket = DiskTicket(ticketCount)
            out.disk.append((ticket, command))
            var isRemoval = false
            if case .remove = command { isRemoval = true }
            self.commands.append(
                (ticket, place == commands.count - 1 ? done : nil, isRemoval))
        }
    }

    func finish(_ ticket: DiskTicket, _ result: DiskResult) throws(StoreError) {
        let command = commands.removeFirst()
        precondition(command.ticket == ticket, "the disk does one thing after the other")
        switch result {
        case .done: if let done = command.done { try carryOut(done) }
        // As the server's disk does.
        case .failed(.missing) where command.isRemoval:
            if let done = command.done { try carryOut(done) }
        case .failed(.noSpace):
            guard case .created(let job)? = command.done else { return failed(.noSpace) }
            noteNoSpace(job)
        case .failed(let error): failed(error)
        }
    }

    private func failed(_ error: DiskError) {
        isHalted = true
        out.halt = error == .io ? .diskFailed : .broken("the disk says \(error)")
    }

    /// What the disk says next to have written, it has not. For whoever watches the process, which
    /// has to find that out.
    func noteLoss() {
        if case .written? = commands.first?.done { hasLostEntries = true }
    }

    private func carryOut(_ done: DiskDone) throws(StoreError) {
        switch done {
        case .created(let job):
            if case .incoming(let part) = job.purpose { try noteCreated(part) } else { fill(job) }
        case .made(let job): try noteMade(job)
        case .written(let write): try check(write)
        case .synced:
            isSynced = true
            if !hasLostEntries { (durableBefore, durable) = (durable, writing) }
        case .spared(let name):
            if spareFile == nil { spareFile = name } else { issue([.remove(name)]) }
        case .chunkWritten(let part): try noteChunkWritten(part)
        case .partDone(let part): try noteWhole(part)
        case .installed: try noteInstalled()
        case .recovered: try noteRecovered()
        case .setAside: noteSetAside()
        }
    }

    // MARK: Files

    func make(_ job: FileJob) {
        if job.source != nil { return fill(job) }
        issue([.create(job.temporary, bytes: job.bytes)], .created(job))
    }

    private func fill(_ job: FileJob) {
        if case .reserve = job.purpose {
            return issue([.rename(job.temporary, to: job.name), .syncDirectory], .made(job))
        }
        issue(
            [
                .write(job.temporary, offset: 0, job.contents), .sync(job.temporary),
                .rename(job.temporary, to: job.name), .syncDirectory,
            ], .made(job))
    }

    private func noteMade(_ job: FileJob) throws(StoreError) {
        if case .identity(let isCopy) = job.purpose { return try noteIdentity(job, isCopy: isCopy) }
        guard job.contents.isEmpty || disk.holds(job.contents, in: job.name, at: 0) else {
            throw .damaged(file: job.name, LogDamage(offset: 0, reason: .contents))
        }
        switch job.purpose {
        case .segment(let header): noteMade(header)
        case .reserve: noteReserve(job.name)
        case .checkpoint(let segment):
            checkpoint = CheckpointWork()
            core.noteCheckpoint(at: segment)
            seenByHouse = nil
        case .installation: _ = try finishInstallation()
        case .incoming, .identity: break
        }
    }

    private func noteNoSpace(_ job: FileJob) {
        switch job.purpose {
        case .checkpoint: checkpoint = CheckpointWork()
        case .segment(let header):
            isDiskFull = true
            if isUrgent, let reserve = takeReserve(header.fileBytes) {
                var job = job
                job.source = reserve
                make(job)
            } else {
                blocked.append(job)
            }
        case .incoming: snapshot.receiver = nil
        case .identity, .reserve, .installation:
            isDiskFull = true
            blocked.append(job)
        }
    }

    /// There may be space again.
    func retryBlocked() {
        guard tickCount % 5 == 0 || isUrgent else { return }
        let jobs = blocked
        blocked = []
        for job in jobs { make(job) }
    }

    /// Whether something waits for the next segment.
    private var isUrgent: Bool { lacksRoom }

    private func takeReserve(_ bytes: Int) -> String? {
        guard let name = reserves.sorted().first(where: { (disk.byteCount(of: $0) ?? 0) >= bytes })
        else { return nil }
        reserves.remove(name)
        return name
    }

    private func noteReserve(_ name: String) {
        reserves.insert(name)
        noteSpace()
    }

    /// Not before there is space for more than the next few puts.
    private func noteSpace() {
        if reserves.count == SimulatedFiles.reserves.count, blocked.isEmpty { isDiskFull = false }
    }

    private func fillReserves() {
        for name in SimulatedFiles.reserves where !reserves.contains(name) {
            guard disk.byteCount(of: name) == nil, !isPlanned(name) else { continue }
            make(FileJob(name: name, bytes: boot.segmentBytes, contents: [], .reserve))
        }
    }

    private func isPlanned(_ name: String) -> Bool {
        blocked.contains { $0.name == name }
            || commands.contains {
                switch $0.done {
                case .created(let job), .made(let job): job.name == name
                default: false
                }
            }
    }

    // MARK: Segments

    func makeSegment(_ sequence: UInt32, bytes: Int, atLeast bytesMin: Int = 0) {
        var (bytes, source) = (bytes, String?.none)
        if let spare = spareFile {
            spareFile = nil
            if let there = disk.byteCount(of: spare), there <= bytes,
                there >= max(bytesMin, bytes / 2)
            {
                (bytes, source) = (there, spare)
            } else {
                issue([.remove(spare)])
            }
        }
        let header = SegmentHeader(salt: random.next() | 1, sequence: sequence, fileBytes: bytes)
        var job = FileJob(
            name: SimulatedFiles.segment(sequence), bytes: bytes, contents: header.encoded(),
            .segment(header))
        job.source = source
        nextBytes = bytes
        make(job)
    }

    private func noteMade(_ header: SegmentHeader) {
        nextBytes = nil
        fillReserves()
        noteSpace()
        guard running != nil else {
            files.sequences = [header.sequence]
            newest = header.sequence
            return noteFresh(LogRecovery(of: identity).begin(in: header))
        }
        next = header
    }

    func prepareNext(atLeast bytes: Int = 0) {
        guard next == nil, nextBytes == nil else { return }
        let logBytes = core.segmentUses.values.reduce(0) { $0 + $1.fileBytes }
        let planned = SegmentPlan.fileBytes(
            logBytes: logBytes, atLeast: bytes, min: boot.segmentBytes,
            max: boot.segmentBytes * Limits.segmentGrowthMax)
        makeSegment(newest + 1, bytes: planned, atLeast: bytes)
    }

    /// Sees to it that so many bytes fit into the segment. Returns false if that has to wait.
    func makeRoom(_ bytes: Int) -> Bool {
        guard let needed = running?.replica.segmentNeeded(for: bytes, core) else { return true }
        if let header = next, header.fileBytes >= needed {
            next = nil
            (newest, looksForVictim) = (header.sequence, true)
            files.sequences.append(header.sequence)
            running?.replica.endRound(&core, &effects)
            running?.replica.roll(to: header, &core)
            checkpoint.segmentsBegun += 1
            return true
        }
        if let header = next {
            // Too small: a larger one takes its place.
            next = nil
            issue([.remove(files.name(of: header.sequence))])
        }
        prepareNext(atLeast: needed)
        return false
    }

    func begin(_ write: SegmentWrite) {
        let name = files.name(of: write.segment)
        disk.show(name, write.offset, write.bytes)
        writing = write.last
        issue([.write(name, offset: write.offset, write.bytes)], .written(write))
        issue([.sync(name)], .synced)
    }

    /// What was written can be read: a disk that lost it, or put it elsewhere, is found out before
    /// anybody hears that it has it.
    private func check(_ write: SegmentWrite) throws(StoreError) {
        let name = files.name(of: write.segment)
        guard disk.holds(write.bytes, in: name, at: write.offset) else {
            throw .damaged(file: name, LogDamage(offset: write.offset, reason: .record))
        }
    }

    /// A segment is not part of the log any more. Its name has to be gone before it is used again.
    func dispose(_ sequence: UInt32) {
        core.noteRetired(sequence)
        files.sequences.removeAll { $0 == sequence }
        let spare = SimulatedFiles.spare(sequence)
        issue([.rename(files.name(of: sequence), to: spare), .syncDirectory], .spared(spare))
    }
}
