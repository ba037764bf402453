import Raft
import Testing

/// Clusters under random faults: the invariants hold at every step, and once the faults stop, the
/// cluster goes on.
@Suite struct RandomTests {
    @Test(arguments: 0..<80 as Range<UInt64>)
    func threeMembersKeepTheirPromises(seed: UInt64) throws {
        try torment(members: 3, spares: 1, seed: seed)
    }

    @Test(arguments: 0..<80 as Range<UInt64>)
    func fiveMembersKeepTheirPromises(seed: UInt64) throws {
        try torment(members: 5, spares: 2, seed: 1000 + seed)
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func oneOrTwoMembersKeepTheirPromises(seed: UInt64) throws {
        try torment(members: 1 + Int(seed % 2), spares: 2, seed: 2000 + seed)
    }

    /// Quiet runs prove nothing.
    @Test func theStormsAreStorms() throws {
        var (counts, committed) = (Cluster.Counts(), 0)
        for seed in 0..<20 as Range<UInt64> {
            var storm = Storm(members: 3, spares: 1, seed: seed)
            for _ in 0..<4000 { try storm.step() }
            counts.add(storm.cluster.counts)
            committed += Int(storm.cluster.invariants.committedIndex.number)
        }
        #expect(committed > 200)
        #expect(counts.leaders > 40)
        #expect(counts.truncations > 10)
        #expect(counts.snapshots > 5)
        #expect(counts.memberships > 40)
        #expect(counts.reads > 100)
        #expect(counts.losses > 5)
    }

    private func torment(members: Int, spares: Int, seed: UInt64) throws {
        var storm = Storm(members: members, spares: spares, seed: seed)
        do {
            for _ in 0..<4000 { try storm.step() }
            try storm.calm()
        } catch {
            Issue.record("seed \(seed), step \(storm.steps): \(error)")
        }
    }
}

/// A cluster and its faults, all drawn from a seed, also how often each kind of fault happens.
struct Storm {
    var cluster: Cluster
    var dice: Dice
    private(set) var steps = 0
    private var contexts: UInt64 = 0
    private var weights: [Int] = []
    private let lossPercent: Int
    private let duplicationPercent: Int
    /// Links that are cut, one way each.
    private var cuts: Set<Link> = []
    /// Reads under way, and what had been committed by anybody when they began.
    private var reads: [ReadContext: LogIndex] = [:]
    private var readsSeen: [Int: Int] = [:]

    struct Link: Hashable {
        var from: MemberID
        var to: MemberID
    }

    struct Stuck: Error, CustomStringConvertible {
        let description: String
    }

    init(members: Int, spares: Int, seed: UInt64) {
        dice = Dice(seed: seed)
        let voters = (1...members).map { MemberID(UInt64($0)) }
        let membership = Membership(voters: voters)
        cluster = Cluster(membership: membership)
        let electionTicks = dice.roll(3...9)
        let entriesMax = dice.roll(1...3)
        let inFlightMax = dice.roll(1...6)
        for number in 1...(members + spares) {
            let id = MemberID(UInt64(number))
            cluster.add(
                id, membership: number <= members ? membership : .none,
                seed: seed &* 31 &+ UInt64(number)
            ) { configuration in
                configuration.electionTicks = electionTicks
                configuration.appendEntriesMax = entriesMax
                configuration.appendBytesMax = 300
                configuration.appendsInFlightMax = inFlightMax
                configuration.bytesInFlightMax = 700
                configuration.uncommittedEntriesMax = 40
                configuration.learnerLagEntriesMax = 5
            }
        }
        for event in Event.allCases {
            weights.append(event.weight * (event.isFault ? dice.roll(0...4) : dice.roll(1...3)))
        }
        lossPercent = dice.roll(0...2) * dice.roll(0...6)
        duplicationPercent = dice.roll(0...10)
    }

    mutating func step() throws {
        steps += 1
        let id = anyMember
        let changed = happen(draw(), at: id)
        cluster.events = []
        guard let changed else { return }
        try cluster.check(changed: changed)
        try checkReads()
        if let fault = cluster.faults.first { throw fault }
    }

    // MARK: What happens

    private enum Event: CaseIterable {
        case delivery, write, tick, proposal, read
        case compaction, snapshot, crash, crashOfLeader, restart, cut, cutOfLeader, heal
        case change, transfer, pause, unreachable, shuffle, loss

        /// How often it happens, more or less.
        var weight: Int {
            switch self {
            case .delivery: 5000
            case .write: 2000
            case .tick: 1500
            case .proposal: 400
            case .read, .snapshot, .compaction: 200
            case .restart: 100
            case .change: 60
            case .heal: 30
            case .crashOfLeader, .cutOfLeader: 15
            case .transfer, .unreachable, .shuffle: 10
            case .crash, .cut, .loss: 5
            case .pause: 2
            }
        }

