internal import StoreCore
internal import StoreHistory

/// What clients know of their leases, each of which has one key.
struct LeaseDesk {
    struct Lease {
        var id: LeaseID
        var key: [UInt8]
        var milliseconds: Int64
        var phase = Phase.asked
        /// When the newest request was sent that was granted, to give it its whole time.
        var renewed: Moment?
        /// Nobody asks for it any more after so many times.
        var renewalsLeft: Int
        var isRevokedThen: Bool
        /// Whether somebody has asked for its end.
        var isRevoked = false
        var nextAt: Moment
        var underway: (request: RequestNumber, sent: Moment, operation: Int?)?
    }

    enum Phase { case asked, granted, kept, left }

    var leases: [Lease] = []
    var count: Int64 = 0
    static let keysAtOnceMax = 4
}

extension World {
    /// The leases' place among the clients.
    static var leaseClient: Int { -2 }
    /// Clients of the history, one for each key with a lease, and one for each end of a lease.
    private static var firstLeaseClient: Int { 1_000_000 }

    /// Grants leases, ties keys to them, keeps them alive for a while, and lets them go or ends them.
    func keepLeases() {
        guard phase == .chaos else { return }
        queue.add(.leases, at: after(leaseRandom.between(50_000...400_000) * settings.faultRestFactor))
        if leaseDesk.leases.count < LeaseDesk.keysAtOnceMax, leaseRandom.chance(permille: 200) {
            addLease()
        }
        for place in leaseDesk.leases.indices where leaseDesk.leases[place].nextAt <= now {
            if leaseDesk.leases[place].underway == nil { goOn(withLease: place) }
        }
    }

    private func addLease() {
        guard let range = plan.leaseMilliseconds else { return }
        leaseDesk.count += 1
        let milliseconds = leaseRandom.between(range)
        leaseDesk.leases.append(
            LeaseDesk.Lease(
                id: LeaseID(leaseDesk.count), key: Array("b\(leaseDesk.count)".utf8),
                milliseconds: milliseconds, renewalsLeft: leaseRandom.below(8),
                isRevokedThen: leaseRandom.chance(permille: 150), nextAt: now))
    }

    private func goOn(withLease place: Int) {
        let lease = leaseDesk.leases[place]
        switch lease.phase {
        case .asked: ask(.lease(.grant(lease.id, milliseconds: lease.milliseconds)), place)
        case .granted:
            let put = Operation.put(
                key: lease.key, value: lease.key, lease: lease.id, previous: false)
            let client = Self.firstLeaseClient + 2 * Int(lease.id.number)
            // Whoever leads may end it, at any time from now on.
            _ = invoke(
                client: client + 1, .transact(Transaction(then: [.delete(.key(lease.key))])))
            let call = Call.transact(Transaction(then: [put]))
            ask(.call(call), place, invoke(client: client, call))
        case .kept where lease.renewalsLeft > 0:
            leaseDesk.leases[place].renewalsLeft -= 1
            ask(.lease(.keepAlive(lease.id)), place)
        case .kept where lease.isRevokedThen:
            leaseDesk.leases[place].isRevoked = true
            leaseDesk.leases[place].phase = .left
            ask(.lease(.revoke(lease.id)), place)
        case .kept, .left: leaseDesk.leases[place].phase = .left
        }
    }

    private func ask(_ request: Request, _ place: Int, _ operation: Int? = nil) {
        // Leaders alone know of leases' time, those included that are none any more.
        let leaders = nodes.filter { $0.isUp && $0.standing.isLeader }
        let node = leaders.isEmpty ? leaseRandom.pick(nodes) : leaseRandom.pick(leaders)
        let number = self.request(request, of: Self.leaseClient, to: node.index)
        leaseDesk.leases[place].underway = (number, now, operation)
        queue.add(
            .timeout(client: Self.leaseClient, number), at: after(settings.callMicrosecondsMax))
    }

    func finishLease(_ request: RequestNumber, _ answer: Answer) {
        guard
            let place = leaseDesk.leases.firstIndex(where: { $0.underway?.request == request }),
            let underway = leaseDesk.leases[place].underway
        else { return }
        leaseDesk.leases[place].underway = nil
        let lease = leaseDesk.leases[place]
        trace.note(
            now, 24, request.number, text: "\(request) lease \(lease.id.number): \(answer)")
        var isDone = false
        switch answer {
        case .done: isDone = true
        case .reply(let reply):
            if let operation = underway.operation, reply != .unknown { complete(operation, reply) }
            if case .transacted = reply { isDone = true }
        case .watch: break
        }
        switch lease.phase {
        // What came of it is not known, so nothing is said of it.
        case .asked where !isDone, .granted where !isDone: leaseDesk.leases.remove(at: place)
        case .asked: (leaseDesk.leases[place].phase, leaseDesk.leases[place].renewed) = (.granted, underway.sent)
        case .granted: leaseDesk.leases[place].phase = .kept
        case .kept where isDone: leaseDesk.leases[place].renewed = underway.sent
        case .kept, .left: break
        }
        guard isDone, place < leaseDesk.leases.count, leaseDesk.leases[place].id == lease.id else {
            return
        }
        let permille = leaseRandom.between(100...1000)
        leaseDesk.leases[place].nextAt = after(lease.milliseconds * permille)
    }

    /// A key with a lease has gone somewhere: its time has to be over.
    func noteLeaseEnd(_ key: [UInt8]) {
        guard let place = leaseDesk.leases.firstIndex(where: { $0.key == key }) else { return }
        let lease = leaseDesk.leases.remove(at: place)
        trace.note(now, 25, UInt64(lease.id.number), text: "lease \(lease.id.number) has ended")
        guard !lease.isRevoked, let renewed = lease.renewed else { return }
        faults.add(.leaseExpired)
        // The fastest clock, which moves by whole ticks.
        let least = lease.milliseconds * 800 - 2 * plan.tickMicroseconds
        let passed = now.microseconds - renewed.microseconds
        guard passed < least else { return }
        violations.append(
            .invariant(
                "lease \(lease.id.number) of \(lease.milliseconds) ms has ended "
                    + "\(passed / 1000) ms after it was renewed"))
    }

    /// Once nobody keeps them alive, all leases go.
    func leasesLeft() -> String? {
        guard let node = nodes.first(where: { $0.isWanted && $0.standing.leaseCount > 0 }) else {
            return nil
        }
        return "\(node.name) has \(node.standing.leaseCount) leases that should have ended"
    }
}
