package import Raft
package import StoreCore

/// What this member has found out about what members hold.
package enum StateFinding: Sendable, Equatable {
    /// It holds something else than a majority does: it may not go on.
    case thisMemberDiffers(StateDifference)
    /// Another member does. It is told, and looks for itself.
    case memberDiffers(MemberID, StateDifference)
    /// The keys of this member are not what all changes come to. Whether they are what they should be
    /// is for the comparison to find.
    case indexChanged(Revision)
    /// Members hold different things, and none of them is a majority's: nobody can tell who is
    /// right, so nobody is put out.
    case noMajority(Revision, [MemberID: UInt64])
}

/// At one revision, what one member holds and what a majority of the voters hold.
package struct StateDifference: Sendable, Equatable {
    package var revision: Revision
    package var own: UInt64
    package var majority: UInt64

    package init(revision: Revision, own: UInt64, majority: UInt64) {
        (self.revision, self.own, self.majority) = (revision, own, majority)
    }
}

/// Compares what members hold: the sums of their states at one revision.
///
/// About once a second the leader asks, with its heartbeats, for the sum at its newest published
/// revision. Who has come that far answers. Once a majority of the voters say the same, whoever
/// says something else differs, the leader included. A follower does not take the leader's word:
/// it has to be told who agreed, to find that these are a majority as it knows the members, and
/// that its own sum at that revision is another one. So a leader that is wrong can put out nobody
/// but itself.
///
/// What is committed at a revision is the same in every term, so nothing old is mistaken for
/// something new; what is said in another term is dropped all the same.
package struct StateComparison: Sendable {
    /// Between the beginnings of two comparisons.
    package static let ticksBetween = 32

    /// The newest revision at which a majority was found to hold the same, as this leader knows.
    package private(set) var agreed = Revision.none

    private let id: MemberID
    private var ticks = 0
    private var round: Round?
    private var asked: Asked?
    /// Members of whom it has been told that they differ, until they agree again.
    private var told: Set<MemberID> = []
    private var hasToldOfNoMajority = false

    /// A leader's comparison.
    private struct Round {
        var term: Term
        var revision: Revision
        var sums: [MemberID: UInt64]
        var majority: (sum: UInt64, voters: [MemberID])?
    }

    /// A follower's question, and its answer once there is one.
    private struct Asked {
        var term: Term
        var leader: MemberID
        var revision: Revision
        var sum: UInt64?
    }

    package init(id: MemberID) { self.id = id }

    // MARK: The leader

    /// Lets a tick pass at a leader. Begins a comparison when it is time.
    ///
    /// - Parameters:
    ///   - revision: The newest published one.
    ///   - sum: Of this member there.
    /// - Returns: What the comparison that ends now has found.
    package mutating func tick(
        term: Term, _ membership: Membership, at revision: Revision, _ sum: UInt64?
    ) -> StateFinding? {
        if round?.term != term {
            (round, told, hasToldOfNoMajority) = (nil, [], false)
            ticks = Self.ticksBetween
        }
        ticks += 1
        guard ticks > Self.ticksBetween else { return nil }
        ticks = 0
        let finding = finish(membership)
        round = sum.map { Round(term: term, revision: revision, sums: [id: $0]) }
        return finding
    }

    private mutating func finish(_ membership: Membership) -> StateFinding? {
        guard let round, round.majority == nil else { return nil }
        let sums = round.sums.filter { membership.isVoter($0.key) }
        guard Set(sums.values).count > 1, !hasToldOfNoMajority else { return nil }
        hasToldOfNoMajority = true
        return .noMajority(round.revision, sums)
    }

    /// A follower has answered.
    package mutating func take(
        _ sum: UInt64, of member: MemberID, at revision: Revision, term: Term,
        _ membership: Membership
    ) -> [StateFinding] {
        guard var now = round, now.term == term, now.revision == revision,
            membership.contains(member)
        else { return [] }
        now.sums[member] = sum
        now.majority = Self.majority(of: now.sums, membership)
        round = now
        guard let majority = now.majority else { return [] }
        hasToldOfNoMajority = false
        if now.sums[id] == majority.sum { agreed = max(agreed, revision) }
        return now.sums.keys.sorted().compactMap { member in
            finding(about: member, now.sums[member] ?? 0, majority.sum, revision)
        }
    }

    private mutating func finding(
        about member: MemberID, _ sum: UInt64, _ majority: UInt64, _ revision: Revision
    ) -> StateFinding? {
        guard sum != majority else {
            told.remove(member)
            return nil
        }
        let difference = StateDifference(revision: revision, own: sum, majority: majority)
        if member == id { return .thisMemberDiffers(difference) }
        return told.insert(member).inserted ? .memberDiffers(member, difference) : nil
    }

    /// What most hold, and which voters do; nil if no majority says the same. While the membership
    /// changes, majorities of both say it.
    private static func majority(
        of sums: [MemberID: UInt64], _ membership: Membership
    ) -> (sum: UInt64, voters: [MemberID])? {
        for sum in Set(sums.values) where membership.hasQuorum(where: { sums[$0] == sum }) {
            let voters = sums.keys.filter { sums[$0] == sum && membership.isVoter($0) }
            return (sum, voters.sorted())
        }
        return nil
    }

    /// How many ticks nothing would be found in: those until the next comparison begins, or any
    /// number if this revision has been compared. Nil while one is under way, or has found something.
    func calmTicks(term: Term, at revision: Revision, _ present: [MemberID]) -> Int? {
        guard let round, round.term == term, let own = round.sums[id],
            round.sums.values.allSatisfy({ $0 == own })
        else { return nil }
        if agreed == revision, round.revision == revision { return .max }
        guard present.allSatisfy({ round.sums[$0] != nil }) else { return nil }
        return max(Self.ticksBetween - ticks, 0)
    }

    /// Lets ticks pass at a leader.
    mutating func pass(ticks: Int) { self.ticks = min(self.ticks + ticks, Self.ticksBetween) }

    // MARK: A follower

    /// The leader has sent a heartbeat, with a question or without.
    package mutating func noteQuestion(_ revision: Revision?, of leader: MemberID, term: Term) {
        guard let revision else { return asked = nil }
        if let asked, asked.revision == revision, asked.leader == leader, asked.term == term {
            return
        }
        asked = Asked(term: term, leader: leader, revision: revision)
    }

    /// Whether a comparison is under way, of which this member is the leader.
    package var isComparing: Bool { round != nil }

    /// The question that waits for an answer.
    var questionOpen: Revision? {
        guard let asked, asked.sum == nil else { return nil }
        return asked.revision
    }

    package mutating func answer(_ sum: UInt64) { asked?.sum = sum }

    /// Whether a verdict holds here: those who agreed are a majority without this member, and its
    /// own sum is another one.
    package func judge(
        _ own: UInt64?, _ note: StateNote, _ membership: Membership
    ) -> StateFinding? {
        guard case .verdict(let sum, let agreed) = note.content, let own, own != sum,
            !agreed.contains(id), membership.hasQuorum(where: agreed.contains)
        else { return nil }
        return .thisMemberDiffers(
            StateDifference(revision: note.revision, own: own, majority: sum))
    }

    // MARK: Both

    /// What goes with a message.
    package func note(for message: RaftMessage) -> StateNote? {
        switch message.body {
        case .heartbeat:
            guard let round, round.term == message.term else { return nil }
            guard let sum = round.sums[message.to] else {
                return StateNote(round.revision, .question)
            }
            guard let majority = round.majority, sum != majority.sum else { return nil }
            return StateNote(
                round.revision, .verdict(majority.sum, agreed: majority.voters))
        case .heartbeatAnswer:
            guard let asked, asked.leader == message.to, asked.term == message.term,
                let sum = asked.sum
            else { return nil }
            return StateNote(asked.revision, .answer(sum))
        default: return nil
        }
    }
}
