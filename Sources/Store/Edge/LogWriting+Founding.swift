internal import Raft
internal import Replica
internal import StoreCore

// The first members of a cluster say nothing of their own before they know that they are the first.

extension LogWriting {
    /// Whether this member takes part. Until then it hears of nothing but founding.
    var hasBegun: Bool { founding.hasBegun }

    mutating func tickFounding() throws(StoreError) {
        try follow(founding.tick())
    }

    /// Another founder says where it stands.
    mutating func take(
        _ statement: FoundingStatement, _ envelope: MemberFrame.Envelope
    ) throws(StoreError) {
        let (verdict, answers) = founding.take(
            statement, from: envelope.from, isFresh: replica.isFresh)
        if hasBegun, identity.log == .begun, identity.lives != founding.lives, cluster != nil {
            identity.lives = founding.lives
            try IdentityFiles(directory: directory, disk: disk).write(identity)
        }
        if answers { state(to: envelope.from, at: statement.address) }
        try follow(verdict)
    }

    private mutating func follow(_ verdict: Founding.Verdict) throws(StoreError) {
        switch verdict {
        case .wait: break
        case .ask:
            for (member, place) in identity.founders.addresses where member != replica.id {
                state(to: member, at: place.peer)
            }
        case .begin:
            // From now on, a log that is not there has been lost.
            (identity.log, identity.lives) = (.begun, founding.lives)
            try IdentityFiles(directory: directory, disk: disk).write(identity)
        case .lost(let number): try giveUpLostLog(of: number)
        }
    }

    /// The others have begun with another life of this member, whose log is gone.
    private mutating func giveUpLostLog(of number: MemberID) throws(StoreError) {
        let lost = StoreError.damaged(
            file: directory.segmentFile(1), LogDamage(offset: 0, reason: .missing))
        guard tell(lost), canBeSpared else { return }
        if number != replica.id { identity.replaced = [number] }
        try giveUp()
    }

    private func state(to member: MemberID, at address: String) {
        guard let cluster else { return }
        let envelope = MemberFrame.Envelope(
            cluster: replica.members.cluster, from: replica.id, to: .anybody)
        let statement = founding.statement(
            to: member, address: cluster.options.me.peerAddress,
            number: hasBegun ? replica.number(at: address) : nil)
        cluster.options.send(
            MemberFrame.founding(envelope, statement).encoded(), member.number, address)
    }
}