        /// Faults may be missing for a whole run, so that others come into their own.
        var isFault: Bool {
            switch self {
            case .delivery, .write, .tick, .proposal, .restart, .heal, .snapshot: false
            default: true
            }
        }
    }

    private mutating func draw() -> Event {
        var point = dice.roll(0...weights.reduce(0, +) - 1)
        for (event, weight) in zip(Event.allCases, weights) {
            point -= weight
            if point < 0 { return event }
        }
        return .tick
    }

    /// - Returns: The member that it may have changed.
    private mutating func happen(_ event: Event, at id: MemberID) -> MemberID? {
        switch event {
        case .delivery: return deliver()
        case .write: cluster.finishWrite(id)
        case .tick: cluster.act(id) { member, actions in member.tick(&actions) }
        case .proposal: return propose()
        case .read: read(at: id)
        case .compaction: compact(id)
        case .snapshot: offerOrInstall(id)
        case .crash: cluster.crash(id)
        case .crashOfLeader:
            guard let leader = anyLeader else { return nil }
            cluster.crash(leader)
            return leader
        case .restart: return restart()
        case .cut: cut(id)
        case .cutOfLeader: cut(anyLeader ?? id)
        case .heal: cuts = []
        case .change: return changeMembership()
        case .transfer: return transfer()
        case .pause: cluster.act(id) { member, actions in member.notePaused(&actions) }
        case .unreachable: return noteUnreachable(id)
        case .loss: lose(id)
        case .shuffle: cluster.network.shuffle(using: &dice)
        }
        return id
    }

    private mutating func deliver() -> MemberID? {
        guard !cluster.network.isEmpty else { return nil }
        // Mostly the oldest, sometimes any.
        let count = cluster.network.count
        let place = dice.roll(0...9) == 0 ? dice.roll(0...count - 1) : 0
        let message = cluster.network[place]
        if dice.roll(0...99) >= duplicationPercent { cluster.network.remove(at: place) }
        if cluster.network.count > 500 { cluster.network.removeFirst(100) }
        guard dice.roll(0...99) >= lossPercent else { return nil }
        guard !cuts.contains(Link(from: message.from, to: message.to)) else { return nil }
        cluster.receive(message)
        return message.to
    }

    private var anyMember: MemberID {
        mutating get { cluster.nodes[dice.roll(0...cluster.nodes.count - 1)].id }
    }

    /// Somebody who leads, or believes to.
    private var anyLeader: MemberID? {
        mutating get {
            let leaders = cluster.nodes.compactMap(\.member).filter(\.isLeader)
            return leaders.isEmpty ? nil : leaders[dice.roll(0...leaders.count - 1)].id
        }
    }

    private mutating func propose() -> MemberID? {
        let sizes = (0..<dice.roll(1...3)).map { _ in dice.roll(1...200) }
        guard let leader = anyLeader else { return nil }
        cluster.act(leader) { member, actions in _ = try member.propose(sizes, &actions) }
        return leader
    }

    private mutating func restart() -> MemberID? {
        guard let down = cluster.nodes.first(where: { $0.member == nil })?.id else { return nil }
        cluster.start(down)
        return down
    }

    private mutating func read(at id: MemberID) {
        guard cluster.member(id) != nil else { return }
        contexts += 1
        let context = ReadContext(contexts)
        reads[context] = cluster.invariants.committedIndex
        cluster.act(id) { member, actions in member.read(context, &actions) }
    }

    /// A read sees all that had been committed when it began.
    private mutating func checkReads() throws {
        for position in cluster.nodes.indices {
            for read in cluster.nodes[position].reads {
                guard let atLeast = reads.removeValue(forKey: read.context) else {
                    throw Stuck(description: "read \(read.context) answered twice")
                }
                guard read.index >= atLeast else {
                    throw Stuck(description: "stale read at \(read.index), \(atLeast) committed")
                }
            }
            cluster.nodes[position].reads = []
        }
    }

    private mutating func compact(_ id: MemberID) {
        guard let member = cluster.member(id) else { return }
        let most = min(member.committed, member.written).number
        guard most > member.log.base.index.number else { return }
        let back = UInt64(dice.roll(0...3))
        cluster.compact(id, to: LogIndex(most > back ? most - back : 0))
    }

    private mutating func offerOrInstall(_ id: MemberID) {
        if cluster.nodes[cluster.position(id)].offered != nil {
            return cluster.install(id, isRepeated: dice.roll(0...1) == 0)
        }
        for node in cluster.nodes where node.id != id { cluster.offer(from: id, to: node.id) }
    }

    private mutating func crash(_ id: MemberID) { cluster.crash(id) }

    /// Somebody's vote is missing.
    private var isDamaged: Bool { cluster.nodes.contains { $0.disk.wholeFrom > .zero } }

