internal import Raft
internal import Replica
internal import StoreCore
internal import Synchronization

/// What only a store of several members does, on the writing thread.
struct ClusterWork {
    let options: ClusterOptions
    var forwarding = Forwarding()
    /// Those who want to read what is committed, while no leader is known.
    var readers: [(completion: Completion, deadline: ContinuousClock.Instant)] = []
    var lastTick = ContinuousClock.now
    var wasDeciding = false
    var knownLeader: MemberID?
    var snapshot: SnapshotReceiver?
    /// The log is about to be replaced, or given up: this member says nothing more.
    var isEnding = false
    /// Frames that cannot be read, and messages that no correct member sends.
    var faultCount = 0

    /// Whose frames have been refused, and why, so that each is told of once.
    private var refusalsTold: Set<String> = []

    /// Ticks since the disk was found full, or since leadership was last handed over for that.
    var ticksFull = 0

    static let readersMax = 65_536
    /// A disk that syncs for half a second now and then costs nobody the leadership.
    static let electionTicks = 16
    /// Ticks that a thread which was late catches up with.
    static let ticksAtOnceMax = electionTicks / 2
    static let ticksFullMax = 1_000
    static let ticksToAskForSpace = 10
    private static let refusalsToldMax = 64
    /// After standing still for longer than so many ticks, nothing is believed of others.
    static let pauseTicks = 2 * electionTicks

    init(_ options: ClusterOptions) { self.options = options }

    mutating func refuse(_ reason: FrameRefusal.Reason, from sender: String) {
        faultCount += 1
        let refusal = FrameRefusal(sender: sender, reason: reason)
        if refusalsTold.count >= Self.refusalsToldMax { refusalsTold.removeAll() }
        guard refusalsTold.insert("\(refusal)").inserted else { return }
        options.onRefusedFrame(refusal)
    }
}

extension LogWriting {
    // MARK: Time

    /// Nil if time does not matter.
    var timeUntilTick: Duration? {
        guard let cluster, !cluster.isEnding else { return nil }
        let passed = ContinuousClock.now - cluster.lastTick
        return max(.zero, cluster.options.tickInterval - passed)
    }

    /// Lets as many ticks pass as are due.
    mutating func passTime() throws(StoreError) {
        guard let work = cluster else { return }
        let (now, interval) = (ContinuousClock.now, work.options.tickInterval)
        guard now - work.lastTick >= interval else { return }
        if now - work.lastTick > interval * ClusterWork.pauseTicks {
            cluster?.lastTick = now
            guard try makeRoomToTalk() else { return }
            call { replica, core, effects in replica.notePaused(&core, &effects) }
        }
        // What came meanwhile has been taken in before, once: if this member was late itself, it
        // may not count all that time against others.
        let due = Int((now - (cluster?.lastTick ?? now)) / interval)
        cluster?.lastTick += interval * due
        for _ in 0..<min(due, ClusterWork.ticksAtOnceMax) {
            guard hasBegun else {
                try tickFounding()
                continue
            }
            try tick()
            try tickSnapshot()
            try tickExchange()
            handOverIfFull()
            handOverIfStalled()
        }
        answers += cluster?.forwarding.takeExpired(now: now) ?? []
        for reader in work.readers where reader.deadline <= now {
            answer(reader.completion, .failure(.noLeader))
        }
        cluster?.readers.removeAll { $0.deadline <= now }
        // This member may not get at what it knows to be committed: its disk is full, or slow.
        for completion in waiting.takeExpired(now: now) { answer(completion, .failure(.noLeader)) }
    }

    /// A leader whose disk is full refuses writes that another member has room for, so it hands
    /// over; not often, as the others' disks may be full as well.
    private mutating func handOverIfFull() {
        guard keeper.isDiskFull, let work = cluster else {
            cluster?.ticksFull = 0
            return
        }
        cluster?.ticksFull = (work.ticksFull + 1) % ClusterWork.ticksFullMax
        if work.ticksFull % ClusterWork.ticksToAskForSpace == 0 { keeper.prepareNext() }
        guard work.ticksFull == 0, replica.raft.isLeader else { return }
        call { replica, core, effects in
            // Nobody to take over: it is tried again.
            _ = replica.transferLeadership(to: nil, &core, &effects)
        }
    }

    /// A leader whose disk takes longer than an election keeps all who write waiting for it.
    private mutating func handOverIfStalled() {
        guard unsynced != nil else { return }
        ticksUnsynced += 1
        guard ticksUnsynced % ClusterWork.electionTicks == 0, replica.raft.isLeader else { return }
        call { replica, core, effects in
            // Nobody to take over: it is tried again.
            _ = replica.transferLeadership(to: nil, &core, &effects)
        }
    }

