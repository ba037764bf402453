internal import Raft
internal import Replica
internal import StoreCore
internal import StoreHistory
internal import StoreSimulator

/// The process of one member: what the server's edge does with files and threads, with those of a
/// simulated world.
final class ReplicaProcess {
    typealias Effects = ReplicaEffects

    /// The member itself, in a place of its own: whoever reads a part of an optional copies all.
    final class Running {
        var replica: Replica
        init(_ replica: consuming Replica) { self.replica = replica }
    }

    /// Effects in a place of their own: all of them are a lot to copy.
    private final class FilledEffects { var effects = Effects() }

    /// An input, and what it is as a message of Raft.
    struct Waiting {
        var input: Input
        var frame: PeerFrame?
    }

    /// What is answered later.
    enum Question: Sendable {
        case transact(RequestNumber)
        case compact(RequestNumber)
        case read(RequestNumber, RangeQuery)
        case lease(RequestNumber)
        /// Nobody waits.
        case leaseUpkeep
        /// Survivors up to there are copied; nil: the segment's retirement is in the log.
        case copied(resume: Int?)
        case checkpoint(Int)
    }

    let boot: Boot<SimulatedReplica.Defect>
    let member: MemberID
    var random: SeededRandom
    let habits: Habits
    var now: Moment
    /// What the world is to do.
    var out = StoreSimulator.Effects()
    var isHalted = false

    var identity: IdentityFile
    var identityWork = IdentityWork()
    var files: SimulatedFiles
    /// Nil until its files are there.
    var running: Running?
    /// What the replica has not answered yet.
    var questions: [ProposalTicket: Question] = [:]
    private(set) var questionCount = 0
    var core = StoreState()
    /// What its files hold, until that is on disk for sure.
    var found: RecoveredFiles?
    private var filled = FilledEffects()
    /// What is being carried out.
    private var carried = FilledEffects()
    var effects: Effects {
        _read { yield filled.effects }
        _modify { yield &filled.effects }
    }

    /// What the process has not got to yet: it waits for room in the log, or for a write.
    var inputs: [Waiting] = []
    /// How many of those are ticks.
    private var ticksWaiting = 0
    /// Whether they wait for room.
    var lacksRoom = false
    /// A sync is done, and not noted yet.
    var isSynced = false
    /// The newest entry of what is being written; of what is on disk, whatever the member believes;
    /// and of what was before that.
    var writing = EntryID.zero
    /// Who has its vote, as it has told others, and in which term. It may be itself.
    var vote: (term: Term, candidate: MemberID)?
    var durable = EntryID.zero
    var durableBefore = EntryID.zero
    /// Whether its disk has lost what it wrote to the log: nothing after that counts as on disk.
    var hasLostEntries = false
    var lastTick: Moment?
    var tickCount = 0
    /// Until a checkpoint is made that nothing asks for.
    var ticksToCheckpoint: Int?

    // Disk
    var commands: [(ticket: DiskTicket, done: DiskDone?, isRemoval: Bool)] = []
    var ticketCount: UInt64 = 0
    /// Files that could not be made for want of space.
    var blocked: [FileJob] = []
    var isDiskFull = false
    var reserves: Set<String> = []
    var spareFile: String?

    // Segments
    var newest: UInt32 = 1
    /// The next segment, made ready; or its size, if it is being made.
    var next: SegmentHeader?
    var nextBytes: Int?
    var looksForVictim = true
    /// How far the log was published when it was last looked for one.
    var seenByHouse: LogIndex?
    var reclaim: Reclaim?
    var pruneStart: [UInt8]?
    var checkpoint = CheckpointWork()

    // Clients
    var watches: [Watch] = []
    var told = Revision.start
    var changes: [(number: RequestNumber, change: MemberChange)] = []
    var contents = PublishedContents()

    // Snapshots
    var snapshot = SnapshotWork()

    // Members
    var addresses = MemberAddresses(founders: .alone)
    var founding: Founding?
    /// Whether it takes part in the cluster; else it hears of nothing but founding.
    var takesPart = false
    /// Damage found, and the wish for another number.
    var exchange = ExchangeWork()
    var scrub = ScrubWork()

    // Leases
    /// Those that were found to be over at the last look, which is acted on at the next.
    var leasesEnded: [LeaseID] = []

