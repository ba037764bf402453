import Replica
import StoreCore
import Synchronization
import Testing

@testable import Store

@Suite("Who keeps house")
struct KeeperTests {
    let scratch: Scratch
    private var options = StoreOptions()
    private let value = String(repeating: "v", count: 300)

    init() throws {
        scratch = try Scratch()
        (options.segmentBytesMin, options.segmentBytesMax) = (64 * 1024, 64 * 1024)
    }

    /// What a start finds, before it has taken in what is not known to be committed.
    private func recovered(_ directory: Directory) throws(StoreError) -> Recovered {
        let identity = try IdentityFiles(directory: directory, disk: options.disk).open(options)
        return try Recovery(directory: directory, options: options, identity: identity).run()
    }

    /// A store of several segments, in each of which a little is alive; it is closed.
    private func fill() async throws {
        let store = try Store.open(directory: scratch.path, options: options)
        for round in 0..<150 {
            let overwritten = (0..<50).map { number in
                Operation.put(key: .text("k\(number)"), value: .text("\(round) \(value)"))
            }
            _ = try await store.propose(
                Transaction(
                    then: overwritten
                        + [.put(key: .text("kept-\(round)"), value: .text("\(round)"))]))
        }
        store.close()
    }

    /// The last entry of a log is known to be committed by what follows it, and nothing follows. So a
    /// start has not taken it in before the member is elected, and a checkpoint may be begun before.
    @Test func aCheckpointBegunBeforeTheFirstPublicationHidesNothing() async throws {
        let store = try Store.open(directory: scratch.path, options: options)
        for key in ["first", "last"] { try await store.put(key, "1") }
        store.close()
        let directory = try Directory(scratch.path)
        let shared = Shared(try recovered(directory))
        #expect(shared.state.withLock { $0.core.place(of: .text("last"), at: Revision(.max)) } == nil)
        var checkpoint = CheckpointFile(directory: directory, disk: options.disk)
        while try !checkpoint.writeMore(shared) {}
        try checkpoint.finish(shared)
        directory.unlock()
        #expect(try scratch.names().contains("checkpoint"))
        let again = try Store.open(directory: scratch.path, options: options)
        #expect(try again.contents() == "first=1 last=1")
        again.close()
    }

    /// As on a full disk: there is no room for the copies, and there is for the few bytes that say
    /// that the segment is not needed any more.
    @Test func aSegmentIsNotRetiredWhoseCopiesAreRefused() async throws {
        try await fill()
        let directory = try Directory(scratch.path)
        let shared = Shared(try recovered(directory))
        shared.state.withLock { state in
            state.core.noteCompacted(state.core.revision)
            var next: [UInt8]? = []
            while let start = next { next = state.core.prune(from: start) }
            state.core.neededFrom = .max
        }
        let keeper = Keeper(
            shared, directory, options, next: nil,
            newest: try #require(try directory.segments().last), bytesReplayed: 0)
        let proposed = Monitor<[String]>([])
        keeper.start { proposal, completion in
            switch proposal {
            case .survivors(let survivors):
                let isLast = survivors.resume == nil && !survivors.isEmpty
                proposed.change { ($0.append(isLast ? "last copies" : "copies"), wake: true) }
            case .retire: proposed.change { ($0.append("retirement"), wake: true) }
            default: break
            }
            completion(.failure(.noSpace))
        }
        proposed.wait { $0.isEmpty ? nil : () }
        // What it is at is done before it ends.
        keeper.stop()
        directory.unlock()
        #expect(proposed.change { ($0, wake: false) } == ["last copies"])
    }
}
