// Elections (3.4, 3.6), with pre-vote (9.6): who could not win does not raise its term.

extension RaftMember {
    enum Campaign {
        case preVote
        case vote
        /// The leader asked for it: at once, and although there is a leader.
        case transfer
    }

    /// A voter campaigns, and so does one that only the latest membership leaves out, as long as
    /// that is not known to be committed: it may be the only one that has it, and then the only one
    /// that can win. Its own vote does not count (4.2.2).
    var mayCampaign: Bool {
        guard mayVote else { return false }
        guard !membership.isVoter(id), log.membershipIndex > committed else {
            return membership.isVoter(id)
        }
        return log.membership(before: log.membershipIndex).isVoter(id)
    }
    private var mayVote: Bool { votesFrom == .zero }

    /// Whether there is a leader that was heard of within an election timeout.
    var hearsFromLeader: Bool {
        isLeader || leader != nil && electionTicksPassed < configuration.electionTicks
    }

    mutating func campaign(_ campaign: Campaign, _ actions: inout RaftActions) {
        failReads(&actions)
        ballot = MemberMap()
        if campaign == .preVote {
            become(.preCandidate, &actions)
        } else {
            guard term.next < Term.limit else { return }
            persist(HardState(term: term.next, vote: id), &actions)
            become(.candidate, &actions)
        }
        drawElectionTimeout()
        for voter in membership.members where voter != id && membership.isVoter(voter) {
            if campaign == .preVote {
                send(.preVote(last: log.last), to: voter, &actions)
            } else {
                // Not before the vote for ourselves is on disk: it counts like any other.
                let vote = RaftMessage.Body.vote(
                    last: log.last, isTransfer: campaign == .transfer)
                sendAfterWrite(vote, to: voter, &actions)
            }
        }
        count(vote: true, of: id, &actions)
    }

    mutating func count(vote: Bool, of voter: MemberID, _ actions: inout RaftActions) {
        guard membership.isVoter(voter) else { return }
        // The first answer counts: a repeated one says the same.
        if ballot[voter] == nil { ballot[voter] = vote }
        if membership.hasQuorum(where: { ballot[$0] == true }) {
            if role == .preCandidate { campaign(.vote, &actions) } else { lead(&actions) }
        } else if !membership.hasQuorum(where: { ballot[$0] != false }) {
            follow(nil, in: term, &actions)
        }
    }

    /// Whether a log that ends so has all that ours has: it then has all that is committed, if a
    /// majority says so (3.6.1).
    private func isComplete(_ last: EntryID) -> Bool { last >= log.last }

    func answerPreVote(
        of message: RaftMessage, last: EntryID, _ actions: inout RaftActions
    ) {
        let candidacy = message.term.next
        let isGranted = !hearsFromLeader && candidacy > term && isComplete(last) && mayVote
        send(
            .preVoteAnswer(candidacy: candidacy, isGranted: isGranted), to: message.from, &actions)
    }

    mutating func answerVote(
        of candidate: MemberID, last: EntryID, _ actions: inout RaftActions
    ) {
        let isFree = hardState.vote == nil && leader == nil
        let isGranted = (isFree || hardState.vote == candidate) && isComplete(last) && mayVote
        if isGranted {
            if hardState.vote != candidate {
                persist(HardState(term: term, vote: candidate), &actions)
            }
            drawElectionTimeout()
        }
        // A vote that the disk forgot could be given twice.
        sendAfterWrite(.voteAnswer(isGranted: isGranted), to: candidate, &actions)
    }
}