    // Comparing
    /// A key of which this process knows something else than it should.
    private var disturbed: [UInt8]?
    private var isAlarmed = false

    init(_ boot: Boot<SimulatedReplica.Defect>, _ disk: SimulatedDisk) {
        (self.boot, now) = (boot, boot.now)
        member = MemberID(boot.member.number)
        random = SeededRandom(seed: boot.seed)
        habits = Habits(&random)
        ticksToCheckpoint = habits.ticksToCheckpoint(boot.restFactor, &random)
        files = SimulatedFiles(disk)
        identity = IdentityFile(
            member: member,
            founders: ClusterMembers(
                cluster: Self.cluster,
                membership: Membership(voters: boot.founders.map { MemberID($0.number) }),
                addresses: Self.addresses(boot)))
    }

    static let cluster: UInt64 = 1

    /// Notes what the replica is about to be asked.
    func ticket(for question: Question) -> ProposalTicket {
        questionCount += 1
        let ticket = ProposalTicket(questionCount)
        questions[ticket] = question
        return ticket
    }

    var disk: SimulatedDisk { files.disk }

    /// Does what `body` says, with the effects of one step.
    func run(
        at moment: Moment, _ effects: inout StoreSimulator.Effects,
        _ body: (ReplicaProcess) throws(StoreError) -> Void
    ) {
        guard !isHalted else { return }
        now = moment
        swap(&out, &effects)
        defer { swap(&out, &effects) }
        do throws(StoreError) {
            try body(self)
            if isHalted { return }
            try settle()
            try noteStanding()
        } catch {
            end(after: error)
        }
    }

    func halt(_ error: StoreError) {
        isHalted = true
        guard out.halt == nil else { return }
        switch error {
        case .damaged(let file, let damage): out.halt = .damaged("\(file): \(damage)")
        case .system: out.halt = .diskFailed
        case .differs: out.halt = .differs("\(error)")
        default: out.halt = .broken("\(error)")
        }
    }

    private func noteStanding() throws(StoreError) {
        guard let running, !isEnding else { return }
        if core.published != contents.revision {
            let hash = try unlessDamaged { process throws(StoreError) in
                try process.contents.hash(of: process.core, process.files)
            }
            // Nobody can be told what it holds.
            guard let hash else { return }
            out.standing.hash = hash
        }
        out.standing.takesPart = takesPart
        out.standing.term = running.replica.raft.term.number
        out.standing.isLeader = running.replica.raft.isLeader
        let published = running.replica.published
        out.standing.applied = published.index.number
        out.standing.appliedTerm = published.term.number
        out.standing.revision = core.published
        out.standing.isInstallingSnapshot = snapshot.isReceiving
        out.standing.isDisturbed = disturbed.map { core.isDisturbed($0) } ?? false
        out.standing.isAlarmed = isAlarmed
        out.standing.leaseCount = core.leaseIDs.count
    }

    // MARK: Starting

    /// What files mean nothing.
    func removeStrays() {
        for name in disk.names {
            // One that a crash has left half made, under a temporary name, is none.
            let isReserve = SimulatedFiles.reserves.contains(name)
            if isReserve, (disk.byteCount(of: name) ?? 0) >= boot.segmentBytes {
                reserves.insert(name)
            } else if isReserve || name.hasPrefix("spare-") || name.hasSuffix(".new") {
                issue([.remove(name)])
            }
        }
    }

    func recover() throws(StoreError) {
        let found = try LogRecovery(of: identity).run(files)
        var commands: [DiskCommand] = found.unsynced.map { .sync(files.name(of: $0)) }
        for sequence in found.leftovers { commands.append(.remove(files.name(of: sequence))) }
        identityWork.isFresh = found.log.isFresh
        self.found = consume found
        issue(commands + [.syncDirectory], .recovered)
    }

    /// What was found is on disk for sure.
    func noteRecovered() throws(StoreError) {
        guard noteBegun() else { return }
        try beginWithFound()
    }

    func beginWithFound() throws(StoreError) {
        guard let found = found.take() else { return }
        files.sequences = found.sequences
        newest = found.sequences.last ?? 1
        if let spare = found.spare { next = try files.header(of: spare) }
        begin(found)
    }

