import Store
import Testing

@Suite("A checkpoint")
struct CheckpointTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// A store with enough behind it to be worth a checkpoint when it closes.
    private func fill(_ store: Store) async throws {
        let value = [UInt8](repeating: 5, count: 1_000_000)
        try await store.grantLease(LeaseID(3), for: .seconds(60), now: .seconds(0))
        try await store.put("leased", "1", lease: LeaseID(3))
        for number in 0..<40 {
            _ = try await store.put(.text("large-\(number % 10)"), value)
            try await store.put("small-\(number)", "\(number)")
        }
        try await store.delete("small-7")
        try await store.compact(at: Revision(40))
        try await store.put("last", "1")
    }

    @Test func holdsWhatTheLogHolds() async throws {
        let store = try Store.open(directory: scratch.path)
        try await fill(store)
        let (revision, compacted) = (store.revision, store.compactedRevision)
        let past = try store.range(RangeQuery(.all, at: Revision(50))).entries.map(\.modRevision)
        store.close()
        #expect(try scratch.names().contains("checkpoint"))

        for usesCheckpoint in [true, false] {
            if !usesCheckpoint { try scratch.remove("checkpoint") }
            let again = try Store.open(directory: scratch.path)
            #expect(again.revision == revision && again.compactedRevision == compacted)
            #expect(try again.text("small-39") == "39" && again.text("small-7") == nil)
            #expect(try again.text("small-7", at: Revision(revision.number - 2)) == "7")
            let read = try again.range(RangeQuery(.all, at: Revision(50))).entries
            #expect(read.map(\.modRevision) == past)
            #expect(again.lease(LeaseID(3))?.keys == [.text("leased")])
            let events = try again.events(in: .all, after: Revision(revision.number - 2))
            #expect(events.events.map(\.entry.keyText) == ["small-7", "last"])
            again.close()
        }
    }

    @Test func isMadeWholeByTheLogAfterIt() async throws {
        var store = try Store.open(directory: scratch.path)
        try await fill(store)
        store.close()
        store = try Store.open(directory: scratch.path)
        try await store.put("small-1", "changed")
        try await store.delete("small-2")
        try await store.revokeLease(LeaseID(3))
        try await store.compact(at: store.revision)
        let contents = try store.range(RangeQuery(.all)).entries.map(\.modRevision)
        store.close()
        store = try Store.open(directory: scratch.path)
        #expect(try store.range(RangeQuery(.all)).entries.map(\.modRevision) == contents)
        #expect(try store.text("small-1") == "changed" && store.text("small-2") == nil)
        #expect(try store.text("leased") == nil && store.leases.isEmpty)
        store.close()
    }

    @Test func isPassedOverIfItIsDamaged() async throws {
        var store = try Store.open(directory: scratch.path)
        try await fill(store)
        store.close()
        try scratch.flip("checkpoint", at: 500)
        store = try Store.open(directory: scratch.path)
        #expect(try store.text("last") == "1")
        store.close()
    }

    @Test func doesNotHideThatTheLogIsDamaged() async throws {
        let store = try Store.open(directory: scratch.path)
        try await fill(store)
        store.close()
        let first = try #require(try scratch.names().first { $0.hasSuffix(".log") })
        try scratch.flip(first, at: 300)
        let error = #expect(throws: StoreError.self) {
            _ = try Store.open(directory: scratch.path)
        }
        guard case .damaged(let file, let damage) = error else {
            Issue.record("the damage was not found")
            return
        }
        #expect(file.hasSuffix(first) && damage.offset <= 300)
    }
}
