/// Who belongs to the cluster, and who decides.
///
/// A change goes through a joint membership, in which both the voters to come and those that go
/// decide by majorities of their own, so that at no moment two majorities could decide apart. Lists
/// are sorted and hold nobody twice.
///
/// - Source: Ongaro, *Consensus* (2014), section 4.3.
package struct Membership: Hashable, Sendable {
    package private(set) var voters: [MemberID]
    /// The voters before the change; empty unless the membership is joint.
    package private(set) var outgoingVoters: [MemberID]
    /// They get the log but do not decide.
    package private(set) var learners: [MemberID]
    /// Outgoing voters that will be learners when the change is done.
    package private(set) var learnersNext: [MemberID]

    package init(
        voters: [MemberID], outgoingVoters: [MemberID] = [], learners: [MemberID] = [],
        learnersNext: [MemberID] = []
    ) {
        self.voters = sortedOnce(voters)
        self.outgoingVoters = sortedOnce(outgoingVoters)
        self.learners = sortedOnce(learners)
        self.learnersNext = sortedOnce(learnersNext)
    }

    /// What a member knows that has not heard of any cluster.
    package static let none = Membership(voters: [])

    package var isJoint: Bool { !outgoingVoters.isEmpty }
    package func isVoter(_ id: MemberID) -> Bool {
        voters.contains(id) || outgoingVoters.contains(id)
    }
    package func isLearner(_ id: MemberID) -> Bool { learners.contains(id) && !isVoter(id) }
    package func contains(_ id: MemberID) -> Bool { isVoter(id) || learners.contains(id) }
    /// All who get the log, in order.
    package var members: [MemberID] { sortedOnce(voters + outgoingVoters + learners) }

    /// Whether a peer may say this: nobody is voter and learner, and only who goes stays to learn.
    var isSound: Bool {
        !voters.isEmpty && !learners.contains(where: isVoter)
            && learnersNext.allSatisfy { outgoingVoters.contains($0) && !voters.contains($0) }
    }
}

// MARK: Majorities

extension Membership {
    /// The greatest value that a quorum has reached: a majority of the voters, and of the outgoing
    /// voters too if there are any. Nil if nobody votes.
    package func quorum<Value: Comparable>(of value: (MemberID) -> Value) -> Value? {
        guard let decided = majority(of: voters, value) else { return nil }
        return majority(of: outgoingVoters, value).map { min(decided, $0) } ?? decided
    }

    /// Whether a quorum satisfies a condition.
    package func hasQuorum(where holds: (MemberID) -> Bool) -> Bool {
        quorum { holds($0) ? 1 : 0 } == 1
    }

    /// Whether the others can decide without this member. They can if nothing is known of them.
    package func canSpare(_ id: MemberID) -> Bool {
        voters.isEmpty || hasQuorum { $0 != id }
    }

    private func majority<Value: Comparable>(
        of group: [MemberID], _ value: (MemberID) -> Value
    ) -> Value? {
        guard !group.isEmpty else { return nil }
        var values = group.map(value)
        values.sort()
        return values[(group.count - 1) / 2]
    }
}

// MARK: Changes

/// A change of the membership. A voter comes in as a learner, and is promoted once it has the log.
package enum MembershipChange: Hashable, Sendable {
    case addLearner(MemberID)
    case promote(MemberID)
    /// A voter becomes a learner.
    case demote(MemberID)
    case remove(MemberID)
}

extension Membership {
    /// The joint membership that leads to the changed one.
    func joint(applying changes: [MembershipChange]) throws(RaftRefusal) -> Membership {
        precondition(!isJoint, "one change at a time")
        var next = self
        next.outgoingVoters = voters
        for change in changes { try next.apply(change) }
        guard !next.voters.isEmpty else { throw .noVoterLeft }
        return next
    }

    private mutating func apply(_ change: MembershipChange) throws(RaftRefusal) {
        switch change {
        case .addLearner(let id):
            guard !contains(id) else { throw .alreadyMember(id) }
            learners = sortedOnce(learners + [id])
        case .promote(let id):
            guard learners.contains(id) else { throw .notLearner(id) }
            learners.removeAll { $0 == id }
            voters = sortedOnce(voters + [id])
        case .demote(let id):
            guard voters.contains(id), outgoingVoters.contains(id) else { throw .notVoter(id) }
            voters.removeAll { $0 == id }
            learnersNext = sortedOnce(learnersNext + [id])
        case .remove(let id):
            guard voters.contains(id) || learners.contains(id) else { throw .notMember(id) }
            voters.removeAll { $0 == id }
            learners.removeAll { $0 == id }
        }
    }

    /// The membership once the change is done.
    var left: Membership {
        Membership(voters: voters, learners: learners + learnersNext)
    }
}

private func sortedOnce(_ ids: [MemberID]) -> [MemberID] {
    var result: [MemberID] = []
    for id in ids.sorted() where result.last != id { result.append(id) }
    return result
}