    func begin(_ found: consuming RecoveredFiles) {
        running = Running(
            Replica(
                configuration: Limits.configuration(boot), recovered: found.log,
                seed: random.next()))
        durable = running?.replica.last ?? .zero
        durableBefore = .zero
        core = found.takeCore()
        told = core.published
        pruneStart = []
        beginAmongMembers()
    }

    // MARK: Inputs

    func take(_ input: Input) throws(StoreError) {
        switch input {
        case .disk(let ticket, let result): try finish(ticket, result)
        case .tick:
            tickCount += 1
            retryBlocked()
            guard !isEnding else { return }
            // A process that is late catches up with some, and no more.
            guard habits.takesRounds ? ticksWaiting < boot.electionTicks / 2 : inputs.isEmpty,
                habits.takesRounds || !isSynced
            else { break }
            ticksWaiting += 1
            inputs.append(Waiting(input: input))
        case .disturb(let number):
            if takesPart, !isEnding, !snapshot.isInstalling { disturbed = core.disturb(choosing: number) }
        default:
            guard inputs.count < Limits.inputsMax else { break }
            inputs.append(Waiting(input: input, frame: Self.frame(input)))
        }
        try drain()
    }

    /// Takes inputs as long as the log has room for what they may add.
    func drain() throws(StoreError) {
        guard !isEnding else { return forgetInputs() }
        guard !snapshot.isInstalling else { return goOnInstalling() }
        guard running != nil else {
            // It does not know anything yet; whoever asks may ask elsewhere.
            for case .request(let number, let request) in inputs.map(\.input) {
                refuse(number, request)
            }
            return forgetInputs()
        }
        if isSynced {
            guard hasRoom(Replica.talkRoom) else { return }
            isSynced = false
            running?.replica.synced(&core, &effects)
            if habits.takesRounds { try publish() }
        }
        guard !habits.takesRounds || running?.replica.isAtRest == true else { return }
        while let first = inputs.first, !snapshot.isInstalling {
            guard hasRoom(room(for: first.input, first.frame)) else { return }
            inputs.removeFirst()
            if case .tick = first.input { ticksWaiting -= 1 }
            try take(first.input, first.frame)
            // In rounds, nothing is said before all is taken in. After the last one, `settle` does.
            if !habits.takesRounds, !inputs.isEmpty || snapshot.isInstalling { try publish() }
        }
    }

    private func hasRoom(_ bytes: Int) -> Bool {
        lacksRoom = !makeRoom(bytes)
        return !lacksRoom
    }

    private func room(for input: Input, _ frame: PeerFrame?) -> Int {
        if let frame { return Replica.room(for: frame.payloads) }
        if case .request(_, .lease(let lease)) = input {
            return max(running?.replica.room(for: proposal(lease), core) ?? 0, Replica.talkRoom)
        }
        guard case .request(_, .call(let call)) = input, let proposal = Self.proposal(call) else {
            return Replica.talkRoom
        }
        return max(running?.replica.room(for: proposal, core) ?? 0, Replica.talkRoom)
    }

    private func take(_ input: Input, _ frame: PeerFrame?) throws(StoreError) {
        notePause()
        switch input {
        case .tick: try tick()
        case .message(let from, let bytes):
            guard let frame else { return try receive(bytes) }
            guard frame.message.from.number == from.number, try takes(.raft(frame)) else { return }
            if !frame.address.isEmpty { addresses.note(frame.message.from, at: frame.address) }
            running?.replica.receive(
                frame.message, payloads: frame.payloads, note: frame.note, &core, &effects)
            try noteFindings()
        case .request(let number, let request): try take(request, number)
        case .disk, .disturb: break
        }
    }

    private static func frame(_ input: Input) -> PeerFrame? {
        guard case .message(_, let bytes) = input, bytes.first == Limits.peerFrame else {
            return nil
        }
        do throws(PeerFrameError) {
            return try PeerFrame(bytes.raw.extracting(1..<bytes.count))
        } catch { return nil }
    }

    /// What it believed of others is old after a pause. A clock that jumps looks like one.
    private func notePause() {
        guard let last = lastTick else { return }
        let passed = now.microseconds - last.microseconds
        guard passed > boot.tickMicroseconds * Int64(boot.electionTicks) else { return }
        lastTick = now
        running?.replica.notePaused(&core, &effects)
    }

