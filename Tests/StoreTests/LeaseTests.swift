import Store
import Testing

@Suite("A lease")
struct LeaseTests {
    let scratch: Scratch
    let store: Store
    let lease = LeaseID(5)

    init() throws {
        scratch = try Scratch()
        store = try Store.open(directory: scratch.path)
    }

    @Test func takesItsKeysWithIt() async throws {
        try await store.grantLease(lease, for: .seconds(10), now: .seconds(0))
        try await store.put("a", "1", lease: lease)
        try await store.put("b", "2", lease: lease)
        try await store.put("b", "3")
        #expect(store.tick(now: .seconds(9)) == .seconds(10))
        #expect(try store.contents() == "a=1 b=3")
        store.tick(now: .seconds(10))
        try await store.put("c", "4")
        #expect(store.tick(now: .seconds(11)) == nil)
        #expect(try store.contents() == "b=3 c=4")
        #expect(store.leases.isEmpty)
        store.close()
    }

    @Test func livesOnWhileItIsKeptAlive() async throws {
        try await store.grantLease(lease, for: .seconds(10), now: .seconds(0))
        try await store.put("a", "1", lease: lease)
        try await store.keepLeaseAlive(lease, now: .seconds(8))
        #expect(store.tick(now: .seconds(12)) == .seconds(18))
        #expect(store.lease(lease)?.remaining == .seconds(6))
        #expect(store.lease(lease)?.keys == [.text("a")])
        store.close()
    }

    @Test func goesOnAfterARestartWithWhatItHadLeft() async throws {
        try await store.grantLease(lease, for: .seconds(1000), now: .seconds(0))
        try await store.put("a", "1", lease: lease)
        store.tick(now: .seconds(700))
        try await store.put("b", "2")
        store.close()
        let again = try Store.open(directory: scratch.path)
        #expect(again.lease(lease)?.remaining == .seconds(300))
        #expect(again.tick(now: .seconds(5)) == .seconds(305))
        again.tick(now: .seconds(305))
        try await again.put("c", "3")
        #expect(try again.contents() == "b=2 c=3")
        again.close()
    }

    @Test func mustBeThereToBeUsed() async throws {
        await #expect(throws: StoreError.leaseNotFound(lease)) {
            try await store.put("a", "1", lease: lease)
        }
        await #expect(throws: StoreError.leaseNotFound(lease)) {
            try await store.revokeLease(lease)
        }
        try await store.grantLease(lease, for: .seconds(10), now: .seconds(0))
        await #expect(throws: StoreError.leaseExists(lease)) {
            try await store.grantLease(lease, for: .seconds(10), now: .seconds(0))
        }
        store.close()
    }
}

@Suite("A lease of a cluster", .timeLimit(.minutes(2)))
struct ClusterLeaseTests {
    @Test func isKeptByALeaderOfOldThatLeadsAgain() async throws {
        let cluster = try Cluster(3)
        let first = try await cluster.leader()
        let lease = LeaseID(5)
        try await first.grantLease(lease, for: .seconds(10), now: .seconds(0))
        try await first.put("a", "1", lease: lease)
        try await cluster.becomeWhole()
        try await cluster.handOver(from: first)
        let second = try await cluster.leader()
        try await second.keepLeaseAlive(lease, now: .seconds(9))
        try await cluster.handOver(from: second, to: first)
        // It granted it eleven seconds ago, and has not heard that it was kept alive.
        first.tick(now: .seconds(11))
        try await first.put("b", "2")
        first.tick(now: .seconds(12))
        try await first.put("c", "3")
        #expect(first.leases == [lease])
        #expect(try first.text("a") == "1")
    }
}

extension Cluster {
    /// Has another member lead, and waits until it decides.
    fileprivate func handOver(from old: Store, to heir: Store? = nil) async throws {
        let target = heir?.memberStatus?.me
        while true {
            if let heir {
                if try await leader() === heir { return }
            } else if try await leader() !== old {
                return
            }
            let now = try await leader()
            // Refused while the heir catches up, or while it goes on: it is asked again.
            do throws(MemberChangeRefusal) { try await now.transferLeadership(to: target) } catch {}
        }
    }
}
