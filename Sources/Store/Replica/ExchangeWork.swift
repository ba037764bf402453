package import Raft
package import StoreCore

// A member whose log is damaged gives its number up, and is let in again by the others under a new
// one. While it can go on, it asks them first, so that they are enough without it. If it cannot, it
// asks under the new number.

/// How damage has been dealt with so far.
package struct ExchangeWork: Sendable {
    /// Where it was found. Each place is told of once.
    private var places: Set<Place> = []
    /// What the others are asked for, until they have done it.
    package private(set) var wish: MemberExchange?
    private var ticksUntilAsking = 0
    /// Whether the leader has been asked since all were.
    private var hasAskedLeader = false
    /// How often leadership has been handed over in vain.
    private var handOvers = 0

    private struct Place: Hashable {
        var file: String
        var offset: Int
    }

    /// What is to be done about the wish now.
    package enum Step: Sendable, Equatable {
        case wait
        /// Whoever leads next is asked. Nobody may be there to do so: it is tried again.
        case handOver
        case ask(leader: MemberID, MemberExchange)
        /// Nobody has taken over, as what others lack is damaged here, and they are enough: the one
        /// that has most of the log is to lead, and the number is given up.
        case giveUp
        /// Whoever is there passes it on to the leader.
        case askAll(MemberExchange)
    }

    private static let placesMax = 1024
    /// Between two requests.
    private static let ticksPatient = 10
    private static let handOversMax = 4

    package init() {}

    package var hasFound: Bool { !places.isEmpty }

    /// Notes where damage was found. Returns whether it is news.
    package mutating func note(file: String, offset: Int) -> Bool {
        guard places.count < Self.placesMax else { return false }
        return places.insert(.init(file: file, offset: offset)).inserted
    }

    /// Begins what an earlier life of the member has not finished, or what it has settled on.
    ///
    /// - Parameter me: Where it is, if its log does not say so.
    package mutating func resume(
        _ identity: IdentityFile, _ replica: borrowing Replica, at me: ClusterMembers.Address
    ) {
        let place = replica.members.addresses[replica.id] ?? me
        if let successor = identity.successor {
            wish(for: successor, at: place, replacing: [replica.id] + identity.replaced)
        } else if !identity.replaced.isEmpty, !replica.isMember {
            wish(for: replica.id, at: place, replacing: identity.replaced)
        }
    }

    private mutating func wish(
        for number: MemberID, at place: ClusterMembers.Address, replacing replaced: [MemberID]
    ) {
        wish = MemberExchange(
            member: number, name: place.name, address: place.peer, replaced: replaced)
        ticksUntilAsking = 0
    }

    /// Whether the member has to settle on the number to come, as none is asked for yet.
    package func lacksWish(_ replica: borrowing Replica) -> Bool {
        wish == nil || wish?.member == replica.id
    }

    /// The wish has been granted, if it was that of the number that the member has.
    package mutating func noteMembership(_ replica: borrowing Replica) {
        if wish?.member == replica.id, replica.isMember { wish = nil }
    }

    /// One tick of the clock.
    package mutating func tick(_ replica: borrowing Replica) -> Step {
        guard let wish else { return .wait }
        ticksUntilAsking -= 1
        guard ticksUntilAsking < 0 else { return .wait }
        ticksUntilAsking = Self.ticksPatient
        guard !replica.raft.isLeader else {
            handOvers += 1
            return handOvers > Self.handOversMax && replica.raft.canBeLeft ? .giveUp : .handOver
        }
        handOvers = 0
        // The leader that it knows may be none any more: who had let this member in, but was deposed
        // before that counted, is the last that it hears of.
        guard let leader = replica.raft.leader, !hasAskedLeader else {
            hasAskedLeader = false
            return .askAll(wish)
        }
        hasAskedLeader = true
        return .ask(leader: leader, wish)
    }

    /// Whether somebody takes this member for the one that it wants to be: then it has been let in.
    package func isLetIn(by envelope: MemberFrame.Envelope, _ replica: borrowing Replica) -> Bool {
        guard let wish, wish.member != replica.id else { return false }
        return envelope.to == wish.member || replica.members.membership.contains(wish.member)
    }
}

/// What becomes of another member's wish for another number.
package enum ExchangeAnswer: Sendable, Equatable {
    case none
    case passOn(leader: MemberID)
    /// This member leads. It asks again after a refusal.
    case propose(outgoing: MemberID, [MembershipChange], [MemberID: ClusterMembers.Address])
}

extension Replica {
    package func answer(
        to wish: MemberExchange, _ envelope: MemberFrame.Envelope
    ) -> ExchangeAnswer {
        guard let outgoing = wish.outgoing(in: members), outgoing != id else { return .none }
        guard raft.isLeader else {
            guard envelope.to == .anybody, let leader = raft.leader else { return .none }
            return .passOn(leader: leader)
        }
        let place = ClusterMembers.Address(name: wish.name, peer: wish.address)
        return .propose(
            outgoing: outgoing, [.remove(outgoing), .addLearner(wish.member)], [wish.member: place])
    }

    /// By which number the cluster knows whoever is at an address. Nil if this member cannot be sure:
    /// it has just been let in, or has no leader and may not have heard of an exchange.
    package func number(at address: String) -> MemberID? {
        guard members.membership.isVoter(id), isFresh || raft.leader != nil else { return nil }
        return members.addresses.filter { $0.value.peer == address }.keys.min()
    }

    /// Whether others are there, and enough, to let this member in again.
    package func canBeSpared(_ identity: IdentityFile) -> Bool {
        identity.mayBeExchanged && members.membership.canSpare(id)
            && members.addresses.keys.contains { $0 != id }
    }

    /// Where the others are, for the number to come.
    package func contacts(
        without successor: MemberID?
    ) -> [MemberID: ClusterMembers.Address] {
        members.addresses.filter { $0.key != id && $0.key != successor }
    }
}