    func forgetInputs() {
        (inputs, ticksWaiting, lacksRoom) = ([], 0, false)
    }

    private func tick() throws(StoreError) {
        lastTick = now
        guard takesPart else { return tickFounding() }
        countDownToCheckpoint()
        running?.replica.tick(&core, &effects)
        try noteFindings()
        tickSnapshot()
        tickExchange()
        try tickLeases()
        try tickScrub()
        if tickCount % boot.progressTicks == 0 { tellProgress() }
        if tickCount % houseTicks == 0 { looksForVictim = true }
    }

    private func countDownToCheckpoint() {
        guard let left = ticksToCheckpoint else { return }
        ticksToCheckpoint = left - 1
        guard left <= 1 else { return }
        checkpoint.isWanted = true
        ticksToCheckpoint = habits.ticksToCheckpoint(boot.restFactor, &random)
    }

    /// Ends this process if it is the one that differs: it says nothing more but who may lead.
    private func noteFindings() throws(StoreError) {
        guard !effects.findings.isEmpty else { return }
        isAlarmed = true
        for case .thisMemberDiffers(let found) in effects.findings {
            guard canBeSpared else { throw .differs(revision: found.revision) }
            sayFarewell()
            giveUp(.differs("\(found)"))
            throw .closed
        }
        effects.findings = []
    }

    func send(_ message: RaftMessage, _ payloads: [EntryPayload]) {
        guard let place = place(of: message.to) else { return }
        var frame = PeerFrame(cluster: Self.cluster, message: message, payloads: payloads)
        if frame.introduces { frame.address = address }
        frame.note = running?.replica.note(for: message)
        out.messages.append((.place(place), frame.encoded(behind: [Limits.peerFrame])))
    }

    // MARK: Carrying out

    /// Publishes what can be, and carries out what the member wants.
    func publish() throws(StoreError) {
        if let running {
            running.replica.endRound(&core, &effects)
            try running.replica.publish(&core, files, &effects)
        }
        try carryOut()
    }

    /// Publishes, and writes what there is to write.
    func write() throws(StoreError) {
        try publish()
        while let write = running?.replica.beginWrite() {
            begin(write)
            try publish()
        }
    }

    /// Writes what there is to write, and keeps house.
    func settle() throws(StoreError) {
        guard let running, !isEnding, !snapshot.isInstalling else { return }
        try write()
        if running.replica.needsRebuild, running.replica.isWritten {
            try rebuild()
            try write()
        }
        if running.replica.isHalfFull { prepareNext() }
        try keepHouse()
        answerChanges()
    }

    private func carryOut() throws(StoreError) {
        if effects.isEmpty { return try tell([]) }
        // An offer of a snapshot, which is one effect, has others.
        while !effects.isEmpty {
            swap(&filled, &carried)
            try carryOut(&carried.effects)
        }
    }

    private func carryOut(_ wanted: inout Effects) throws(StoreError) {
        defer { wanted.removeAll() }
        for message in wanted.messages {
            switch message.body {
            case .voteAnswer(isGranted: true): vote = (message.term, message.to)
            case .vote: vote = (message.term, message.from)
            default: break
            }
            guard let payloads = try payloads(of: message) else { continue }
            send(message, payloads)
        }
        try tell(wanted.changes)
        try noteLeaseEnds(wanted.changes)
        for answer in wanted.answers { try take(answer) }
        for move in wanted.moves { try carryOut(move) }
        for sequence in wanted.retired { dispose(sequence) }
        if wanted.isCompacted { pruneStart = [] }
        for follower in wanted.snapshotsNeeded { offerSnapshot(to: follower) }
        if let offer = wanted.snapshotOffered { consider(offer) }
        // A member gets what was meant for the one whose place it took.
        for (from, fault) in wanted.faults where fault != .misdirected {
            out.halt = .broken("\(from) said \(fault)")
        }
    }

    private func carryOut(_ move: Decision.Move) throws(StoreError) {
        guard files.sequences.contains(move.new.segment) else { return }
        var found: (change: Change, key: [UInt8])?
        try files.withSegment(move.new.segment) { bytes throws(StoreError) in
            guard let change = Change(checkedAt: Int(move.new.offset), in: bytes) else { return }
            found = (change, [UInt8](bytes.extracting(change.keyOffset..<change.valueOffset)))
        }
        guard let found else { return }
        core.move(found.change, key: found.key.raw, from: move.old, to: move.new)
    }

