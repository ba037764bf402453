import Raft

/// Members with disks and a network between them, all of them values. Nothing happens by itself:
/// each step is somebody's decision, a script's or a generator's.
struct Cluster {
    var nodes: [Node] = []
    /// On the way, oldest first.
    var network: [RaftMessage] = []
    var invariants: RaftInvariants
    private var witnesses: [RaftWitness] = []
    /// What happened, for those who want to read it.
    var events: [String] = []
    /// Messages that no correct member would send.
    var faults: [RaftFault] = []
    var counts = Counts()

    /// What a run has to have seen to mean something.
    struct Counts {
        var leaders = 0
        var truncations = 0
        var snapshots = 0
        var memberships = 0
        var reads = 0
        var losses = 0

        mutating func add(_ other: Counts) {
            leaders += other.leaders
            truncations += other.truncations
            snapshots += other.snapshots
            memberships += other.memberships
            reads += other.reads
            losses += other.losses
        }
    }

    struct Node {
        let id: MemberID
        var configuration: RaftConfiguration
        /// Nil while it is down.
        var member: RaftMember?
        var disk = Disk()
        /// Handed to the disk and not written yet, oldest first.
        var writes: [Write] = []
        var seed: UInt64
        var offered: RaftActions.Offer?
        var reads: [RaftActions.ReadReady] = []
        var readsFailed = 0
    }

    /// What survives a crash.
    struct Disk {
        var hardState = HardState()
        var log = RaftLog(membership: .none)
        /// Some of the log before here was lost.
        var wholeFrom = LogIndex.zero

        mutating func noteRepair() { if log.lastIndex >= wholeFrom { wholeFrom = .zero } }
    }

    struct Write {
        var hardState: HardState?
        var appended: RaftActions.Appended?
        var messages: [RaftMessage]
    }

    init(membership: Membership) { invariants = RaftInvariants(membership: membership) }

    mutating func add(
        _ id: MemberID, membership: Membership, seed: UInt64,
        configure: (inout RaftConfiguration) -> Void = { _ in }
    ) {
        var configuration = RaftConfiguration(id: id)
        configure(&configuration)
        var node = Node(id: id, configuration: configuration, seed: seed)
        node.disk.log = RaftLog(membership: membership)
        nodes.append(node)
        start(id)
    }

    func position(_ id: MemberID) -> Int { nodes.firstIndex { $0.id == id }! }
    func member(_ id: MemberID) -> RaftMember? { nodes[position(id)].member }
    var leader: RaftMember? {
        nodes.compactMap(\.member).filter(\.isLeader).max { $0.term < $1.term }
    }

    // MARK: Steps

    /// Has a member do something, and carries out what it wants done but for the disk's part.
    mutating func act(
        _ id: MemberID, _ body: (inout RaftMember, inout RaftActions) throws -> Void
    ) {
        let position = position(id)
        guard var member = nodes[position].member else { return }
        nodes[position].member = nil  // or its arrays would be copied
        var (actions, refusal) = (RaftActions(), (any Error)?.none)
        do { try body(&member, &actions) } catch { refusal = error }
        nodes[position].member = member
        carryOut(actions, at: position)
        if let refusal { events.append("\(id) refuses: \(refusal)") }
        if let fault = refusal as? RaftFault { faults.append(fault) }
    }

    private mutating func carryOut(_ actions: RaftActions, at position: Int) {
        let id = nodes[position].id
        counts.leaders += actions.role == .leader ? 1 : 0
        counts.reads += actions.readsReady.count
        for case .membership in actions.appended?.entries.map(\.kind) ?? [] {
            counts.memberships += 1
        }
        if let role = actions.role { events.append("\(id) \(describe(role, nodes[position]))") }
        if let committed = actions.committed { events.append("\(id) commits \(committed)") }
        for read in actions.readsReady {
            events.append("\(id) reads \(read.context) at \(read.index)")
        }
        for context in actions.readsFailed { events.append("\(id) fails to read \(context)") }
        for follower in actions.snapshotsNeeded {
            events.append("\(id) needs a snapshot for \(follower)")
        }
        if let offer = actions.snapshotOffered {
            nodes[position].offered = offer
            events.append("\(id) is offered a snapshot of \(offer.snapshot.last)")
        }
        nodes[position].reads += actions.readsReady
        nodes[position].readsFailed += actions.readsFailed.count
        network += actions.messages
        let write = Write(
            hardState: actions.hardState, appended: actions.appended,
            messages: actions.messagesAfterWrite)
        if write.hardState != nil || write.appended != nil || !write.messages.isEmpty {
            nodes[position].writes.append(write)
        }
    }

    private func describe(_ role: RaftRole, _ node: Node) -> String {
        switch role {
        case .follower(let leader?): "follows \(leader)"
        case .follower(nil): "follows nobody"
        case .preCandidate: "asks who would vote for it"
        case .candidate: "campaigns for term \(node.member?.term ?? .none)"
        case .leader: "leads term \(node.member?.term ?? .none)"
        }
    }

