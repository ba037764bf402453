/// All leases: how long each has, and which keys go with it. Time is milliseconds since any fixed
/// moment and comes from outside.
struct LeaseBook {
    struct Lease {
        var milliseconds: Int64
        /// What is left as the log knows it: what counts from after a restart.
        var savedMilliseconds: Int64
        /// When it ends. Nil after a recovery, and when a member begins to lead, until time is known.
        var deadline: Int64?
        var keys: Set<[UInt8]> = []
        /// The segment with its newest record.
        var segment: UInt32
    }

    private(set) var leases: [LeaseID: Lease] = [:]
    private(set) var leaseOfKey: [[UInt8]: LeaseID] = [:]
    /// Of all keys with leases: see ``StateSum``.
    private(set) var sum: UInt64 = 0

    var isEmpty: Bool { leases.isEmpty }
    var hasAttachments: Bool { !leaseOfKey.isEmpty }

    subscript(id: LeaseID) -> Lease? { leases[id] }

    mutating func grant(_ id: LeaseID, _ lease: Lease) { leases[id] = lease }

    /// Replaces what the log knows of a lease; the keys stay.
    mutating func restore(_ id: LeaseID, _ lease: Lease) {
        var lease = lease
        lease.keys = leases[id]?.keys ?? []
        leases[id] = lease
    }

    mutating func keepAlive(_ id: LeaseID, now: Int64) {
        guard let milliseconds = leases[id]?.milliseconds else { return }
        leases[id]?.deadline = now + milliseconds
    }

    mutating func forgetDeadlines() {
        for id in leases.keys { leases[id]?.deadline = nil }
    }

    mutating func save(_ id: LeaseID, milliseconds: Int64, segment: UInt32) {
        leases[id]?.savedMilliseconds = milliseconds
        leases[id]?.segment = segment
    }

    mutating func end(_ id: LeaseID) {
        for key in leases[id]?.keys ?? [] { tie(key, to: nil) }
        leases[id] = nil
    }

    private mutating func tie(_ key: [UInt8], to lease: LeaseID?) {
        if let old = leaseOfKey[key] { sum &-= StateSum.tie(of: key.raw, to: old) }
        leaseOfKey[key] = lease
        if let lease { sum &+= StateSum.tie(of: key.raw, to: lease) }
    }

    /// Ties `key` to `lease`, or to none. A recovery may attach to a lease that it reads of later.
    mutating func attach(_ key: RawSpan, to lease: LeaseID) {
        guard lease != .none || hasAttachments else { return }
        let key = [UInt8](key)
        if let old = leaseOfKey[key] {
            guard old != lease else { return }
            leases[old]?.keys.remove(key)
        }
        tie(key, to: lease == .none ? nil : lease)
        if lease != .none { leases[lease]?.keys.insert(key) }
    }

    func lease(of key: [UInt8]) -> LeaseID { leaseOfKey[key] ?? .none }

    /// After a recovery: gives every lease its keys, and forgets ties to leases that are gone.
    mutating func tieUp() {
        for id in leases.keys { leases[id]?.keys = [] }
        for (key, id) in leaseOfKey {
            if leases[id] == nil { tie(key, to: nil) } else { leases[id]?.keys.insert(key) }
        }
    }

    func remaining(_ id: LeaseID, now: Int64) -> Int64? {
        guard let lease = leases[id] else { return nil }
        guard let deadline = lease.deadline else { return lease.savedMilliseconds }
        return max(0, deadline - now)
    }

    /// Lets time pass. Leases just recovered begin with what they had left.
    ///
    /// - Returns: The leases that have ended, those whose remaining time the log should learn (it
    ///   is off by more than a quarter of the lease), and when to look again.
    ///
    /// - Parameter driftMin: A remaining time that is off by less is not worth a record.
    mutating func tick(
        now: Int64, driftMin: Int64
    ) -> (ended: [LeaseID], toSave: [LeaseID], next: Int64?) {
        var (ended, toSave): ([LeaseID], [LeaseID]) = ([], [])
        var next: Int64?
        for (id, lease) in leases {
            let deadline = lease.deadline ?? now + lease.savedMilliseconds
            if lease.deadline == nil { leases[id]?.deadline = deadline }
            guard deadline > now else {
                ended.append(id)
                // Looked at again, in case its end is refused.
                next = min(next ?? .max, now + Self.retryMilliseconds)
                continue
            }
            let drift = abs(lease.savedMilliseconds - (deadline - now))
            if drift > driftMin, drift > lease.milliseconds / 4 {
                toSave.append(id)
            }
            next = min(next ?? deadline, deadline)
        }
        return (ended.sorted(), toSave.sorted(), next)
    }

    private static let retryMilliseconds: Int64 = 1000
    static let driftMinMilliseconds: Int64 = 60_000
}
