/// Something that is to go through the log.
package enum Proposal: Sendable {
    case transaction(Transaction)
    /// Puts `key` if it is at `expected` (`.none`: absent), or whatever it is at if that is nil.
    case put(key: [UInt8], value: [UInt8], expected: Revision?, lease: LeaseID)
    /// Deletes `key` if it is at `expected`, or whatever it is at if that is nil.
    case delete(key: [UInt8], expected: Revision?)
    case compact(Revision)
    case grant(LeaseID, milliseconds: Int64, nowMilliseconds: Int64)
    case keepAlive(LeaseID, nowMilliseconds: Int64)
    case revoke(LeaseID)
    /// Revokes a lease whose time is over, unless it has been given more by the time of the decision.
    case expire(LeaseID, nowMilliseconds: Int64)
    /// Persists how long the leases still have.
    case saveLeases([LeaseID])
    /// Copies what is still needed of a stretch of a segment to be retired.
    case survivors(Survivors)
    /// Nothing in the segment is needed any more.
    case retire(segment: UInt32)
    /// Nothing; answered when all that the state has seen by now is committed.
    case barrier

    /// Whether it concerns this member's files alone, and not the other members.
    package var isLocal: Bool {
        switch self {
        case .survivors, .retire, .barrier: true
        case .transaction, .put, .delete, .compact, .grant, .keepAlive, .revoke, .expire,
            .saveLeases:
            false
        }
    }

    /// Whether it may be carried out when the disk is full: it takes little, or gives space back.
    package var mayUseReserve: Bool {
        switch self {
        case .put, .grant: false
        case .transaction(let transaction): !transaction.hasPut
        case .delete, .compact, .keepAlive, .revoke, .expire, .saveLeases, .survivors, .retire,
            .barrier:
            true
        }
    }
}

extension Transaction {
    fileprivate var hasPut: Bool {
        (success + failure).contains { if case .put = $0 { true } else { false } }
    }
}

/// What became of a proposal. Places are good once the batch has been written.
package struct Decision: Sendable {
    package enum Outcome: Sendable {
        case put(previous: Place?)
        case deleted(count: Int, previous: [Place])
        case range(RangeQuery, places: [Place], count: Int)
    }

    /// The store's revision after it.
    package var revision: Revision
    package var succeeded = true
    package var outcomes: [Outcome] = []
    /// Where the copies of survivors went: old place, new place.
    package var moves: [Move] = []
    /// Whether anything was added to the log.
    package var isLogged = false

    package init(
        revision: Revision, succeeded: Bool = true, outcomes: [Outcome] = [],
        isLogged: Bool = false
    ) {
        (self.revision, self.succeeded) = (revision, succeeded)
        (self.outcomes, self.isLogged) = (outcomes, isLogged)
    }

    package struct Move: Sendable {
        package var old: Place
        package var new: Place
    }
}

/// A change of one key, for those who watch.
package struct AppliedChange: Sendable {
    package var revision: Revision
    package var place: Place
    package var previous: Place?
}
