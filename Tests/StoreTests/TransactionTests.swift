import Store
import Testing

@Suite("A transaction")
struct TransactionTests {
    let scratch: Scratch
    let store: Store

    init() throws {
        scratch = try Scratch()
        store = try Store.open(directory: scratch.path)
    }

    @Test func changesSeveralKeysInOneRevision() async throws {
        let result = try await store.propose(
            Transaction(then: [
                .put(key: .text("a"), value: .text("1")), .put(key: .text("b"), value: .text("2")),
            ]))
        #expect(result.revision == Revision(2))
        #expect(try store.range(RangeQuery(.all)).entries.map(\.modRevision.number) == [2, 2])
        store.close()
    }

    @Test func takesTheOtherBranchIfACompareFails() async throws {
        try await store.put("a", "1")
        let result = try await store.propose(
            Transaction(
                if: [Compare(.text("a"), .equal, .value(.text("2")))],
                then: [.delete(.all)],
                else: [.range(RangeQuery(.all)), .put(key: .text("b"), value: .text("2"))]))
        #expect(!result.succeeded)
        guard case .range(let found) = try #require(result.results.first) else {
            Issue.record("a range has a range's result")
            return
        }
        #expect(found.entries.map(\.keyText) == ["a"])
        #expect(try store.contents() == "a=1 b=2")
        store.close()
    }

    @Test func leavesTheRevisionAloneIfItChangesNothing() async throws {
        try await store.put("a", "1")
        let read = try await store.propose(Transaction(then: [.range(RangeQuery(.all))]))
        let delete = try await store.propose(Transaction(then: [.delete(.prefix(.text("x")))]))
        #expect(read.revision == Revision(2) && delete.revision == Revision(2))
        store.close()
    }

    @Test(arguments: [
        (Compare(.text("a"), .equal, .modRevision(Revision(3))), true),
        (Compare(.text("a"), .equal, .createRevision(Revision(2))), true),
        (Compare(.text("a"), .greater, .version(1)), true),
        (Compare(.text("a"), .less, .version(2)), false),
        (Compare(.text("a"), .notEqual, .value(.text("one"))), true),
        (Compare(.text("a"), .less, .value(.text("twp"))), true),
        (Compare(.text("none"), .equal, .modRevision(.none)), true),
        (Compare(.text("none"), .equal, .version(0)), true),
        (Compare(.text("none"), .notEqual, .value([])), false),
        (Compare(.prefix(.text("a")), .greater, .modRevision(Revision(2))), true),
        (Compare(.prefix(.text("a")), .less, .modRevision(Revision(4))), false),
        (Compare(.prefix(.text("z")), .equal, .version(0)), true),
        (Compare(.text("a"), .equal, .lease(.none)), true),
    ])
    func compares(_ compare: Compare, holds: Bool) async throws {
        try await store.put("a", "one")
        try await store.put("a", "two")
        try await store.put("ab", "three")
        let result = try await store.propose(Transaction(if: [compare], then: []))
        #expect(result.succeeded == holds)
        store.close()
    }

    @Test func seesWhatItDidBefore() async throws {
        try await store.put("a", "1")
        let result = try await store.propose(
            Transaction(then: [
                .put(key: .text("b"), value: .text("2"), previous: true),
                .delete(.key(.text("a")), previous: true),
                .range(RangeQuery(.all)),
            ]))
        guard case .put(let put) = result.results[0],
            case .deleted(let count, let deleted) = result.results[1],
            case .range(let range) = result.results[2]
        else {
            Issue.record("each operation has its own kind of result")
            return
        }
        #expect(put == nil)
        #expect(count == 1 && deleted.map(\.text) == ["1"])
        #expect(range.entries.map(\.text) == ["2"] && range.count == 1)
        store.close()
    }

    @Test func mustNotChangeAKeyTwice() async throws {
        let put = Operation.put(key: .text("a"), value: [])
        for operations in [[put, put], [put, .delete(.prefix(.text("a")))]] {
            await #expect(throws: StoreError.duplicateKey(.text("a"))) {
                try await store.propose(Transaction(then: operations))
            }
        }
        #expect(store.revision == Revision(1))
        store.close()
    }

    @Test func isRefusedIfItIsTooLarge() async throws {
        let value = [UInt8](repeating: 1, count: StoreLimits.transactionBytesMax)
        await #expect(throws: StoreError.tooLarge) {
            try await store.propose(Transaction(then: [.put(key: .text("a"), value: value)]))
        }
        // A count of operations that is too high as well, and one below it is not.
        let many = (0...StoreLimits.transactionOperationsMax).map {
            Operation.put(key: .text("k\($0)"), value: [])
        }
        await #expect(throws: StoreError.tooLarge) {
            try await store.propose(Transaction(then: many))
        }
        #expect(store.revision == Revision(1))
        _ = try await store.propose(Transaction(then: many.dropLast()))
        #expect(store.keyCount == StoreLimits.transactionOperationsMax)
        await #expect(throws: StoreError.unusableKey) { try await store.put("", "1") }
        store.close()
    }

    @Test func mayHaveAValueLargerThanASegment() async throws {
        let value = [UInt8](repeating: 7, count: 3 * 1024 * 1024)
        try await store.put("before", "1")
        _ = try await store.put(.text("large"), value)
        try await store.put("after", "2")
        store.close()
        let again = try Store.open(directory: scratch.path)
        #expect(try again.get(.text("large"))?.value == value)
        #expect(try again.text("before") == "1" && again.text("after") == "2")
        again.close()
    }

    @Test func sortsAndLimitsWhatItReads() async throws {
        for (key, value) in [("a", "3"), ("b", "1"), ("c", "2")] { try await store.put(key, value) }
        try await store.put("a", "3")
        func keys(_ query: RangeQuery) throws -> String {
            try store.range(query).entries.map(\.keyText).joined()
        }
        #expect(try keys(RangeQuery(.all, limit: 2)) == "ab")
        #expect(try keys(RangeQuery(.all, order: .value)) == "bca")
        #expect(try keys(RangeQuery(.all, order: .modRevision, descending: true)) == "acb")
        #expect(try keys(RangeQuery(.all, limit: 1, descending: true)) == "c")
        let counted = try store.range(RangeQuery(.all, countOnly: true))
        #expect(counted.count == 3 && counted.entries.isEmpty)
        store.close()
    }
}
