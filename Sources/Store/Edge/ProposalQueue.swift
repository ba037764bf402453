internal import StoreCore

/// Proposals on their way to the writer. Bounded; what does not fit is refused.
struct ProposalQueue: Sendable {
    struct Waiting: Sendable {
        let proposal: Proposal
        let bytes: Int
        let completion: Completion
    }

    private(set) var waiting: [Waiting] = []
    private(set) var bytes = 0
    private let countMax: Int
    private let bytesMax: Int
    /// Bytes that one round takes at most, so that nobody waits for all that ever queued up.
    private static let roundBytesMax = 4 * 1024 * 1024

    init(countMax: Int, bytesMax: Int) { (self.countMax, self.bytesMax) = (countMax, bytesMax) }

    mutating func add(_ proposal: Waiting) -> StoreError? {
        guard waiting.count < countMax, bytes + proposal.bytes <= bytesMax || waiting.isEmpty else {
            return .overloaded
        }
        waiting.append(proposal)
        bytes += proposal.bytes
        return nil
    }

    /// Takes what the next round is to carry out: all, or as much as a round may have.
    mutating func take() -> [Waiting] {
        var taken: [Waiting] = []
        if bytes <= Self.roundBytesMax {
            swap(&taken, &waiting)
            bytes = 0
            waiting.reserveCapacity(taken.count)
            return taken
        }
        var (count, sum) = (0, 0)
        for proposal in waiting {
            guard count == 0 || sum + proposal.bytes <= Self.roundBytesMax else { break }
            sum += proposal.bytes
            count += 1
        }
        taken = Array(waiting[..<count])
        waiting.removeSubrange(..<count)
        bytes -= sum
        return taken
    }
}

extension Proposal {
    /// Bytes that it keeps in memory while it waits, about.
    var waitingBytes: Int {
        switch self {
        case .put(let key, let value, _, _): 128 + key.count + value.count
        case .delete(let key, _): 128 + key.count
        case .transaction(let transaction):
            (transaction.success + transaction.failure).reduce(128) { sum, operation in
                guard case .put(let key, let value, _, _) = operation else { return sum + 128 }
                return sum + 128 + key.count + value.count
            }
        case .survivors(let survivors): 128 + survivors.bytes + 64 * survivors.changes.count
        case .saveLeases(let leases): 128 + 8 * leases.count
        case .compact, .grant, .keepAlive, .revoke, .expire, .retire, .barrier: 128
        }
    }
}
