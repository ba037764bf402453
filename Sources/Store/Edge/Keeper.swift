internal import StoreCore
internal import Synchronization

/// The thread that keeps house: makes the next segment ready, forgets what compaction gave up, and
/// gives back segments in which little is alive. It never waits for the writer, which may wait for
/// it.
final class Keeper: Sendable {
    typealias Propose = @Sendable (Proposal, @escaping Completion) -> Void

    let shared: Shared
    private let options: StoreOptions
    private let directory: Directory
    let work: Monitor<KeeperWork>
    private let diskIsFull = Atomic<Bool>(false)
    private let worker = Mutex<Worker?>(nil)

    init(
        _ shared: Shared, _ directory: Directory, _ options: StoreOptions, next: Segment?,
        newest: UInt32, bytesReplayed: Int
    ) {
        (self.shared, self.directory, self.options) = (shared, directory, options)
        work = Monitor(
            KeeperWork(
                next: next.map { .success($0) }, newest: newest,
                bytesSinceCheckpoint: bytesReplayed))
    }

    /// Bytes of the log that the next start would have to replay, before there is a checkpoint.
    private var checkpointBytesMin: Int { options.checkpointBytesMin }
    /// At the end one is worth making sooner: the next start is near.
    var lastCheckpointBytesMin: Int { options.checkpointBytesMin / 8 }

    /// Whether only proposals that give space back are to be carried out.
    var isDiskFull: Bool { diskIsFull.load(ordering: .relaxed) }

    func start(_ propose: @escaping Propose) {
        worker.withLock { worker in
            worker = Worker { [self] in run(propose) }
        }
    }

    func stop() {
        change { $0.isStopped = true }
        worker.withLock { $0 }?.join()
    }

    // MARK: For the writer

    /// Has the next segment made ready, if it is not.
    func prepareNext() {
        work.change { work in
            if diskIsFull.load(ordering: .relaxed) { work.wantsReserves = true }
            guard work.next == nil, work.wanted == nil else {
                return ((), wake: work.wantsReserves)
            }
            work.wanted = 0
            return ((), wake: true)
        }
    }

    /// Returns the next segment, of at least `bytes` bytes; waits if it is not ready.
    ///
    /// - Throws: ``StoreError/noSpace``; ``StoreError/system(operation:file:code:)``.
    func takeNext(_ bytes: Int) throws(StoreError) -> Segment {
        change { work in
            if case .success(let segment) = work.next, segment.header.fileBytes >= bytes { return }
            if case .success(let segment) = work.next { work.tooSmall = segment }
            work.next = nil
            work.wanted = bytes
        }
        let next = work.wait { work -> Result<Segment, StoreError>? in
            guard let next = work.next else { return nil }
            work.next = nil
            if case .success(let segment) = next {
                work.newest = segment.sequence
                work.looksForVictim = true
                work.bytesSinceCheckpoint += segment.header.fileBytes
                work.considerCheckpoint(bytesMin: checkpointBytesMin)
            }
            return next
        }
        return try next.get()
    }

    /// Has freed versions forgotten.
    func prune() { change { $0.prune() } }

    /// The log could not be written: the index is ahead of it for good.
    func noteFailure() { change { $0.hasFailed = true } }

    /// Has a look whether a segment can be given back.
    func reclaim() { change { $0.looksForVictim = true } }

    func change(_ body: (inout KeeperWork) -> Void) {
        work.change { work in
            body(&work)
            return ((), wake: true)
        }
    }

    // MARK: The thread

    private func run(_ propose: @escaping Propose) {
        var making = SegmentSupply(directory: directory, options: options)
        var checkpoint = CheckpointFile(directory: directory, disk: options.disk)
        while true {
            switch work.wait(until: { $0.nextStep() }) {
            case .make(let sequence, let bytesMin): make(sequence, bytesMin, &making)
            case .addFiles(let files): making.add(files)
            case .fillReserves: fillReserves(&making)
            case .prune(let pruning): prune(pruning)
            case .choose: choose(spareBytes: making.spareBytes)
            case .copy(let reclaim): copy(reclaim, propose)
            case .dispose(let segment): dispose(segment)
            case .writeCheckpoint: write(&checkpoint, propose)
            case .finishCheckpoint: finish(&checkpoint)
            case .stop: return writeLast(&checkpoint)
            }
        }
    }

