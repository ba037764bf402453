internal import Raft
internal import Replica
internal import StoreCore
internal import Synchronization

// A member whose log is damaged gives its number up, and is let in again by the others under a new
// one. While it can go on, it asks them first, so that they are enough without it; reads of what is
// damaged fail meanwhile. If it cannot, it asks under the new number.

extension LogWriting {
    /// Begins what an earlier life of this member has not finished.
    mutating func resumeExchange() {
        guard let me = cluster?.options.me else { return }
        damage.resume(identity, replica, at: .init(name: me.name, peer: me.peerAddress))
    }

    /// Whether others are there, and enough, to let this member in again.
    var canBeSpared: Bool { cluster != nil && replica.canBeSpared(identity) }

    // MARK: Found

    /// Damage has been found. Nothing wrong has been read; this member goes on until the others let
    /// it in again.
    mutating func note(_ error: StoreError) throws(StoreError) {
        guard tell(error) else { return }
        try settle()
        if cluster != nil, !identity.mayBeExchanged { options.onFatalError(error) }
    }

    /// All of the log has been read, and nothing was wrong with it: whatever damaged an earlier one
    /// does not count any more.
    mutating func noteSound() throws(StoreError) {
        guard !identity.replaced.isEmpty, !damage.hasFound, replica.isMember else { return }
        identity.replaced = []
        try IdentityFiles(directory: directory, disk: disk).write(identity)
    }

    /// Settles on the number to come, and asks for it; nothing if it has, or cannot be spared.
    private mutating func settle() throws(StoreError) {
        guard canBeSpared, damage.lacksWish(replica) else { return }
        identity.successor = identity.successor ?? .random()
        try IdentityFiles(directory: directory, disk: disk).write(identity)
        resumeExchange()
    }

    /// Tells whoever wants to know. Returns whether it is news.
    mutating func tell(_ error: StoreError) -> Bool {
        guard case .damaged(let name, let found) = error else { return false }
        // Who knows no files says which segment it is.
        let sequence = name.hasPrefix("segment ") ? UInt32(name.dropFirst("segment ".count)) : nil
        let file = sequence.map { directory.segmentFile($0) } ?? name
        guard damage.note(file: file, offset: found.offset) else { return false }
        shared.damageFound.add(1, ordering: .relaxed)
        let next = identity.successor ?? .random()
        if canBeSpared { identity.successor = next }
        let remedy: StoreDamage.Remedy =
            if canBeSpared {
                .exchange(number: next.number)
            } else if cluster == nil || identity.mayBeExchanged {
                .none
            } else {
                .anotherDisk(exchanges: identity.replaced.count)
            }
        options.onDamage(StoreDamage(file: file, damage: found, remedy: remedy))
        return true
    }

    /// Damage has kept a call from being carried out: no other can be made. Returns whether others
    /// will let this member in again.
    mutating func giveUp(after error: StoreError) -> Bool {
        guard case .damaged = error else { return false }
        _ = tell(error)
        guard canBeSpared else { return false }
        sayFarewell()
        do throws(StoreError) { try giveUp() } catch { return false }
        return true
    }

    /// Asks the one that has most of the log to lead, if this member does: it says nothing more,
    /// and nobody has to wait for an election. Needs no disk.
    mutating func sayFarewell() {
        for message in replica.farewell() {
            guard let address = address(of: message.to) else { continue }
            let frame = PeerFrame(cluster: replica.members.cluster, message: message)
            cluster?.options.send(frame.encoded(), message.to.number, address)
        }
    }

    // MARK: Asking

    mutating func tickExchange() throws(StoreError) {
        damage.noteMembership(replica)
        // Others may have come that were missing when the damage was found.
        if damage.wish == nil, damage.hasFound { try settle() }
        switch damage.tick(replica) {
        case .wait: break
        case .handOver:
            call { replica, core, effects in
                _ = replica.transferLeadership(to: nil, &core, &effects)
            }
        case .giveUp:
            guard canBeSpared else { return }
            sayFarewell()
            try giveUp()
        case .ask(let leader, let wish): send(.exchange(envelope(to: leader), wish))
        case .askAll(let wish):
            for (member, address) in replica.members.addresses where member != replica.id {
                let frame = MemberFrame.exchange(envelope(to: .anybody), wish)
                cluster?.options.send(frame.encoded(), member.number, address.peer)
            }
        }
    }

    /// Another member wants another number.
    mutating func take(
        _ wish: MemberExchange, _ envelope: MemberFrame.Envelope
    ) throws(StoreError) {
        switch replica.answer(to: wish, envelope) {
        case .none: break
        case .passOn(let leader): send(.exchange(self.envelope(to: leader), wish))
        case .propose(let outgoing, let changes, let addresses):
            guard try makeRoomToTalk() else { return }
            var refusal: RaftRefusal?
            call { replica, core, effects in
                refusal = replica.propose(changes, addresses: addresses, &core, &effects)
            }
            guard refusal == nil else { return }
            cluster?.options.onExchange(outgoing.number, wish.member.number, wish.name)
        }
    }

    // MARK: Giving up

    /// This number says nothing more. The directory is another's from now on.
    mutating func giveUp() throws(StoreError) {
        guard cluster?.isEnding == false else { return }
        let contacts = replica.contacts(without: identity.successor)
        let next = identity.givingUp(for: .random(), contacts: contacts)
        try DamagedLog(directory: directory, disk: disk).replace(by: next)
        cluster?.isEnding = true
        cluster?.options.onGivenUp()
    }
}
