internal import StoreCore
internal import Synchronization

/// The thread that keeps house: makes the next segment ready, forgets what compaction gave up, and
/// gives back segments in which little is alive.
final class Keeper: Sendable {
    struct Work: Sendable {
        /// The segment made ready, or why there is none.
        var next: Result<Segment, StoreError>?
        /// Bytes that the next segment has to have, if one is to be made.
        var wanted: Int?
        /// The newest segment that is in use.
        var newest: UInt32
        /// Where pruning goes on, if it does.
        var pruneFrom: [UInt8]?
        var isStopped = false
    }

    private let shared: Shared
    private let options: StoreOptions
    private let maker: SegmentMaker
    private let work: Monitor<Work>
    private let diskIsFull = Atomic<Bool>(false)
    private let worker = Mutex<Worker?>(nil)

    init(
        _ shared: Shared, _ directory: Directory, _ options: StoreOptions, spare: Segment?,
        newest: UInt32
    ) {
        self.shared = shared
        self.options = options
        maker = SegmentMaker(directory: directory, options: options)
        work = Monitor(Work(next: spare.map { .success($0) }, newest: newest))
    }

    /// Whether only proposals that give space back are to be carried out.
    var isDiskFull: Bool { diskIsFull.load(ordering: .relaxed) }

    func start(proposing writer: LogWriter) {
        worker.withLock { worker in
            worker = Worker { [self] in run() }
        }
    }

    func stop() {
        work.change { work in
            work.isStopped = true
            return ((), wake: true)
        }
        worker.withLock { $0 }?.join()
    }

    // MARK: For the writer

    /// Has the next segment made ready, if it is not.
    func prepareNext() {
        work.change { work in
            guard work.next == nil, work.wanted == nil else { return ((), wake: false) }
            work.wanted = 0
            return ((), wake: true)
        }
    }

    /// Returns the next segment, of at least `bytes` bytes; waits if it is not ready.
    func takeNext(_ bytes: Int) throws(StoreError) -> Segment {
        work.change { work in
            if case .success(let segment) = work.next, segment.header.fileBytes >= bytes {
                return ((), wake: false)
            }
            work.next = nil
            work.wanted = bytes
            return ((), wake: true)
        }
        let next = work.wait { work -> Result<Segment, StoreError>? in
            guard let next = work.next else { return nil }
            work.next = nil
            if case .success(let segment) = next { work.newest = segment.sequence }
            return next
        }
        return try next.get()
    }

    /// Has freed versions forgotten.
    func prune() {
        work.change { work in
            work.pruneFrom = []
            return ((), wake: true)
        }
    }

    // MARK: The thread

    private enum Step {
        case make(UInt32, bytesMin: Int)
        case prune(from: [UInt8])
        case stop
    }

    private func run() {
        while true {
            let step = work.wait { work -> Step? in
                if work.isStopped { return .stop }
                if let wanted = work.wanted { return .make(work.newest + 1, bytesMin: wanted) }
                if let start = work.pruneFrom { return .prune(from: start) }
                return nil
            }
            switch step {
            case .make(let sequence, let bytesMin): make(sequence, bytesMin: bytesMin)
            case .prune(let start): prune(from: start)
            case .stop: return
            }
        }
    }

    private func make(_ sequence: UInt32, bytesMin: Int) {
        let bytes = SegmentPlan.fileBytes(
            logBytes: shared.state.withLock { $0.segments.totalBytes }, atLeast: bytesMin,
            min: options.segmentBytesMin, max: options.segmentBytesMax)
        let made: Result<Segment, StoreError>
        do throws(StoreError) {
            made = .success(try maker.make(sequence, bytes: bytes, isWritten: true))
        } catch {
            made = .failure(error)
        }
        work.change { work in
            (work.next, work.wanted) = (made, nil)
            return ((), wake: true)
        }
    }

    /// Forgets freed versions in one leaf, and leaves the index to others before the next.
    private func prune(from start: [UInt8]) {
        let next = shared.state.withLock { $0.core.prune(from: start) }
        work.change { work in
            // A compaction in between has put it back to the beginning.
            if work.pruneFrom == start { work.pruneFrom = next }
            return ((), wake: false)
        }
    }
}

extension SegmentSet {
    var totalBytes: Int { segments.reduce(0) { $0 + $1.header.fileBytes } }
}
