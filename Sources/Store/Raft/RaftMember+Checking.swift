// A peer may be of another version, broken, or hostile: what it says is checked before it counts.

extension RaftMember {
    func check(_ message: RaftMessage) throws(RaftFault) {
        guard message.to == id, message.from != id else { throw .misdirected }
        guard message.term < Term.limit, isSound(message) else { throw .malformed }
        if message.isFromLeader, message.term == term, let leader, leader != message.from {
            throw .secondLeader(message.from, term)
        }
        if case .accepted(let through) = message.body, isLeader, message.term == term,
            through > log.lastIndex
        {
            throw .beyondLog(message.from, through)
        }
    }

    private func isSound(_ message: RaftMessage) -> Bool {
        switch message.body {
        case .preVote(let last), .vote(let last, _): isSound(last, in: message.term)
        case .append(let previous, let entries, let committed):
            isSound(previous, in: message.term) && committed < LogIndex.limit
                && areSound(entries, after: previous.term, in: message.term)
        case .rejected(let previous, let hint):
            previous < LogIndex.limit && hint.index <= previous && hint.term <= message.term
        case .heartbeat(let committed, _): committed < LogIndex.limit
        case .readAnswer(_, let index): index ?? .zero < LogIndex.limit
        case .snapshotOffer(let snapshot):
            isSound(snapshot.last, in: message.term) && isSound(snapshot.membership)
        case .accepted(let through): through < LogIndex.limit
        case .preVoteAnswer, .voteAnswer, .heartbeatAnswer, .staleTerm, .read, .timeoutNow: true
        }
    }

    private func isSound(_ position: EntryID, in term: Term) -> Bool {
        position.index < LogIndex.limit && position.term <= term
    }

    private func isSound(_ membership: Membership) -> Bool {
        membership.isSound && membership.members.count <= configuration.membersMax
    }

    private func areSound(_ entries: [EntryHeader], after previous: Term, in term: Term) -> Bool {
        var last = previous
        for entry in entries {
            guard entry.term >= last, (0...EntryHeader.bytesMax).contains(entry.bytes) else {
                return false
            }
            if case .membership(let membership) = entry.kind, !isSound(membership) { return false }
            last = entry.term
        }
        return last <= term
    }
}
