internal import Raft
internal import Replica
internal import StoreCore
internal import Synchronization

/// What is committed now: answers to give, changes to tell of.
struct Round: Sendable {
    var answers: [GivenAnswer] = []
    var changes: [AppliedChange] = []
    /// The store's revision after it.
    var revision = Revision.none
    var segments: SegmentSet
}

/// The state of the writing thread: this member of the store, and the files of its log.
struct LogWriting: ~Copyable {
    let shared: Shared
    let keeper: Keeper
    private let fanOut: FanOut
    let directory: Directory
    let options: StoreOptions
    var disk: any Disk { options.disk }
    var replica: Replica
    var effects = ReplicaEffects()
    /// Who waits for the replica.
    var waiting = WaitingCalls()
    /// To be told with the next round.
    var answers: [GivenAnswer] = []
    var files: LogFiles
    /// Whether the synced mark lies where the next batch will begin.
    private var isMarked = false
    /// Written, and not synced yet.
    private(set) var unsynced: Segment?
    /// For how long, in ticks.
    var ticksUnsynced = 0
    /// Nil for a store of one member.
    var cluster: ClusterWork?
    var identity: IdentityFile
    /// Damage found, and the wish for another number.
    var damage = ExchangeWork()
    var addresses: MemberAddresses
    var founding: Founding

    init(
        _ shared: Shared, _ keeper: Keeper, _ fanOut: FanOut, _ directory: Directory,
        _ options: StoreOptions, _ recovered: RecoveredMember, _ identity: IdentityFile
    ) {
        (self.shared, self.keeper, self.fanOut) = (shared, keeper, fanOut)
        (self.directory, self.options, self.identity) = (directory, options, identity)
        var configuration = RaftConfiguration(id: recovered.id)
        configuration.electionTicks = ClusterWork.electionTicks
        replica = Replica(
            configuration: configuration, recovered: recovered.log,
            seed: .random(in: .min ... .max))
        files = LogFiles(shared.state.withLock { $0.segments }, newest: recovered.segment)
        cluster = options.cluster.map { ClusterWork($0) }
        addresses = MemberAddresses(founders: identity.founders)
        founding = Founding(
            of: recovered.id, in: identity.founders.membership,
            life: identity.life, lives: identity.lives, hasBegun: identity.log == .begun)
        resumeExchange()
    }

    /// Begins: a member that is alone elects itself at once.
    ///
    /// - Throws: As `carryOut`.
    mutating func start() throws(StoreError) {
        if hasBegun { try tick() } else { try tickFounding() }
        try write()
    }

    /// Does what has come in and begins to make it durable: `unsynced` is to be synced then, after
    /// which `noteSynced` publishes it. Rounds may be carried out meanwhile, which write nothing.
    ///
    /// - Throws: ``StoreError/system(operation:file:code:)`` if the disk fails: nothing that is not
    ///   answered yet may be acknowledged, and no other call be made.
    mutating func carryOut(_ taken: Inbox.Taken) throws(StoreError) {
        guard cluster?.isEnding != true else { return refuseAll(taken) }
        // A disk that was full at the start has kept it from that.
        if cluster == nil, !replica.raft.isLeader { try tick() }
        for frame in taken.frames where cluster?.isEnding != true { try receive(frame) }
        // What this round has not said yet is not said any more: nothing stands behind it.
        guard cluster?.isEnding != true else { return end(taken) }
        try passTime()
        try decideHeld()
        for waiting in taken.proposals { try propose(waiting) }
        for call in taken.calls { try carryOut(call) }
        call { replica, core, effects in replica.endRound(&core, &effects) }
        try write()
    }

    /// Another log is about to take this one's place, or this member has given its number up:
    /// nothing may be added to it.
    private mutating func end(_ taken: Inbox.Taken) {
        refuseAll(taken)
        for completion in takeUnanswered() { completion(.failure(.closed)) }
    }

    private func refuseAll(_ taken: Inbox.Taken) {
        for waiting in taken.proposals { waiting.completion(.failure(.closed)) }
        for call in taken.calls { call.fail() }
    }

    /// One tick of the clock. It does not pass for a member that has no room to say what follows.
    mutating func tick() throws(StoreError) {
        guard try makeRoomToTalk() else { return }
        call { replica, core, effects in replica.tick(&core, &effects) }
        try noteFindings()
    }

    /// Nothing more to write for now: notes that all is synced, so that a later fault before this
    /// point is not taken for a torn tail. The mark itself needs no sync.
    mutating func rest() {
        guard !isMarked, replica.isAtRest, !replica.isUnopened else { return }
        isMarked = true
        // A failure shows again at the next batch, where it is fatal; nothing depends on the mark.
        do throws(StoreError) {
            let mark = replica.batch.syncedMark()
            try disk.write(
                mark.raw, to: files.newest.descriptor, at: replica.batch.position.offset)
        } catch {}
    }

