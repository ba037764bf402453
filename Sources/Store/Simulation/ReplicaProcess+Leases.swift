internal import Replica
internal import StoreCore
internal import StoreSimulator

// Leases' time, as the server's edge lets it pass: by a clock that does not jump.

extension ReplicaProcess {
    private var leaseMilliseconds: Int64 { Int64(tickCount) * boot.tickMicroseconds / 1000 }

    func proposal(_ request: LeaseRequest) -> Proposal {
        switch request {
        case .grant(let lease, let milliseconds):
            .grant(lease, milliseconds: milliseconds, nowMilliseconds: leaseMilliseconds)
        case .keepAlive(let lease): .keepAlive(lease, nowMilliseconds: leaseMilliseconds)
        case .revoke(let lease): .revoke(lease)
        }
    }

    func tickLeases() throws(StoreError) {
        guard core.hasLeases || !leasesEnded.isEmpty, running?.replica.isDeciding == true else {
            return leasesEnded = []
        }
        for lease in leasesEnded {
            let proposal = Proposal.expire(lease, nowMilliseconds: leaseMilliseconds)
            let room = running?.replica.room(for: proposal, core) ?? 0
            guard makeRoom(room + Replica.talkRoom) else { break }
            try propose(proposal, .leaseUpkeep)
        }
        let found = core.tickLeases(now: leaseMilliseconds, driftMin: 0)
        leasesEnded = found.ended
        guard !found.toSave.isEmpty, makeRoom(Replica.talkRoom * 2) else { return }
        try propose(.saveLeases(found.toSave), .leaseUpkeep)
    }

    /// Tells of keys that went, if none but the end of a lease can have taken them.
    func noteLeaseEnds(_ changes: [AppliedChange]) throws(StoreError) {
        for change in changes {
            let ended = try unlessDamaged { process throws(StoreError) in
                try process.endedKey(change.place)
            }
            if case .some(.some(let key)) = ended { out.endedKeys.append(key) }
        }
    }

    private func endedKey(_ place: Place) throws(StoreError) -> [UInt8]? {
        try files.withSegment(place.segment) { bytes throws(StoreError) in
            guard let change = Change(at: Int(place.offset), in: bytes), change.isDelete,
                bytes.integer(at: change.keyOffset, as: UInt8.self) == UInt8(ascii: "b")
            else { return nil }
            return [UInt8](bytes.extracting(change.keyOffset..<change.valueOffset))
        }
    }
}
