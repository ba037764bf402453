public import StoreCore
internal import Synchronization

/// A lease as it is now.
public struct LeaseStatus: Sendable, Equatable {
    public let duration: Duration
    public let remaining: Duration
    public let keys: [[UInt8]]
}

// Leases need time, and time comes from outside: `now` is the time since any fixed moment, by a
// clock that does not jump. While there are leases, somebody calls `tick` at the time it returned
// last.

extension Store {
    /// Makes a lease that ends after `duration`, unless it is kept alive.
    ///
    /// - Throws: ``StoreError/leaseExists(_:)``, `.tooManyLeases`, or as ``propose(_:)``.
    public func grantLease(
        _ id: LeaseID, for duration: Duration, now: Duration
    ) async throws(StoreError) {
        let bounded = min(max(duration, .seconds(1)), StoreLimits.leaseDurationMax)
        _ = try await decision {
            self.writer.propose(
                .grant(
                    id, milliseconds: bounded.inMilliseconds, nowMilliseconds: now.inMilliseconds),
                completion: $0)
        }
    }

    /// Gives the lease its whole time again.
    ///
    /// - Throws: ``StoreError/leaseNotFound(_:)``, or as ``propose(_:)``.
    public func keepLeaseAlive(_ id: LeaseID, now: Duration) async throws(StoreError) {
        _ = try await decision {
            self.writer.propose(
                .keepAlive(id, nowMilliseconds: now.inMilliseconds), completion: $0)
        }
    }

    /// Ends the lease and deletes its keys, all in one revision.
    ///
    /// - Throws: ``StoreError/leaseNotFound(_:)``, or as ``propose(_:)``.
    public func revokeLease(_ id: LeaseID) async throws(StoreError) {
        _ = try await decision { self.writer.propose(.revoke(id), completion: $0) }
    }

    public var leases: [LeaseID] { shared.state.withLock { $0.core.leaseIDs } }

    /// The lease as of the last tick; nil if there is none.
    public func lease(_ id: LeaseID) -> LeaseStatus? {
        shared.state.withLock { $0.core.lease(id) }.map { lease in
            LeaseStatus(
                duration: .milliseconds(lease.milliseconds),
                remaining: .milliseconds(lease.remaining), keys: lease.keys)
        }
    }

    /// Lets time pass: leases that have ended are revoked, in the background. Returns when to call
    /// again; nil if there are no leases, or another member leads. Granting one may make that earlier.
    @discardableResult
    public func tick(now: Duration) -> Duration? {
        // Only who leads knows which leases were kept alive.
        guard isDeciding else { return nil }
        let milliseconds = now.inMilliseconds
        let result = shared.state.withLock { $0.core.tickLeases(now: milliseconds) }
        for id in result.ended {
            writer.propose(.expire(id, nowMilliseconds: milliseconds)) { _ in }
        }
        for start in stride(from: 0, to: result.toSave.count, by: Self.leasesSavedMax) {
            let some = Array(result.toSave[start...].prefix(Self.leasesSavedMax))
            writer.propose(.saveLeases(some)) { _ in }
        }
        return result.next.map { .milliseconds($0) }
    }

    /// Leases whose remaining time one proposal persists.
    private static let leasesSavedMax = 1000
}

extension Duration {
    fileprivate var inMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
