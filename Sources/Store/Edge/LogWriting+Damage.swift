internal import Raft
internal import Replica
internal import StoreCore
internal import Synchronization

// A member whose log is damaged gives its number up, and is let in again by the others under a new
// one. While it can go on, it asks them first, so that they are enough without it; reads of what is
// damaged fail meanwhile. If it cannot, it asks under the new number.

/// How damage has been dealt with so far.
struct DamageWork {
    /// Where it was found. Each place is told of once.
    var places: Set<Place> = []
    /// What the others are asked for, until they have done it.
    var wish: MemberExchange?
    var ticksUntilAsking = 0

    struct Place: Hashable {
        var file: String
        var offset: Int
    }

    static let placesMax = 1024
    /// Between two requests.
    static let ticksPatient = 10
}

extension LogWriting {
    /// Begins what an earlier life of this member has not finished.
    mutating func resumeExchange() {
        if let successor = identity.successor {
            wish(for: successor, replacing: [replica.id] + identity.replaced)
        } else if !identity.replaced.isEmpty, !replica.isMember {
            wish(for: replica.id, replacing: identity.replaced)
        }
    }

    private mutating func wish(for number: MemberID, replacing replaced: [MemberID]) {
        guard let me = cluster?.options.me else { return }
        let place = replica.members.addresses[replica.id]
            ?? ClusterMembers.Address(name: me.name, peer: me.peerAddress)
        damage.wish = MemberExchange(
            member: number, name: place.name, address: place.peer, replaced: replaced)
        damage.ticksUntilAsking = 0
    }

    /// Whether others are there, and enough, to let this member in again.
    var canBeSpared: Bool {
        cluster != nil && identity.mayBeExchanged
            && replica.members.membership.canSpare(replica.id)
            && replica.members.addresses.keys.contains { $0 != replica.id }
    }

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
        guard !identity.replaced.isEmpty, damage.places.isEmpty, replica.isMember else { return }
        identity.replaced = []
        try IdentityFiles(directory: directory, disk: disk).write(identity)
    }

    /// Settles on the number to come, and asks for it; nothing if it has, or cannot be spared.
    private mutating func settle() throws(StoreError) {
        guard canBeSpared, damage.wish == nil || damage.wish?.member == replica.id else { return }
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
        guard damage.places.count < DamageWork.placesMax,
            damage.places.insert(.init(file: file, offset: found.offset)).inserted
        else { return false }
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
        if damage.wish?.member == replica.id, replica.isMember { damage.wish = nil }
        // Others may have come that were missing when the damage was found.
        if damage.wish == nil, !damage.places.isEmpty { try settle() }
        guard let wish = damage.wish else { return }
        damage.ticksUntilAsking -= 1
        guard damage.ticksUntilAsking < 0 else { return }
        damage.ticksUntilAsking = DamageWork.ticksPatient
        guard !replica.raft.isLeader else {
            // Whoever leads next is asked. Nobody may be there to do so: it is tried again.
            return call { replica, core, effects in
                _ = replica.transferLeadership(to: nil, &core, &effects)
            }
        }
        if let leader = replica.raft.leader {
            return send(.exchange(envelope(to: leader), wish))
        }
        for (member, address) in replica.members.addresses where member != replica.id {
            let frame = MemberFrame.exchange(envelope(to: .anybody), wish)
            cluster?.options.send(frame.encoded(), member.number, address.peer)
        }
    }

    /// Another member wants another number.
    mutating func take(
        _ wish: MemberExchange, _ envelope: MemberFrame.Envelope
    ) throws(StoreError) {
        guard let outgoing = wish.outgoing(in: replica.members), outgoing != replica.id else {
            return
        }
        guard replica.raft.isLeader else {
            guard envelope.to == .anybody, let leader = replica.raft.leader else { return }
            return send(.exchange(self.envelope(to: leader), wish))
        }
        guard try makeRoomToTalk() else { return }
        let place = ClusterMembers.Address(name: wish.name, peer: wish.address)
        var refusal: RaftRefusal?
        call { replica, core, effects in
            refusal = replica.propose(
                [.remove(outgoing), .addLearner(wish.member)], addresses: [wish.member: place],
                &core, &effects)
        }
        // It asks again after a refusal.
        guard refusal == nil else { return }
        cluster?.options.onExchange(outgoing.number, wish.member.number, wish.name)
    }

    // MARK: Giving up

    /// Whether somebody takes this member for the one that it wants to be: then it has been let in.
    func isLetIn(_ envelope: MemberFrame.Envelope) -> Bool {
        guard let wish = damage.wish, wish.member != replica.id else { return false }
        return envelope.to == wish.member
            || replica.members.membership.contains(wish.member)
    }

    /// This number says nothing more. The directory is another's from now on.
    mutating func giveUp() throws(StoreError) {
        guard cluster?.isEnding == false else { return }
        let others = replica.members.addresses.filter {
            $0.key != replica.id && $0.key != identity.successor
        }
        let next = identity.givingUp(for: .random(), contacts: others)
        try DamagedLog(directory: directory, disk: disk).replace(by: next)
        cluster?.isEnding = true
        cluster?.options.onGivenUp()
    }
}
