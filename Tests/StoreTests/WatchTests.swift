import Store
import Synchronization
import Testing

/// Collects what a watch is told, as text: "5 a=1", "6 a deleted (was 1)".
final class WatchLog: Sendable {
    private struct State {
        var lines: [String] = []
        var through = Revision.none
        var failure: StoreError?
        var waiting: (Revision, CheckedContinuation<Void, Never>)?
    }
    private let state = Mutex(State())

    var lines: [String] { state.withLock { $0.lines } }
    var failure: StoreError? { state.withLock { $0.failure } }

    func take(_ result: Result<WatchBatch, StoreError>) {
        let ready = state.withLock { state -> CheckedContinuation<Void, Never>? in
            switch result {
            case .success(let batch):
                state.lines += batch.events.map(Self.line)
                #expect(state.through <= batch.through)
                #expect(batch.events.allSatisfy { $0.revision > state.through })
                state.through = batch.through
            case .failure(let error): state.failure = error
            }
            guard let (revision, continuation) = state.waiting,
                state.through >= revision || state.failure != nil
            else { return nil }
            state.waiting = nil
            return continuation
        }
        ready?.resume()
    }

    /// Returns once the watch has been told of everything up to `revision`, or has failed.
    func reached(_ revision: Revision) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.through >= revision || state.failure != nil { return true }
                state.waiting = (revision, continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    private static func line(_ event: WatchEvent) -> String {
        let was = event.previous.map { " (was \($0.text))" } ?? ""
        let now = event.isDelete ? " deleted" : "=\(event.entry.text)"
        return "\(event.revision) \(event.entry.keyText)\(now)\(was)"
    }
}

@Suite("A watch")
struct WatchTests {
    let scratch: Scratch
    let store: Store
    let log = WatchLog()

    init() throws {
        scratch = try Scratch()
        store = try Store.open(directory: scratch.path)
    }

    @Test func tellsOfWhatHappensInItsRange() async throws {
        _ = try store.watch(.prefix(.text("a")), from: store.revision.next, deliver: log.take)
        try await store.put("a1", "1")
        try await store.put("b", "2")
        try await store.delete("a1")
        #expect(log.lines == ["2 a1=1", "4 a1 deleted"])
        store.close()
        #expect(log.failure == .closed)
    }

    @Test func hasTheValueBefore() async throws {
        try await store.put("a", "1")
        _ = try store.watch(
            .all, from: Revision(1), previousValues: true, deliver: log.take)
        await log.reached(Revision(2))
        try await store.put("a", "2")
        try await store.delete("a")
        #expect(log.lines == ["2 a=1", "3 a=2 (was 1)", "4 a deleted (was 2)"])
        store.close()
    }

    @Test func beginsInThePastAndGoesOnWithoutAGap() async throws {
        for number in 1...1500 { try await store.put("k\(number % 7)", "\(number)") }
        _ = try store.watch(.all, from: Revision(201), deliver: log.take)
        for number in 1501...1600 { try await store.put("k\(number % 7)", "\(number)") }
        await log.reached(store.revision)
        let expected = (200...1600).map { "\($0 + 1) k\($0 % 7)=\($0)" }
        #expect(log.lines == expected)
        store.close()
    }

    @Test func goesOnFromTheLogAfterARestart() async throws {
        try await store.put("a", "1")
        try await store.put("a", "2")
        try await store.delete("a")
        store.close()
        let again = try Store.open(directory: scratch.path)
        let past = try again.events(
            in: .all, after: Revision(2), previousValues: true)
        #expect(past.events.map(\.revision.number) == [3, 4])
        #expect(past.events.map { $0.previous?.text } == ["1", "2"])
        #expect(past.through == Revision(4))
        again.close()
    }

    @Test func keepsChangesOfOneRevisionTogether() async throws {
        let puts = (0..<10).map { Operation.put(key: .text("k\($0)"), value: .text("v")) }
        _ = try await store.propose(Transaction(then: puts))
        _ = try await store.propose(Transaction(then: [.delete(.all)]))
        let first = try store.events(in: .all, after: Revision(1), limit: 3)
        #expect(first.events.count == 10 && first.through == Revision(2))
        let second = try store.events(in: .all, after: first.through, limit: 3)
        #expect(second.events.count == 10 && second.events.allSatisfy(\.isDelete))
        store.close()
    }

    @Test func cannotBeginBeforeWhatWasCompacted() async throws {
        for number in 1...10 { try await store.put("a", "\(number)") }
        try await store.compact(at: Revision(6))
        #expect(throws: StoreError.compacted(requested: Revision(5), oldest: Revision(6))) {
            _ = try store.watch(.all, from: Revision(5), deliver: log.take)
        }
        #expect(throws: StoreError.compacted(requested: Revision(5), oldest: Revision(6))) {
            _ = try store.events(in: .all, after: Revision(4))
        }
        _ = try store.watch(.all, from: Revision(6), deliver: log.take)
        await log.reached(Revision(11))
        #expect(log.lines.first == "6 a=5" && log.lines.count == 6)
        store.close()
    }

    @Test func isToldHowFarItIsAndEndsWhenCancelled() async throws {
        let watch = try store.watch(
            .prefix(.text("x")), from: store.revision.next, deliver: log.take)
        try await store.put("a", "1")
        store.requestProgress(watch)
        await log.reached(Revision(2))
        #expect(log.lines.isEmpty)
        store.cancel(watch)
        try await store.put("a", "2")
        try await store.put("x", "1")
        #expect(log.lines.isEmpty)
        store.close()
    }
}
