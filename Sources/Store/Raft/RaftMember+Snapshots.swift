// A follower that needs entries which are compacted away gets a snapshot (5): the edge carries it,
// and the members agree here on what it stands for.

extension RaftMember {
    // MARK: At the leader

    mutating func needSnapshot(_ position: Int, _ actions: inout RaftActions) {
        leadership.followers[position].phase = .snapshot(nil, ticks: 0)
        actions.snapshotsNeeded.append(leadership.followers.ids[position])
    }

    /// Offers a follower a snapshot, which is kept until it is installed or given up.
    package mutating func offerSnapshot(
        _ snapshot: Snapshot, to id: MemberID, _ actions: inout RaftActions
    ) {
        guard let position = leadership.followers.position(of: id),
            case .snapshot = leadership.followers[position].phase
        else { return }
        precondition(snapshot.last.index <= committed, "a snapshot is of what is committed")
        leadership.followers[position].phase = .snapshot(snapshot, ticks: 0)
        send(.snapshotOffer(snapshot), to: id, &actions)
    }

    /// A snapshot has been handed over, or cannot be: then another is asked for after a while.
    package mutating func snapshotSent(to id: MemberID, through index: LogIndex, succeeded: Bool) {
        guard let position = leadership.followers.position(of: id),
            case .snapshot = leadership.followers[position].phase
        else { return }
        if succeeded {
            leadership.followers[position].probe(from: index.next)
        } else {
            leadership.followers[position].phase = .snapshot(nil, ticks: 0)
        }
    }

    /// Offers and requests are repeated: the follower, or the message, may have been lost.
    mutating func tickSnapshots(_ actions: inout RaftActions) {
        for position in leadership.followers.positions {
            guard case .snapshot(let snapshot, let ticks) = leadership.followers[position].phase
            else { continue }
            let id = leadership.followers.ids[position]
            if ticks + 1 < configuration.electionTicks || !isActive(id) {
                leadership.followers[position].phase = .snapshot(snapshot, ticks: ticks + 1)
            } else if let snapshot {
                offerSnapshot(snapshot, to: id, &actions)
            } else {
                needSnapshot(position, &actions)
            }
        }
    }

    // MARK: At the follower

    /// Whether the snapshot has what our log has not.
    package func wants(_ snapshot: Snapshot) -> Bool {
        snapshot.last.index > committed && !log.contains(snapshot.last)
    }

    mutating func consider(
        _ snapshot: Snapshot, from leader: MemberID, _ actions: inout RaftActions
    ) {
        if wants(snapshot) {
            actions.snapshotOffered = RaftActions.Offer(from: leader, snapshot: snapshot)
        } else {
            // All that a snapshot stands for is committed.
            commit(through: snapshot.last.index, &actions)
            sendAfterWrite(.accepted(through: committed), to: leader, &actions)
        }
    }

    /// The snapshot is in place on disk, and what was handed to the disk before is written or void.
    /// Repeating it does no harm.
    package mutating func snapshotInstalled(
        _ snapshot: Snapshot, _ actions: inout RaftActions
    ) {
        if wants(snapshot) {
            log = RaftLog(base: snapshot.last, membership: snapshot.membership)
            noteOnDisk(through: log.lastIndex)
            cutTerm = term
        }
        commit(through: snapshot.last.index, &actions)
        guard let leader, leader != id else { return }
        sendAfterWrite(.accepted(through: committed), to: leader, &actions)
    }
}