    // MARK: Frames

    mutating func receive(_ frame: Inbox.Frame) throws(StoreError) {
        let read: MemberFrame
        // What cannot be read is lost, as frames may be, and counted.
        do throws(PeerFrameError) { read = try MemberFrame(frame.bytes.raw) } catch {
            cluster?.refuse(.unreadable(kind: error.unknownKind), from: frame.sender)
            return
        }
        let envelope = read.envelope
        guard envelope.cluster == replica.members.cluster else {
            cluster?.refuse(
                .otherCluster(envelope.cluster, ours: replica.members.cluster), from: frame.sender)
            return
        }
        guard cluster?.isEnding != true else { return }
        if case .founding(let envelope, let statement) = read {
            return try take(statement, envelope)
        }
        guard hasBegun else { return }
        if damage.isLetIn(by: envelope, replica) { return try giveUp() }
        if case .exchange(let envelope, let wish) = read, envelope.to == .anybody {
            return try take(wish, envelope)
        }
        guard envelope.to == replica.id else { return }
        switch read {
        case .raft(let frame):
            if !frame.address.isEmpty { addresses.note(envelope.from, at: frame.address) }
            do throws(StoreError) {
                try makeRoom { _, _ in Replica.room(for: frame.payloads) }
            } catch {
                // Without space it is lost, as frames may be, and sent again.
                guard error == .noSpace else { throw error }
                return
            }
            call { replica, core, effects in
                replica.receive(
                    frame.message, payloads: frame.payloads, note: frame.note, &core, &effects)
            }
            try noteFindings()
        case .proposal(_, let number, let body): try decide(body, number, for: envelope.from)
        case .answer(_, let number, let answer): try take(answer, to: number)
        case .snapshot(_, let message): try receive(message, from: envelope.from)
        case .exchange(_, let wish): try take(wish, envelope)
        case .founding: break  // See above.
        }
    }

    /// Sends what is to be sent. Entries go out while this member's own disk writes them.
    mutating func sendFrames(_ files: LogFiles) throws(StoreError) {
        guard let cluster else { return effects.messages.removeAll() }
        let messages = effects.messages
        effects.messages.removeAll(keepingCapacity: true)
        for message in messages {
            guard let address = address(of: message.to) else { continue }
            let found: [EntryPayload]?
            do throws(StoreError) { found = try replica.payloads(of: message, files) } catch {
                guard case .damaged = error else { throw error }
                try note(error)
                continue  // It is lost, as frames may be.
            }
            guard let payloads = found else { continue }
            var frame = PeerFrame(
                cluster: replica.members.cluster, message: message, payloads: payloads)
            if frame.introduces { frame.address = cluster.options.me.peerAddress }
            frame.note = replica.note(for: message)
            cluster.options.send(frame.encoded(), message.to.number, address)
        }
    }

    func send(_ frame: MemberFrame) {
        guard let cluster, let address = address(of: frame.envelope.to) else { return }
        cluster.options.send(frame.encoded(), frame.envelope.to.number, address)
    }

    /// Where a member is found.
    func address(of member: MemberID) -> String? {
        guard cluster != nil else { return nil }
        return addresses.address(of: member, in: replica.members)
    }

    func envelope(to member: MemberID) -> MemberFrame.Envelope {
        MemberFrame.Envelope(cluster: replica.members.cluster, from: replica.id, to: member)
    }

    // MARK: Proposals of others

    /// Decides what another member has passed on, and answers it.
    private mutating func decide(
        _ body: [UInt8], _ number: UInt64, for member: MemberID
    ) throws(StoreError) {
        let proposal: Proposal
        do throws(PeerFrameError) { proposal = try ForwardedProposal.decoded(body) } catch {
            cluster?.faultCount += 1
            return
        }
        let envelope = envelope(to: member)
        guard replica.refusal(of: proposal) == nil,
            let address = address(of: member), let send = cluster?.options.send
        else {
            let answer = ForwardedAnswer(index: .zero, .failure(.noLeader))
            return self.send(.answer(envelope, number: number, answer))
        }
        try decide(proposal) { [shared] result in
            let index = shared.state.withLock { $0.publishedIndex }
            let answer = ForwardedAnswer(index: index, result.map(\.decision))
            let frame = MemberFrame.answer(envelope, number: number, answer)
            send(frame.encoded(), member.number, address)
        }
    }

    // MARK: Our own proposals

    /// Passes a proposal on to the leader, or keeps it until one is known.
    mutating func passOn(_ waiting: ProposalQueue.Waiting) {
        passOn(
            Forwarding.Waiting(
                proposal: waiting.proposal, completion: waiting.completion,
                deadline: ContinuousClock.now + Forwarding.patience))
    }