    /// The state has seen what became void: it is built up again from the log.
    private func rebuild() throws(StoreError) {
        guard let through = running?.replica.rebuildThrough else { return }
        // What is on its way to the log is answered still: a segment is not retired twice.
        if reclaim?.isInFlight == false { reclaim = nil }
        checkpoint.writer = nil
        let found = try LogRecovery(of: identity, rebuilding: through).run(files)
        let checkpoint = core.checkpointBegin
        core = found.takeCore()
        core.noteCheckpoint(at: checkpoint)
        pruneStart = []
        running?.replica.noteRebuilt()
        try publish()
    }
}

/// Sizes, small enough for every limit to be met often.
enum Limits {
    /// How many times the size that the world gives to segments they may have in a long log.
    static let segmentGrowthMax = 32
    /// In how many pieces a segment is sent.
    static let chunksPerSegmentMax = 16
    static let inputsMax = 400
    /// After so many ticks, it is looked for segments in which little is alive.
    static let houseTicksMin = 10
    /// The first byte of a message: one of Raft, or any other.
    static let peerFrame: UInt8 = 0
    static let memberFrame: UInt8 = 1

    static func configuration(_ boot: Boot<SimulatedReplica.Defect>) -> RaftConfiguration {
        var configuration = RaftConfiguration(id: MemberID(boot.member.number))
        configuration.electionTicks = boot.electionTicks
        configuration.appendEntriesMax = 32
        configuration.appendBytesMax = 8 * 1024
        configuration.appendsInFlightMax = 4
        configuration.bytesInFlightMax = 16 * 1024
        configuration.uncommittedEntriesMax = 200
        configuration.uncommittedBytesMax = 128 * 1024
        configuration.learnerLagEntriesMax = 20
        return configuration
    }
}

/// What members do each in their own way, and anew after each start.
struct Habits {
    /// A log of so many bytes is left alone. Where members differ in it, so do their logs.
    let logBytesMin: Int
    /// A checkpoint is made once so many segments were begun.
    let segmentsPerCheckpoint: Int
    /// And after so many ticks on the average.
    let checkpointTicks: Int?
    /// How much is copied, or sent of a snapshot, at a time.
    let chunkBytes: Int
    /// Whether nothing is taken in while the log is written, and then all that has come before
    /// anything is said, as the server does.
    let takesRounds: Bool
    /// A segment is read through, in search of damage, once in so many ticks.
    let ticksPerScrub: Int

    init(_ random: inout SeededRandom) {
        logBytesMin = random.pick([96, 96, 384]) * 1024
        segmentsPerCheckpoint = random.pick([1, 2, 6, 12])
        checkpointTicks = random.pick([nil, 10, 3])
        chunkBytes = random.pick([2, 8, 8]) * 1024
        takesRounds = random.chance(permille: 500)
        ticksPerScrub = random.pick([5, 50, 500])
    }

    func ticksToCheckpoint(_ restFactor: Int, _ random: inout SeededRandom) -> Int? {
        checkpointTicks.map { 1 + random.below(2 * $0 * restFactor) }
    }
}

/// A hash over all that readers can see.
struct PublishedContents {
    /// Of the last one.
    private(set) var revision = Revision.none

    mutating func hash(
        of core: borrowing StoreState, _ files: SimulatedFiles
    ) throws(StoreError) -> UInt64 {
        var harvest = StoreState.Harvest()
        _ = core.collect(
            .all, at: core.published, limit: .max, stepsMax: .max, into: &harvest)
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for place in harvest.places {
            try files.withSegment(place.segment) { bytes throws(StoreError) in
                guard let change = Change(checkedAt: Int(place.offset), in: bytes) else {
                    throw StoreError.damaged(
                        file: files.name(of: place.segment),
                        LogDamage(offset: Int(place.offset), reason: .contents))
                }
                // Its numbers, the checksum of key and value among them, which holds.
                let end = change.offset + Change.headerBytes
                hash = hash &* 31 &+ bytes.extracting(change.offset..<end).digest
            }
        }
        revision = core.published
        return hash
    }
}
