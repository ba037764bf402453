import LogTape
import Raft
import StoreCore
import Testing

@Suite("The sum of what a store holds")
struct StateSumTests {
    /// Puts, deletes, transactions, leases and compactions, as chance will have it.
    private func change(_ tape: inout LogTape, using generator: inout SeededGenerator) throws {
        let key = "k\(Int.random(in: 0..<200, using: &generator))"
        let lease = LeaseID(Int64.random(in: 1...5, using: &generator))
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<10: try tape.put(key, "1")
        case 10..<13: try tape.delete(key)
        case 13..<16:
            let operations: [StoreCore.Operation] = [
                .put(key: Array("a\(key)".utf8), value: [1]),
                .delete(KeyRange(from: Array(key.utf8), to: Array("\(key)9".utf8))),
            ]
            try tape.propose(Transaction(then: operations))
        case 16..<18:
            do throws(StoreError) { try tape.grant(lease) } catch {}
            try tape.put(key, "2", lease: lease)
        case 18: do throws(StoreError) { try tape.revoke(lease) } catch {}
        default:
            guard tape.core.compacted < tape.core.revision else { return }
            try tape.compact(tape.core.revision)
            var next: [UInt8]? = []
            while let start = next, Int.random(in: 0..<10, using: &generator) > 0 {
                next = tape.core.prune(from: start)
            }
        }
    }

    private func checkpoint(of core: borrowing StoreState) throws -> StoreState {
        var writer = CheckpointWriter(core, at: .origin)
        while writer.next != nil { writer.addLeaf(of: core) }
        let body = writer.take().bytes
        let bytes = writer.header(committed: .zero) + body
        var (position, notes) = (LogPosition.origin, ReplayNotes())
        return try StoreState(checkpoint: bytes.raw, position: &position, notes: &notes)
    }

    @Test(arguments: 1...8)
    func isThatOfAllKeysHoweverTheStoreCameToHoldThem(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var tape = LogTape()
        for step in 0..<1500 {
            try change(&tape, using: &generator)
            guard step % 150 == 149 else { continue }
            tape.sync()
            let sum = tape.core.sum
            #expect(sum == tape.core.sumOfAllKeys, "kept up to date, change by change")
            let replayed = try recover(tape.bytes).sum
            #expect(sum == replayed, "found again from the log")
            let read = try checkpoint(of: tape.core).sum
            #expect(sum == read, "found again from a checkpoint")
        }
    }

    @Test func isKnownForRevisionsThatArePublishedAndNotTooOld() throws {
        var tape = LogTape()
        var sums: [UInt64] = []
        for number in 2...6000 {
            try tape.put("k\(number % 10)", "1")
            sums.append(tape.core.sum)
        }
        tape.core.notePublished(Revision(5900))
        #expect(tape.core.sum(at: Revision(5901)) == nil, "not published")
        #expect(tape.core.sum(at: Revision(1900)) == nil, "too old")
        #expect(tape.core.sum(at: Revision(1905)) == sums[1903])
        #expect(tape.core.sum(at: Revision(5900)) == sums[5898])
        #expect(Set(sums).count == sums.count, "no two are alike")
    }

    /// A pass over all keys takes many steps, between which they change.
    @Test(arguments: 1...8)
    func isCountedUpAnewWhileKeysChange(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var tape = LogTape()
        for number in 0..<1000 { try tape.put("k\(number)", "1") }
        for _ in 0..<4000 {
            try change(&tape, using: &generator)
            let hasDiffered = tape.core.recountKeys()
            #expect(!hasDiffered)
        }
        #expect(tape.core.sum == tape.core.sumOfAllKeys)
    }

    @Test func becomesThatOfWhatIsThereIfMemoryChanges() throws {
        var tape = LogTape()
        for number in 0..<1000 { try tape.put("k\(number)", "1") }
        let sum = tape.core.sum
        tape.core.corrupt(Array("k500".utf8))
        #expect(tape.core.sum == sum)
        var steps = 0
        while !tape.core.recountKeys() {
            steps += 1
            try #require(steps < 100)
        }
        #expect(steps > 4, "a few keys at a time")
        #expect(tape.core.sum != sum && tape.core.sum == tape.core.sumOfAllKeys)
    }

    @Test func isAnotherOneIfAnythingAboutAKeyIsAnother() throws {
        func sum(_ fill: (inout LogTape) throws -> Void) throws -> UInt64 {
            var tape = LogTape()
            try tape.grant(LeaseID(1))
            try tape.grant(LeaseID(2))
            try fill(&tape)
            return tape.core.sum
        }
        let sums = try [
            sum { _ in },
            // The same key at the same mod revision, of other versions and create revisions.
            sum { for key in ["a", "a", "a"] { try $0.put(key, "1") } },
            sum { for key in ["b", "a", "a"] { try $0.put(key, "1") } },
            sum { for key in ["b", "b", "a"] { try $0.put(key, "1") } },
            sum { for key in ["a", "b", "a"] { try $0.put(key, "1") } },
            sum { tape in
                try tape.put("a", "1")
                try tape.delete("a")
                try tape.put("a", "1")
            },
            sum { try $0.put("a", "1", lease: LeaseID(1)) },
            sum { try $0.put("a", "1", lease: LeaseID(2)) },
            sum { try $0.put("a", "1") },
            sum { try $0.put("aa", "1") },
            sum { try $0.put("a\0", "1") },
        ]
        #expect(Set(sums).count == sums.count)
        #expect(sums[0] == 0, "nothing comes to nothing")
    }
}
