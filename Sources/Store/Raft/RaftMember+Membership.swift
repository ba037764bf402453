// The membership changes by joint consensus (4.3): every change, as one way is simpler than two.

extension RaftMember {
    /// Changes the membership, in two entries: the joint one, which is in force at once, and, once
    /// that is committed, the final one. A leader that is not part of it steps down at the end.
    package mutating func propose(
        _ changes: [MembershipChange], _ actions: inout RaftActions
    ) throws(RaftRefusal) {
        precondition(!changes.isEmpty)
        try checkMayPropose()
        guard committed >= leadership.firstIndex else { throw .notReady }
        guard !membership.isJoint, log.membershipIndex <= committed else {
            throw .changeInProgress
        }
        let joint = try membership.joint(applying: changes)
        guard joint.members.count <= configuration.membersMax else {
            throw .tooManyMembers(max: configuration.membersMax)
        }
        for case .promote(let learner) in changes { try checkHasCaughtUp(learner) }
        guard Membership(voters: joint.voters).hasQuorum(where: isActive) else {
            throw .quorumAtRisk
        }
        append(joint, &actions)
    }

    /// A voter that lacks the log would only delay the others (4.2.1).
    private func checkHasCaughtUp(_ learner: MemberID) throws(RaftRefusal) {
        let matched = leadership.followers[learner]?.matched ?? .zero
        let entries = Int(log.lastIndex.number - matched.number)
        guard isActive(learner), entries <= configuration.learnerLagEntriesMax else {
            throw .learnerBehind(learner, entries: entries)
        }
    }

    private mutating func append(_ membership: Membership, _ actions: inout RaftActions) {
        append([EntryHeader(term: term, kind: .membership(membership), bytes: 0)], &actions)
    }

    /// After a commit: leaves a joint membership that is committed, or, if the membership that is
    /// committed does not let us vote, leaves the lead to somebody else (4.2.2).
    mutating func settleMembership(_ actions: inout RaftActions) {
        guard log.membershipIndex <= committed else { return }
        if membership.isJoint { return append(membership.left, &actions) }
        dropFollowers()
        guard !membership.isVoter(id) else { return }
        if let heir = mostComplete { send(.timeoutNow, to: heir, &actions) }
        follow(nil, in: term, &actions)
    }

    /// The voter, other than us, that has most of the log.
    var mostComplete: MemberID? {
        let candidates = membership.voters.filter { $0 != id && isActive($0) }
        return candidates.max { left, right in
            let matched = { leadership.followers[$0]?.matched ?? .zero }
            return matched(left) < matched(right)
        }
    }
}
