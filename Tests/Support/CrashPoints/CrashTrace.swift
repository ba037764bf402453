import Store
import StoreCore
import Synchronization

/// What a store was asked, told, and did with its disk: from an empty folder, through puts,
/// deletes, transactions, leases, compactions, checkpoints, segments given back, and clean restarts.
package struct CrashTrace: Sendable {
    package private(set) var steps: [RecordingDisk.Step] = []
    var operations: [(operation: TraceOperation, revision: Int64)] = []
    var model = TraceModel()

    /// Segments and checkpoints so small that a few hundred operations fill many.
    package static func options(_ disk: any Disk) -> StoreOptions {
        var options = StoreOptions()
        options.disk = disk
        options.segmentBytesMin = 16 * 1024
        options.segmentBytesMax = 32 * 1024
        options.checkpointBytesMin = 128 * 1024
        return options
    }

    /// Carries out `count` operations on a store and records them.
    package static func record(operations count: Int, seed: UInt64) async throws -> CrashTrace {
        let folder = try Folder()
        let disk = RecordingDisk(folder: folder.path)
        var trace = CrashTrace()
        var plan = TracePlan(seed: seed)
        let rounds = 3
        for round in 1...rounds {
            let store = try Store.open(directory: folder.path, options: options(disk))
            while trace.operations.count < count * round / rounds {
                try await trace.carryOut(plan.next(trace.model), on: store, disk)
            }
            store.close()
        }
        trace.steps = disk.steps
        return trace
    }

    /// What became of files: "segment" of one that was made, "spare" of one that was given back,
    /// "checkpoint" of one that was put in place.
    package var kindsOfSteps: Set<String> {
        var kinds: Set<String> = []
        for case .rename(let name, let to) in steps {
            if to.hasSuffix(".log") { kinds.insert("segment") }
            if name.hasSuffix(".log") { kinds.insert("spare") }
            if to == "checkpoint" { kinds.insert("checkpoint") }
        }
        return kinds
    }

    /// Something that a careless store would not do.
    package enum Omission: Sendable { case sync, syncFolder }

    /// The same trace, of a store that leaves something out.
    package func without(_ omission: Omission) -> CrashTrace {
        var trace = self
        trace.steps.removeAll { step in
            switch (step, omission) {
            case (.sync, .sync), (.syncFolder, .syncFolder): true
            default: false
            }
        }
        return trace
    }

    /// Proposes the operations together, and waits until all are acknowledged.
    private mutating func carryOut(
        _ group: [TraceOperation], on store: Store, _ disk: RecordingDisk
    ) async throws {
        let waiting = WaitingGroup(group.count)
        for operation in group {
            let (number, revision) = (operations.count, model.apply(operation))
            operations.append((operation, revision))
            disk.note(.proposed(number))
            let answer: @Sendable (Result<TransactionResult, StoreError>) -> Void = { result in
                // Noted at once: nobody may be told anything before it is on the disk.
                if case .success = result { disk.note(.acknowledged(number)) }
                waiting.leave(result.map { $0.revision.number == revision })
            }
            switch operation {
            case .put(let put):
                store.put(
                    Array(put.key.utf8), put.value, expecting: nil, lease: LeaseID(put.lease),
                    completion: answer)
            case .delete(let key):
                store.delete(Array(key.utf8), expecting: nil, completion: answer)
            case .transaction(let key, let expected, let prefix, let puts, let others):
                let transaction = Transaction(
                    if: [Compare(Array(key.utf8), .equal, .modRevision(Revision(expected)))],
                    then: [.delete(.prefix(Array(prefix.utf8)))] + puts.map(\.operation),
                    else: others.map(\.operation))
                store.propose(transaction, completion: answer)
            default:
                try await store.carryOut(operation)
                disk.note(.acknowledged(number))
                waiting.leave(.success(store.revision.number == revision))
            }
        }
        try await waiting.allHaveLeft()
    }
}

extension TraceOperation.Put {
    fileprivate var operation: Operation {
        .put(key: Array(key.utf8), value: value, lease: LeaseID(lease))
    }
}