    /// One disk at a time, and only where the others suffice to elect a leader.
    private mutating func lose(_ id: MemberID) {
        let members = cluster.nodes.compactMap(\.member)
        let canSpareOne =
            members.count == cluster.nodes.count
            && members.allSatisfy {
                $0.membership == .none || !$0.membership.isJoint && $0.membership.voters.count > 2
            }
        guard cluster.invariants.isNobodyExcused, !isDamaged, canSpareOne else { return }
        cluster.crash(id)
        let last = cluster.nodes[cluster.position(id)].disk.log.lastIndex.number
        let lost = UInt64(dice.roll(1...4))
        cluster.loseDisk(id, after: LogIndex(last > lost ? last - lost : 0))
    }

    private mutating func cut(_ id: MemberID) {
        let isOneWay = dice.roll(0...1) == 0
        for node in cluster.nodes where node.id != id && dice.roll(0...2) > 0 {
            cuts.insert(Link(from: id, to: node.id))
            if !isOneWay { cuts.insert(Link(from: node.id, to: id)) }
        }
    }

    private mutating func changeMembership() -> MemberID? {
        guard let id = anyLeader, let leader = cluster.member(id) else { return nil }
        let other = anyMember
        let change: MembershipChange =
            if leader.membership.isVoter(other) {
                dice.roll(0...1) == 0 ? .remove(other) : .demote(other)
            } else if leader.membership.contains(other) {
                dice.roll(0...4) == 0 ? .remove(other) : .promote(other)
            } else {
                .addLearner(other)
            }
        guard !isDamaged else { return nil }
        let isSmaller = change == .remove(other) || change == .demote(other)
        guard leader.membership.voters.count > 1 || !isSmaller else { return nil }
        cluster.act(id) { member, actions in try member.propose([change], &actions) }
        return id
    }

    private mutating func transfer() -> MemberID? {
        guard let leader = anyLeader else { return nil }
        cluster.act(leader) { member, actions in
            try member.transferLeadership(&actions)
        }
        return leader
    }

    private mutating func noteUnreachable(_ id: MemberID) -> MemberID? {
        guard let leader = anyLeader else { return nil }
        // Either side may notice that their connection broke.
        let (one, other) = dice.roll(0...1) == 0 ? (leader, id) : (id, leader)
        cluster.act(one) { member, _ in member.noteUnreachable(other) }
        return one
    }

    // MARK: Calm

    /// The faults stop: within some election timeouts there is a leader, everybody who belongs to
    /// the cluster has all that it has, and writes and reads go through.
    mutating func calm() throws {
        cuts = []
        for node in cluster.nodes where node.member == nil { cluster.start(node.id) }
        for _ in 0..<150 { try pass() }
        guard let leader = cluster.leader else { throw Stuck(description: "no leader") }
        let before = cluster.invariants.committedIndex
        cluster.act(leader.id) { member, actions in _ = try member.propose([1, 2], &actions) }
        let done = cluster.counts.reads
        for id in leader.membership.members { read(at: id) }
        for _ in 0..<40 { try pass() }
        guard cluster.invariants.committedIndex >= before.advanced(by: 2) else {
            throw Stuck(description: "nothing committed after \(before): \(cluster.events)")
        }
        guard cluster.counts.reads == done + leader.membership.members.count else {
            throw Stuck(description: "\(cluster.counts.reads - done) reads answered")
        }
        for id in leader.membership.members {
            let committed = cluster.member(id)?.committed ?? .zero
            guard committed == cluster.invariants.committedIndex else {
                throw Stuck(description: "\(id) stays at \(committed)")
            }
        }
        guard !leader.membership.isJoint else { throw Stuck(description: "still joint") }
    }

    /// A tick for everybody, and all messages and writes that come of it.
    private mutating func pass() throws {
        for node in cluster.nodes {
            cluster.act(node.id) { member, actions in member.tick(&actions) }
            for other in cluster.nodes { cluster.offer(from: node.id, to: other.id) }
        }
        var budget = 2000
        repeat {
            for node in cluster.nodes {
                cluster.finishWrites(node.id)
                cluster.install(node.id)
            }
            let messages = cluster.network
            cluster.network = []
            for message in messages { cluster.receive(message) }
            budget -= messages.count
            try cluster.check()
            try checkReads()
        } while budget > 0
            && (!cluster.network.isEmpty || cluster.nodes.contains { !$0.writes.isEmpty })
        cluster.events = []
    }
}

/// Draws from a seed.
struct Dice: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed &+ 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        UInt64(roll(0...0x7FFF_FFFF)) << 33 | UInt64(roll(0...0x7FFF_FFFF)) << 2
    }

    mutating func roll(_ range: ClosedRange<Int>) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return range.lowerBound + Int(state >> 33) % range.count
    }
}