    /// Those who wait for an answer that will not come.
    mutating func takeUnanswered() -> [Completion] {
        let readers = cluster?.readers.map(\.completion) ?? []
        let unanswered = answers.map(\.completion) + waiting.takeAll() + readers
            + (cluster?.forwarding.takeAll() ?? [])
        answers = []
        cluster?.readers = []
        return unanswered
    }

    // MARK: Deciding

    private mutating func propose(_ waiting: ProposalQueue.Waiting) throws(StoreError) {
        if isRefusedForSpace(waiting.proposal) {
            return answer(waiting.completion, .failure(.noSpace))
        }
        if cluster != nil, replica.refusal(of: waiting.proposal) == .noLeader {
            return passOn(waiting)
        }
        try decide(waiting.proposal, waiting.completion)
    }

    mutating func decide(
        _ proposal: Proposal, _ completion: @escaping Completion
    ) throws(StoreError) {
        // Another member may have passed it on.
        if isRefusedForSpace(proposal) { return answer(completion, .failure(.noSpace)) }
        if try decideIfItFits(proposal, completion) { return }
        do throws(StoreError) {
            try makeRoom { replica, core in replica.room(for: proposal, core) }
        } catch .noSpace {
            return answer(completion, .failure(.noSpace))
        }
        let isDecided = try decideIfItFits(proposal, completion)
        precondition(isDecided, "room has been made")
    }

    /// Whether the disk is full and the proposal does not give space back, or has kept a member
    /// that is alone from electing itself.
    private func isRefusedForSpace(_ proposal: Proposal) -> Bool {
        let isIdle = cluster == nil && replica.refusal(of: proposal) == .noLeader
        guard isIdle || !proposal.mayUseReserve && keeper.isDiskFull else { return false }
        keeper.prepareNext()  // There may be space again; this is how it is noticed.
        return true
    }

    /// Nearly all do: one look at the lock for each.
    private mutating func decideIfItFits(
        _ proposal: Proposal, _ completion: @escaping Completion
    ) throws(StoreError) -> Bool {
        let (shared, files) = (shared, files)
        return try shared.state.withLock { state throws(StoreError) in
            let room = replica.room(for: proposal, state.core) + Replica.talkRoom
            guard replica.segmentNeeded(for: room, state.core) == nil else { return false }
            let ticket = waiting.add(completion)
            try replica.propose(proposal, ticket: ticket, &state.core, files, &effects)
            return true
        }
    }

    mutating func answer(_ completion: @escaping Completion, _ result: Result<Decision, StoreError>) {
        answers.append(GivenAnswer(completion: completion, result: result))
    }

    mutating func call(
        _ body: (
            inout Replica, inout StoreState, inout ReplicaEffects
        ) -> Void
    ) {
        let shared = shared
        shared.state.withLock { body(&replica, &$0.core, &effects) }
    }

    // MARK: Writing

    /// The same for what any call but a proposal or entries may write. Returns false if there is no
    /// space: then this member says nothing more until there is, and serves what it has.
    mutating func makeRoomToTalk() throws(StoreError) -> Bool {
        do throws(StoreError) { try makeRoom { _, _ in Replica.talkRoom } } catch {
            guard error == .noSpace else { throw error }
            return false
        }
        return true
    }

    /// Sees to it that what `room` says fits into the segment, and what may have to be said once it
    /// is synced. The next segment is ready as a rule.
    ///
    /// - Throws: ``StoreError/noSpace`` if the disk and the reserve are full; what the disk throws.
    mutating func makeRoom(
        _ room: (borrowing Replica, borrowing StoreState) -> Int
    ) throws(StoreError) {
        let shared = shared
        let needed = shared.state.withLock { state in
            replica.segmentNeeded(for: room(replica, state.core) + Replica.talkRoom, state.core)
        }
        if let needed {
            // The lock is not held: whoever makes segments takes it too.
            let next = try keeper.takeNext(needed)
            files.add(next)
            shared.state.withLock { state in
                replica.roll(to: next.header, &state.core)
                state.segments = state.segments.adding(next)
            }
        }
        if replica.isHalfFull { keeper.prepareNext() }
    }

    /// Publishes what can be, and begins to write what there is, unless something is being written.
    private mutating func write() throws(StoreError) {
        try publish()
        guard unsynced == nil else { return }
        if let write = replica.beginWrite() {
            isMarked = false
            let segment = files.segment(write.segment)
            try disk.write(write.bytes.raw, to: segment.descriptor, at: write.offset)
            unsynced = segment
            // It can be read now, and others may have it on their disks.
            if cluster != nil { try publish() }
        }
        guard replica.needsRebuild, replica.isWritten else { return }
        try rebuild()
        try publish()
    }