extension Store {
    fileprivate func carryOut(_ operation: TraceOperation) async throws(StoreError) {
        switch operation {
        case .grant(let lease):
            try await grantLease(LeaseID(lease), for: .seconds(1_000_000), now: .zero)
        case .keepAlive(let lease): try await keepLeaseAlive(LeaseID(lease), now: .seconds(1))
        case .revoke(let lease): try await revokeLease(LeaseID(lease))
        case .compact(let revision): try await compact(at: Revision(revision))
        case .put, .delete, .transaction: preconditionFailure("these are proposed")
        }
    }
}

/// Answers that are waited for together.
private final class WaitingGroup: Sendable {
    fileprivate struct State {
        var left: Int
        var failure: (any Error)?
        var waiter: CheckedContinuation<Void, any Error>?
    }
    private let state: Mutex<State>

    struct OtherRevision: Error {}

    init(_ count: Int) { state = Mutex(State(left: count)) }

    func leave(_ result: Result<Bool, StoreError>) {
        let done = state.withLock { state -> State? in
            state.left -= 1
            switch result {
            case .success(true): break
            case .success(false): state.failure = OtherRevision()
            case .failure(let error): state.failure = error
            }
            return state.left == 0 ? state : nil
        }
        done?.resume()
    }

    func allHaveLeft() async throws {
        try await withCheckedThrowingContinuation { continuation in
            let done = state.withLock { state -> State? in
                state.waiter = continuation
                return state.left == 0 ? state : nil
            }
            done?.resume()
        }
    }
}

extension WaitingGroup.State {
    fileprivate func resume() {
        guard let waiter else { return }
        if let failure { waiter.resume(throwing: failure) } else { waiter.resume() }
    }
}

/// Chooses what to do next, by the number it was given.
private struct TracePlan {
    private var generator: SplitMix
    private var nextLease: Int64 = 1
    private var leases: [Int64] = []
    private var count = 0
    private var compacted: Int64 = 0

    init(seed: UInt64) { generator = SplitMix(state: seed) }

    /// Operations that are proposed together.
    mutating func next(_ model: TraceModel) -> [TraceOperation] {
        count += 1
        if count % 30 == 0, model.revision - 8 > compacted {
            compacted = model.revision - 8
            return [.compact(at: compacted)]
        }
        if count % 7 == 0, let special = lease() { return [special] }
        let size = Int.random(in: 0..<4, using: &generator) == 0
            ? Int.random(in: 2...8, using: &generator) : 1
        return (0..<size).map { _ in simple(model) }
    }

    private mutating func lease() -> TraceOperation? {
        if leases.count < 3 {
            leases.append(nextLease)
            nextLease += 1
            return .grant(lease: nextLease - 1)
        }
        guard let lease = leases.randomElement(using: &generator) else { return nil }
        if Bool.random(using: &generator) { return .keepAlive(lease: lease) }
        leases.removeAll { $0 == lease }
        return .revoke(lease: lease)
    }

    private mutating func simple(_ model: TraceModel) -> TraceOperation {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: return .delete(key: key())
        case 1:
            let compared = key()
            let there = model.now[compared]?.modified ?? 0
            let isRight = Int.random(in: 0..<3, using: &generator) > 0
            return .transaction(
                key: compared, expected: isRight ? there : there + 1,
                deleting: "k-\(Int.random(in: 0..<4, using: &generator))-1",
                [put("t-1"), put("t-2")],
                otherwise: Bool.random(using: &generator) ? [] : [put("t-3")])
        default: return .put(put(key()))
        }
    }

    private mutating func key() -> String {
        "k-\(Int.random(in: 0..<4, using: &generator))-\(Int.random(in: 0..<12, using: &generator))"
    }

    /// Small values mostly, and some that fill half a segment, or more than one.
    private mutating func put(_ key: String) -> TraceOperation.Put {
        let bytes = switch Int.random(in: 0..<40, using: &generator) {
        case 0: Int.random(in: 8_000..<20_000, using: &generator)
        case 1...4: Int.random(in: 1_000..<3_000, using: &generator)
        default: Int.random(in: 0..<300, using: &generator)
        }
        let lease = Int.random(in: 0..<5, using: &generator) == 0
            ? leases.randomElement(using: &generator) ?? 0 : 0
        let value = (0..<bytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return TraceOperation.Put(key: key, value: value, lease: lease)
    }
}

/// Numbers that follow from a seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
