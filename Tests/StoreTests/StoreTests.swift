import Store
import StoreCore
import Testing

@Suite("A store")
struct StoreTests {
    let scratch: Scratch
    let store: Store

    init() throws {
        scratch = try Scratch()
        store = try Store.open(directory: scratch.path)
    }

    @Test func beginsAtRevisionOneAndCountsChanges() async throws {
        #expect(store.revision == Revision(1))
        #expect(try await store.put("a", "1") == Revision(2))
        #expect(try await store.put("a", "2") == Revision(3))
        #expect(try await store.delete("a") == Revision(4))
        #expect(try await store.delete("a") == Revision(4))
        #expect(store.revision == Revision(4))
        store.close()
    }

    @Test func knowsWhenAKeyWasMadeAndHowOftenItWasPut() async throws {
        try await store.put("a", "1")
        try await store.put("a", "2")
        var entry = try #require(try store.get(.text("a")))
        #expect(entry.createRevision == Revision(2))
        #expect(entry.modRevision == Revision(3))
        #expect(entry.version == 2)
        try await store.delete("a")
        try await store.put("a", "3")
        entry = try #require(try store.get(.text("a")))
        #expect(entry.createRevision == Revision(5))
        #expect(entry.version == 1)
        store.close()
    }

    @Test func putsOnlyWhatIsAtTheExpectedRevision() async throws {
        let made = try await store.put("a", "1", expecting: Revision.none)
        await #expect(throws: StoreError.conflict(current: made)) {
            try await store.put("a", "2", expecting: Revision.none)
        }
        let changed = try await store.put("a", "2", expecting: made)
        await #expect(throws: StoreError.conflict(current: changed)) {
            try await store.delete("a", expecting: made)
        }
        try await store.delete("a", expecting: changed)
        #expect(try store.text("a") == nil)
        store.close()
    }

    @Test func readsThePast() async throws {
        let first = try await store.put("a", "1")
        let second = try await store.put("b", "2")
        try await store.put("a", "3")
        let last = try await store.delete("b")
        #expect(try store.contents(at: first) == "a=1")
        #expect(try store.contents(at: second) == "a=1 b=2")
        #expect(try store.contents(at: last) == "a=3")
        #expect(throws: StoreError.future(requested: last.next, current: last)) {
            try store.contents(at: last.next)
        }
        store.close()
    }

    @Test func remembersEverythingAfterItWasClosed() async throws {
        for number in 1...300 { try await store.put("key-\(number % 40)", "\(number)") }
        try await store.delete("key-7")
        let (contents, revision) = (try store.contents(), store.revision)
        store.close()
        let again = try Store.open(directory: scratch.path)
        #expect(try again.contents() == contents)
        #expect(again.revision == revision)
        #expect(try again.text("key-7", at: Revision(revision.number - 1)) == "287")
        #expect(try await again.put("key-7", "new") == revision.next)
        again.close()
    }

    @Test func refusesASecondProcessAndCallsAfterItsEnd() async throws {
        #expect(throws: StoreError.locked(directory: scratch.path)) {
            _ = try Store.open(directory: scratch.path)
        }
        store.close()
        await #expect(throws: StoreError.closed) { try await store.put("a", "1") }
    }

    @Test func lendsARangeWithoutCopying() async throws {
        let puts = (0..<2500).map { number in
            Operation.put(key: .text("k\(10000 + number)"), value: .text("v\(number)"))
        }
        _ = try await store.propose(Transaction(then: puts))
        var seen = 0
        let summary = try store.withRange(.prefix(.text("k")), limit: 2000) { key, value, version in
            if seen == 1500 {
                #expect(key.byteCount == 6 && value.byteCount == 5)
                #expect(version.modRevision == Revision(2))
            }
            seen += 1
        }
        #expect(seen == 2000)
        #expect(summary.count == 2500 && summary.visited == 2000 && summary.hasMore)
        store.close()
    }
}