    /// The disk finishes the oldest write.
    mutating func finishWrite(_ id: MemberID) {
        let position = position(id)
        guard !nodes[position].writes.isEmpty else { return }
        let write = nodes[position].writes.removeFirst()
        if let hardState = write.hardState { nodes[position].disk.hardState = hardState }
        if let appended = write.appended {
            if appended.first <= nodes[position].disk.log.lastIndex { counts.truncations += 1 }
            nodes[position].disk.log.truncate(from: appended.first)
            for entry in appended.entries { nodes[position].disk.log.append(entry) }
            nodes[position].disk.noteRepair()
        }
        network += write.messages
        guard let appended = write.appended else { return }
        act(id) { member, actions in
            member.written(through: appended.through, term: appended.term, &actions)
        }
    }

    mutating func finishWrites(_ id: MemberID) {
        while !nodes[position(id)].writes.isEmpty { finishWrite(id) }
    }

    mutating func receive(_ message: RaftMessage) {
        guard nodes.contains(where: { $0.id == message.to }) else { return }
        act(message.to) { member, actions in try member.receive(message, &actions) }
    }

    /// What is not on disk is gone.
    mutating func crash(_ id: MemberID) {
        let position = position(id)
        nodes[position].member = nil
        nodes[position].writes = []
        nodes[position].offered = nil
    }

    /// The disk of a member that is down loses what it had after an entry.
    mutating func loseDisk(_ id: MemberID, after index: LogIndex) {
        let position = position(id)
        let last = nodes[position].disk.log.lastIndex
        guard nodes[position].member == nil, index < last else { return }
        nodes[position].disk.log.truncate(
            from: max(index, nodes[position].disk.log.base.index).next)
        nodes[position].disk.wholeFrom = max(nodes[position].disk.wholeFrom, last)
        invariants.excuse(id, through: last)
        counts.losses += 1
    }

    mutating func start(_ id: MemberID) {
        let position = position(id)
        let node = nodes[position]
        nodes[position].seed += 1000
        nodes[position].member = RaftMember(
            configuration: node.configuration, hardState: node.disk.hardState, log: node.disk.log,
            committed: node.disk.log.base.index, votesFrom: node.disk.wholeFrom, seed: node.seed)
    }

    // MARK: Compaction and snapshots

    mutating func compact(_ id: MemberID, to index: LogIndex) {
        let position = position(id)
        guard let member = nodes[position].member else { return }
        let index = min(index, min(member.committed, member.written))
        nodes[position].member?.compact(to: index)
        // An older write may still be under way, but not of what is settled.
        nodes[position].disk.log.compact(to: min(index, nodes[position].disk.log.lastIndex))
    }

    /// Offers what is compacted as a snapshot.
    mutating func offer(from id: MemberID, to follower: MemberID) {
        act(id) { member, actions in
            let base = member.log.base
            let membership = member.log.membership(at: base.index)
            member.offerSnapshot(
                Snapshot(last: base, membership: membership), to: follower, &actions)
        }
    }

    /// Installs what was offered, perhaps again and again.
    mutating func install(_ id: MemberID, isRepeated: Bool = false) {
        finishWrites(id)
        let position = position(id)
        guard let snapshot = nodes[position].offered?.snapshot else { return }
        if !isRepeated { nodes[position].offered = nil }
        if nodes[position].member?.wants(snapshot) == true {
            counts.snapshots += 1
            nodes[position].disk.log = RaftLog(
                base: snapshot.last, membership: snapshot.membership)
            nodes[position].disk.noteRepair()
        }
        act(id) { member, actions in member.snapshotInstalled(snapshot, &actions) }
    }

    // MARK: Invariants

    mutating func check(changed: MemberID? = nil) throws {
        for position in nodes.indices where changed == nil || nodes[position].id == changed {
            let witness = witness(nodes[position])
            if position < witnesses.count {
                witnesses[position] = witness
            } else {
                witnesses.append(witness)
            }
            try checkKnowsItsDisk(nodes[position])
        }
        try invariants.check(witnesses, changed: changed)
    }

    private func witness(_ node: Node) -> RaftWitness {
        if let member = node.member { return member.witness }
        return RaftWitness(
            down: node.id, term: node.disk.hardState.term, log: node.disk.log,
            committed: node.disk.log.base.index)
    }

    private func checkKnowsItsDisk(_ node: Node) throws {
        guard let member = node.member, member.written > member.log.base.index else { return }
        guard node.disk.log.term(at: member.written) == member.log.term(at: member.written) else {
            throw Mistaken(id: node.id, written: member.written)
        }
    }

    /// A member believes to be on disk what is not.
    struct Mistaken: Error {
        let id: MemberID
        let written: LogIndex
    }
}
