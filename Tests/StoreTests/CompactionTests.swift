import Store
import Testing

@Suite("Compaction")
struct CompactionTests {
    let scratch: Scratch
    let store: Store

    init() throws {
        scratch = try Scratch()
        store = try Store.open(directory: scratch.path)
    }

    @Test func givesUpThePastAndKeepsThePresent() async throws {
        try await store.put("a", "1")
        try await store.put("a", "2")
        try await store.put("b", "3")
        try await store.delete("b")
        try await store.compact(at: Revision(4))
        #expect(store.compactedRevision == Revision(4))
        #expect(try store.contents(at: Revision(4)) == "a=2 b=3")
        #expect(try store.contents() == "a=2")
        #expect(throws: StoreError.compacted(requested: Revision(3), oldest: Revision(4))) {
            try store.contents(at: Revision(3))
        }
        await #expect(throws: StoreError.compacted(requested: Revision(4), oldest: Revision(4))) {
            try await store.compact(at: Revision(4))
        }
        await #expect(throws: StoreError.future(requested: Revision(9), current: Revision(5))) {
            try await store.compact(at: Revision(9))
        }
        store.close()
    }

    @Test func givesSpaceBackAndLosesNothing() async throws {
        let value = [UInt8](repeating: 9, count: 2000)
        try await store.put("old", "kept from the beginning")
        let lease = LeaseID(77)
        try await store.grantLease(lease, for: .seconds(600), now: .seconds(0))
        try await store.put("leased", "too", lease: lease)
        for round in 1...25 {
            for number in 0..<100 { _ = try await store.put(.text("k\(number)"), value) }
            for number in 0..<50 { try await store.put("gone-\(round)-\(number)", "x") }
            _ = try await store.propose(Transaction(then: [.delete(.prefix(.text("gone")))]))
            try await store.compact(at: store.revision)
        }
        let contents = try store.contents()
        let revision = store.revision
        // 5 MB were written, 0.2 MB of it are alive.
        try await store.settled { $0 < 4 * 512 * 1024 }
        store.close()

        let again = try Store.open(directory: scratch.path)
        #expect(try again.contents() == contents)
        #expect(again.revision == revision)
        #expect(try again.text("old") == "kept from the beginning")
        #expect(again.leases == [lease])
        try await again.revokeLease(lease)
        #expect(try again.text("leased") == nil)
        again.close()
    }

    @Test func keepsWhatIsBeingRead() async throws {
        try await store.put("a", "first")
        let entry = try #require(try store.get(.text("a")))
        let value = [UInt8](repeating: 9, count: 100_000)
        for _ in 1...30 {
            _ = try await store.put(.text("a"), value)
            try await store.compact(at: store.revision)
        }
        try await store.settled { $0 < 4 * 512 * 1024 }
        #expect(entry.text == "first")
        store.close()
    }
}

extension Store {
    /// Writes until the log's files have come down to what is expected, as space is given back in
    /// the background.
    func settled(_ isExpected: (Int) -> Bool) async throws(StoreError) {
        for number in 0..<20_000 where !isExpected(logBytes) {
            try await put("settling", "\(number)")
        }
        #expect(isExpected(logBytes), "the log has \(logBytes) bytes")
    }
}
