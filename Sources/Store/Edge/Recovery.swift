internal import Raft
internal import Replica
internal import StoreCore

/// What was found in a directory.
struct Recovered: ~Copyable {
    var core: StoreState
    var segments: SegmentSet
    var member: RecoveredMember
    /// The segment after the last one, made ready before the crash but not begun.
    var spare: Segment?
    /// Bytes of the log behind the checkpoint.
    var bytesReplayed = 0
}

/// Who this member is, and where its log ends.
struct RecoveredMember: Sendable {
    var id: MemberID
    var log: RecoveredLog
    /// The segment that is being written.
    var segment: Segment
}

/// Reads a directory's log from beginning to end, or makes the first segment.
struct Recovery {
    let directory: Directory
    let options: StoreOptions
    let identity: MemberIdentity
    /// The last entry to take in.
    var appliedMax = LogIndex.limit

    func run() throws(StoreError) -> Recovered {
        let sequences = try directory.segments()
        if sequences.isEmpty {
            guard identity.log == .awaited else {
                throw .damaged(
                    file: directory.segmentFile(1), LogDamage(offset: 0, reason: .missing))
            }
            return try begin()
        }
        var segments: [Segment] = []
        for sequence in sequences { segments.append(try open(sequence)) }
        let files = RecoveryFiles(
            directory: directory, segments: SegmentSet(segments), sequences: sequences,
            checkpoint: checkpoint())
        let found = try LogRecovery(of: identity, appliedMax: appliedMax).run(files)
        for sequence in found.unsynced {
            if let segment = files.segments[sequence] { try options.disk.sync(segment.descriptor) }
        }
        // Only now: what says that they are retired, and the copies of what was alive in them, may
        // have been in the system's cache alone.
        try remove(found.leftovers)
        try options.disk.syncDirectory(directory.path)
        for segment in segments { segment.trim() }
        return try recovered(found, files.segments)
    }

    /// A new log.
    private func begin() throws(StoreError) -> Recovered {
        let segment = try SegmentMaker(directory: directory, options: options)
            .make(1, bytes: options.segmentBytesMin, isWritten: true)
        return try recovered(
            LogRecovery(of: identity).begin(in: segment.header), SegmentSet([segment]))
    }

    /// Builds up the state again, as of `appliedMax`, from segments that are in use.
    func rebuild(_ segments: SegmentSet) throws(StoreError) -> StoreState {
        let files = RecoveryFiles(
            directory: directory, segments: segments,
            sequences: segments.segments.map(\.sequence), checkpoint: checkpoint())
        return try LogRecovery(of: identity, rebuilding: appliedMax).run(files).takeCore()
    }

    private func recovered(
        _ found: consuming RecoveredFiles, _ segments: SegmentSet
    ) throws(StoreError) -> Recovered {
        let log = found.sequences.compactMap { segments[$0] }
        guard let last = log.last else {
            throw .damaged(file: directory.path, LogDamage(offset: 0, reason: .missing))
        }
        let member = RecoveredMember(id: identity.member, log: found.log, segment: last)
        let (spare, bytes) = (found.spare.flatMap { segments[$0] }, found.bytesReplayed)
        return Recovered(
            core: found.takeCore(), segments: SegmentSet(log), member: member, spare: spare,
            bytesReplayed: bytes)
    }

    private func open(_ sequence: UInt32) throws(StoreError) -> Segment {
        let path = directory.segmentFile(sequence)
        let descriptor = try options.disk.open(path)
        let segment = try SegmentMaker.mapped(path, descriptor, sequence: sequence)
        guard segment.isReadable else {
            throw .damaged(file: path, LogDamage(offset: 0, reason: .unreadable))
        }
        return segment
    }

    private func checkpoint() -> MappedFile? {
        let path = directory.file("checkpoint")
        guard let bytes = directory.fileBytes("checkpoint"), bytes > 0 else { return nil }
        // One that cannot be read only costs time.
        do { return try MappedFile(path, try options.disk.open(path), byteCount: bytes) } catch {
            return nil
        }
    }

    private func remove(_ leftovers: [UInt32]) throws(StoreError) {
        for sequence in leftovers { try options.disk.remove(directory.segmentFile(sequence)) }
    }
}

private struct RecoveryFiles: MemberFiles {
    let directory: Directory
    let segments: SegmentSet
    let sequences: [UInt32]
    let checkpoint: MappedFile?

    func name(of sequence: UInt32) -> String { directory.segmentFile(sequence) }

    func withCheckpoint(_ body: (RawSpan) -> Void) { checkpoint?.withBytes { body($0) } }

    func withSegment<Result>(
        _ sequence: UInt32, _ body: (RawSpan) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        guard let segment = segments[sequence] else {
            throw .damaged(
                file: name(of: sequence), LogDamage(offset: 0, reason: .missing))
        }
        return try segment.withBytes(body)
    }
}