    private func make(_ sequence: UInt32, _ bytesMin: Int, _ supply: inout SegmentSupply) {
        let bytes = plannedBytes(atLeast: bytesMin)
        if let tooSmall = work.change({ work in (work.takeTooSmall(), wake: false) }) {
            supply.discard(tooSmall)
        }
        let made: Result<Segment, StoreError>?
        do throws(StoreError) {
            made = .success(try supply.make(sequence, bytes: bytes, bytesMin: bytesMin))
        } catch {
            guard error.isDiskFull else {
                return change { ($0.next, $0.wanted) = (.failure(error), nil) }
            }
            diskIsFull.store(true, ordering: .relaxed)
            made = supply.makeOfReserve(sequence, bytesMin: bytesMin, isUrgent: bytesMin > 0)
        }
        change { work in
            // Meanwhile the writer may have come for one, or for a larger one, and waits: then it
            // is made again.
            guard (work.wanted ?? 0) <= bytesMin else { return }
            (work.next, work.wanted) = (made, nil)
            work.wantsReserves = true
        }
    }

    private func fillReserves(_ supply: inout SegmentSupply) {
        let isFilled = supply.fillReserves(bytes: plannedBytes(atLeast: 0) / 4)
        work.change { work in
            // Not before there is space for more than the next few puts.
            if isFilled, case .success = work.next { diskIsFull.store(false, ordering: .relaxed) }
            return ((), wake: false)
        }
    }

    private func plannedBytes(atLeast bytes: Int) -> Int {
        SegmentPlan.fileBytes(
            logBytes: shared.state.withLock { $0.segments.totalBytes }, atLeast: bytes,
            min: options.segmentBytesMin, max: options.segmentBytesMax)
    }

    /// Forgets freed versions in one leaf, and leaves the index to others before the next.
    private func prune(_ pruning: KeeperWork.Pruning) {
        let next = shared.state.withLock { $0.core.prune(from: pruning.start) }
        work.change { work in
            work.pruned(pruning, next)
            return ((), wake: false)
        }
        Worker.yield()
    }

    // MARK: Giving segments back

    private func choose(spareBytes: Int) {
        let segment = shared.state.withLock { state in
            state.core.victim(spareBytes: spareBytes).flatMap { state.segments[$0] }
        }
        guard let segment else { return }
        change { $0.reclaim = KeeperWork.Reclaim(segment: segment) }
    }

    /// How much of a segment is looked through at a time, under the lock of the index.
    private static let stretchBytesMax = 64 * 1024

    /// Copies what is alive in the next stretch. The stretch after it waits until that is durable,
    /// so that the log's own traffic sets the pace.
    private func copy(_ reclaim: KeeperWork.Reclaim, _ propose: @escaping Propose) {
        let segment = reclaim.segment
        let found: Result<Survivors, LogDamage> = shared.state.withLock { state in
            do throws(LogDamage) {
                return .success(
                    try segment.withBytes { bytes throws(LogDamage) in
                        try state.core.survivors(
                            in: bytes, of: segment.header, from: reclaim.offset,
                            bytesMax: Self.stretchBytesMax)
                    })
            } catch {
                return .failure(error)
            }
        }
        switch found {
        case .failure(let damage):
            // Nothing is lost yet, but the store cannot be trusted to keep what it holds.
            change { $0.reclaim = nil }
            shared.note(.damaged(file: segment.path, damage))
            if options.cluster == nil {
                options.onFatalError(.damaged(file: segment.path, damage))
            }
        case .success(let survivors):
            change { $0.reclaim?.isInFlight = true }
            copy(survivors, of: segment, propose)
        }
    }

    private func copy(
        _ survivors: Survivors, of segment: Segment, _ propose: @escaping Propose
    ) {
        let work = work
        let goOn: Completion = { result in
            work.change { work in
                work.copied(to: survivors.resume, result)
                return ((), wake: true)
            }
        }
        if let resume = survivors.resume {
            guard !survivors.isEmpty else {
                return change { work in
                    work.reclaim?.offset = resume
                    work.reclaim?.isInFlight = false
                }
            }
            return propose(.survivors(survivors), goOn)
        }
        let retire = Proposal.retire(segment: segment.sequence)
        if survivors.isEmpty { return propose(retire, goOn) }
        propose(.survivors(survivors)) { result in
            // Copies may be refused where the few bytes of a retirement are not.
            if case .success = result { propose(retire, goOn) } else { goOn(result) }
        }
    }

    /// Sets the file of a retired segment aside, until nobody reads it any more.
    private func dispose(_ segment: Segment) {
        let path = directory.segmentFile(segment.sequence)
        let spare = directory.file("spare-\(segment.sequence)")
        let bytes = segment.header.fileBytes
        do throws(StoreError) {
            try options.disk.rename(path, to: spare)
            // Were the old name to come back, it would be that of another segment's bytes.
            try options.disk.syncDirectory(directory.path)
        } catch {
            // The next start removes it.
            return
        }
        segment.retire { [work] in
            work.change { work in
                work.unused.append(SpareFile(path: spare, bytes: bytes))
                return ((), wake: true)
            }
        }
    }
}