    private mutating func passOn(_ waiting: Forwarding.Waiting) {
        let body = ForwardedProposal.encoded(waiting.proposal)
        guard let leader = replica.raft.leader, leader != replica.id, let body else {
            guard cluster?.forwarding.hold(waiting) == true else {
                return answer(waiting.completion, .failure(.overloaded))
            }
            return
        }
        guard let number = cluster?.forwarding.ask(waiting, of: leader) else {
            return answer(waiting.completion, .failure(.overloaded))
        }
        send(.proposal(envelope(to: leader), number: number, body: body))
    }

    /// Decides what has waited for this member to lead.
    mutating func decideHeld() throws(StoreError) {
        guard replica.isDeciding, let held = cluster?.forwarding.takeHeld() else { return }
        for waiting in held { try decide(waiting.proposal, waiting.completion) }
    }

    private mutating func take(_ given: ForwardedAnswer, to number: UInt64) throws(StoreError) {
        guard let failed = cluster?.forwarding.take(given, to: number) else { return }
        guard failed.error == .noLeader else {
            return answer(failed.waiting.completion, .failure(failed.error))
        }
        // Nothing has happened there: it waits for the next leader, as time permits.
        if cluster?.forwarding.hold(failed.waiting) != true {
            answer(failed.waiting.completion, .failure(.noLeader))
        }
    }

    // MARK: Calls

    mutating func carryOut(_ wanted: Inbox.Call) throws(StoreError) {
        if case .damaged(let error) = wanted { return try note(error) }
        if case .sound = wanted { return try noteSound() }
        guard try makeRoomToTalk() else { return wanted.fail(.noSpace) }
        switch wanted {
        case .read(let completion): read(completion)
        case .unreachable(let member): replica.noteUnreachable(member)
        case .change(let changes, var addresses, let answer):
            if let me = cluster?.options.me {
                addresses[replica.id] = .init(name: me.name, peer: me.peerAddress)
            }
            call { replica, core, effects in
                answer(replica.propose(changes, addresses: addresses, &core, &effects))
            }
        case .damaged, .sound: break  // See above.
        case .transfer(let target, let answer):
            call { replica, core, effects in
                answer(replica.transferLeadership(to: target, &core, &effects))
            }
        }
    }

    private mutating func read(_ completion: @escaping Completion) {
        if cluster != nil, replica.raft.leader == nil {
            guard (cluster?.readers.count ?? 0) < ClusterWork.readersMax else {
                return answer(completion, .failure(.overloaded))
            }
            cluster?.readers.append((completion, ContinuousClock.now + Forwarding.patience))
            return
        }
        let deadline = cluster.map { _ in ContinuousClock.now + Forwarding.patience }
        let ticket = waiting.add(completion, until: deadline)
        call { replica, core, effects in
            replica.read(ticket: ticket, &core, &effects)
        }
    }

    // MARK: Who leads

    /// Notes who leads, and goes on with what waited for that.
    mutating func noteCluster() {
        cluster?.faultCount += effects.faults.count
        guard let work = cluster else { return }
        let leader = replica.raft.leader
        let (isDeciding, isAnother) = (replica.isDeciding, leader != work.knownLeader)
        if isDeciding != work.wasDeciding {
            cluster?.wasDeciding = isDeciding
            work.options.onLeadership(isDeciding)
        }
        cluster?.knownLeader = leader
        noteSnapshots()
        noteStatus()
        guard let leader, isAnother || isDeciding != work.wasDeciding else { return }
        for completion in cluster?.forwarding.takeAsked(exceptOf: leader) ?? [] {
            answer(completion, .failure(.outcomeUnknown))
        }
        let readers = work.readers
        cluster?.readers = []
        for reader in readers { read(reader.completion) }
        guard leader != replica.id else { return }
        for waiting in cluster?.forwarding.takeHeld() ?? [] { passOn(waiting) }
    }

    private func noteStatus() {
        let members = replica.members
        let status = MemberStatus(
            cluster: members.cluster, me: replica.id.number,
            leader: replica.raft.leader?.number, term: replica.raft.term.number,
            members: members.list, committedIndex: replica.raft.committed.number,
            lastIndex: replica.last.index.number, revision: .none, logBytes: 0,
            comparedRevision: replica.revisionAgreed,
            faultCount: cluster?.faultCount ?? 0)
        shared.state.withLock { $0.status = status }
    }
}

extension ClusterMembers {
    fileprivate var list: [MemberStatus.Member] {
        membership.members.map { id in
            MemberStatus.Member(
                number: id.number, name: addresses[id]?.name ?? "",
                peerAddress: addresses[id]?.peer ?? "", isVoter: membership.isVoter(id))
        }
    }
}
