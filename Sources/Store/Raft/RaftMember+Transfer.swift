// Leadership is handed over (3.10): before a shutdown, or when the leader's disk stalls.

extension RaftMember {
    /// Hands leadership to `target`, or to the voter that has most of the log. It is brought up to
    /// date first, and nothing can be proposed meanwhile. Given up after an election timeout.
    package mutating func transferLeadership(
        to target: MemberID? = nil, _ actions: inout RaftActions
    ) throws(RaftRefusal) {
        guard isLeader else { throw .notLeader(leader: leader) }
        guard leadership.transfer == nil else { throw .transferring }
        guard let heir = target ?? mostComplete else { throw .cannotLead(id) }
        guard heir != id, membership.voters.contains(heir) else { throw .cannotLead(heir) }
        leadership.transfer = Leadership.Transfer(target: heir)
        handOver(&actions)
    }

    /// Whether the others that it has heard of lately are enough without this leader.
    package var canBeLeft: Bool {
        isLeader && membership.hasQuorum { $0 != id && isActive($0) }
    }

    /// What a leader says that has to stop at once: who has most of the log may campaign. It is a
    /// hint, and safe at any time.
    package func farewell() -> [RaftMessage] {
        guard isLeader, let heir = mostComplete else { return [] }
        return [RaftMessage(from: id, to: heir, term: term, body: .timeoutNow)]
    }

    /// Tells the target to campaign once it has the whole log; told again with each heartbeat.
    func handOver(_ actions: inout RaftActions) {
        guard let target = leadership.transfer?.target,
            leadership.followers[target]?.matched == log.lastIndex
        else { return }
        send(.timeoutNow, to: target, &actions)
    }

    mutating func tickTransfer() {
        guard let passed = leadership.transfer?.ticksPassed else { return }
        if passed + 1 < configuration.electionTicks {
            leadership.transfer?.ticksPassed = passed + 1
        } else {
            leadership.transfer = nil
        }
    }
}
