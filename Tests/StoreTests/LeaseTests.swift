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