    /// Whether there is more to write than what is being written.
    var hasToWrite: Bool { cluster?.isEnding != true && !replica.isWritten }

    /// What was written is on disk.
    ///
    /// - Throws: As `carryOut`.
    mutating func noteSynced() throws(StoreError) {
        (unsynced, ticksUnsynced) = (nil, 0)
        guard cluster?.isEnding != true else { return }
        // Without space what has been kept free for it has to do: little is said then.
        _ = try makeRoomToTalk()
        call { replica, core, effects in replica.synced(&core, &effects) }
        try publish()
    }

    /// What this member had decided has become void: builds up the state again from the log.
    private mutating func rebuild() throws(StoreError) {
        let segments = shared.state.withLock { $0.segments }
        let identity = IdentityFile(member: replica.id, founders: replica.members)
        let recovery = Recovery(
            directory: directory, options: options, identity: identity,
            appliedMax: replica.rebuildThrough)
        let rebuilt = try recovery.rebuild(segments)
        shared.put(rebuilt)
        replica.noteRebuilt()
    }

    // MARK: Publishing

    private mutating func publish() throws(StoreError) {
        try sendFrames(files)
        let (shared, files) = (shared, files)
        try shared.state.withLock { state throws(StoreError) in
            try replica.publish(&state.core, files, &effects)
            if cluster != nil {
                answers += cluster?.forwarding.takeAnswered(
                    through: replica.published.index, state.core) ?? []
            }
            state.publishedIndex = replica.published.index
            state.durable = state.core.published
            state.writtenEnd = replica.writtenEnd
            state.replayPosition = replica.replayPosition
            for move in effects.moves { state.move(move, state.segments) }
            for sequence in effects.retired {
                state.core.noteRetired(sequence)
                state.segments = state.segments.removing(sequence)
            }
        }
        if effects.isCompacted { keeper.prune() }
        if !effects.retired.isEmpty { keeper.reclaim() }
        noteCluster()
        // Reads that are asked again, and offers of snapshots.
        try sendFrames(files)
        send()
    }

    /// Finds those whom the replica answers.
    private mutating func takeAnswers(_ told: inout ReplicaEffects) {
        answers.reserveCapacity(answers.count + told.answers.count)
        for answer in told.answers {
            guard let completion = waiting.take(answer.ticket) else { continue }
            answers.append(GivenAnswer(completion: completion, result: answer.result))
        }
    }

    /// Hands over what there is to tell.
    private mutating func send() {
        var told = ReplicaEffects()
        swap(&told, &effects)
        takeAnswers(&told)
        var answers: [GivenAnswer] = []
        swap(&answers, &self.answers)
        guard !answers.isEmpty || !told.changes.isEmpty || told.published != nil else {
            return
        }
        let (newest, revision) = shared.state.withLock { ($0.segments, $0.durable) }
        // Places in answers may lie in a segment retired just now, or in one begun just now.
        let round = Round(
            answers: answers, changes: told.changes, revision: revision,
            segments: newest.merging(files.before(newest)))
        files.keep(newest)
        fanOut.send(round)
    }
}

extension Shared.State {
    fileprivate mutating func move(_ move: Decision.Move, _ segments: SegmentSet) {
        segments[move.new.segment]?.withBytes { bytes in
            guard let change = Change(checkedAt: Int(move.new.offset), in: bytes) else { return }
            let key = bytes.extracting(change.keyOffset..<change.valueOffset)
            core.move(change, key: key, from: move.old, to: move.new)
        }
    }
}

/// The files of the log that the writing thread reads and writes.
struct LogFiles: SegmentFiles {
    fileprivate(set) var segments: SegmentSet
    private(set) var newest: Segment

    init(_ segments: SegmentSet, newest: Segment) {
        (self.segments, self.newest) = (segments, newest)
    }

    mutating func add(_ segment: Segment) {
        segments = segments.adding(segment)
        newest = segment
    }

    /// The segments that were there at the last `keep`, as long as they differ from `now`.
    func before(_ now: SegmentSet) -> SegmentSet { segments === now ? now : segments }

    mutating func keep(_ now: SegmentSet) { segments = now }

    func segment(_ sequence: UInt32) -> Segment {
        guard let segment = segments[sequence] else {
            preconditionFailure("segment \(sequence) is written, so it is there")
        }
        return segment
    }

    func withSegment<Result>(
        _ sequence: UInt32, _ body: (RawSpan) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        guard let segment = segments[sequence] else {
            throw .damaged(
                file: "segment \(sequence)", LogDamage(offset: 0, reason: .missing))
        }
        return try segment.withBytes(body)
    }
}
