import Store
import StoreCore
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

@Suite("A hundred thousand watches", .serialized)
struct ManyWatchesTests {
    private static let count = 100_000

    /// How many events have come, and how many watches have ended.
    private final class Tally: Sendable {
        let events = Atomic<Int>(0)
        let failures = Atomic<Int>(0)

        func note(_ result: Result<WatchBatch, StoreError>) {
            switch result {
            case .success(let batch): events.wrappingAdd(batch.events.count, ordering: .relaxed)
            case .failure: failures.wrappingAdd(1, ordering: .relaxed)
            }
        }
        var eventCount: Int { events.load(ordering: .relaxed) }
        var failureCount: Int { failures.load(ordering: .relaxed) }
    }

    /// Of this process, as far as it is not given back.
    private static func residentBytes() -> Int {
        let descriptor = unsafe open("/proc/self/statm", O_RDONLY)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        // Reads at most the array's own length into it.
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe read(descriptor, $0.baseAddress, $0.count)
        }
        let words = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * 4096 : 0
    }

    @Test func areAllToldTakeLittleAndAreGivenUp() async throws {
        let scratch = try Scratch()
        let store = try Store.open(directory: scratch.path)
        defer { store.close() }
        let (everything, one) = (Tally(), Tally())
        let start = try await store.put("first", "1").next
        let before = Self.residentBytes()
        var watches: [WatchID] = []
        for number in 0..<Self.count {
            // Every other one on a key of its own, as those who wait for one object.
            let isOne = number % 2 == 0
            let range = isOne ? KeyRange.key(.text("key-\(number)")) : .all
            let tally = isOne ? one : everything
            watches.append(try store.watch(range, from: start) { tally.note($0) })
        }
        try await store.put("key-0", "1")
        let bytes = Self.residentBytes() - before
        #expect(bytes < Self.count * 1000, "\(bytes / Self.count) bytes a watch")
        // Who is answered finds it told.
        #expect(everything.eventCount == Self.count / 2 && one.eventCount == 1)
        for watch in watches { store.cancel(watch) }
        try await store.put("key-0", "2")
        try await store.put("key-0", "3")
        #expect(everything.eventCount <= Self.count && one.eventCount <= 2)
        #expect(everything.failureCount + one.failureCount == 0)
    }

    @Test func whoseHistoryIsGoneEndAtOnce() async throws {
        let scratch = try Scratch()
        let store = try Store.open(directory: scratch.path)
        defer { store.close() }
        let tally = Tally()
        let start = try await store.put("first", "1")
        // They are behind, and the history that they ask for is given up before they get there.
        let isHeld = Atomic<Bool>(false)
        let mayGo = Atomic<Bool>(false)
        _ = try store.watch(.all, from: start.next) { _ in
            isHeld.store(true, ordering: .releasing)
            while !mayGo.load(ordering: .acquiring) { sched_yield() }
        }
        let put = Task { try await store.put("second", "1") }
        while !isHeld.load(ordering: .acquiring) { await Task.yield() }
        for _ in 0..<Self.count { _ = try store.watch(.all, from: start) { tally.note($0) } }
        let more = Task { try await store.put("third", "1") }
        let compacted = Task { try await store.compact(at: start.next.next) }
        mayGo.store(true, ordering: .releasing)
        _ = try await (put.value, more.value)
        try await compacted.value
        while tally.failureCount + tally.eventCount / 2 < Self.count { await Task.yield() }
        try await store.put("fourth", "1")
    }
}
