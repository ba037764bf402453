internal import StoreCore

/// A decision that is durable, with the segments that its places lie in.
struct Decided: Sendable {
    let decision: Decision
    let segments: SegmentSet

    func transactionResult() throws(StoreError) -> TransactionResult {
        var results: [OperationResult] = []
        results.reserveCapacity(decision.outcomes.count)
        for outcome in decision.outcomes { results.append(try result(outcome)) }
        return TransactionResult(
            revision: decision.revision, succeeded: decision.succeeded, results: results)
    }

    private func result(_ outcome: Decision.Outcome) throws(StoreError) -> OperationResult {
        switch outcome {
        case .put(let previous):
            guard let previous else { return .put(previous: nil) }
            return .put(previous: try StoredEntry(previous, in: segments))
        case .deleted(let count, let previous):
            return .deleted(count: count, previous: try segments.entries(previous))
        case .range(let query, let places, let count):
            let entries = query.sorted(try segments.entries(places))
            return .range(RangeResult(entries: entries, count: count, revision: decision.revision))
        }
    }
}

typealias Completion = @Sendable (Result<Decided, StoreError>) -> Void

extension Result<Decided, StoreError> {
    func result() -> Result<TransactionResult, StoreError> {
        switch self {
        case .success(let decided):
            do throws(StoreError) { return .success(try decided.transactionResult()) } catch {
                return .failure(error)
            }
        case .failure(let error): return .failure(error)
        }
    }
}

extension SegmentSet {
    func entries(_ places: [Place]) throws(StoreError) -> [StoredEntry] {
        var entries: [StoredEntry] = []
        entries.reserveCapacity(places.count)
        for place in places { entries.append(try StoredEntry(place, in: self)) }
        return entries
    }
}

extension Store {
    typealias TransactionCompletion = @Sendable (Result<TransactionResult, StoreError>) -> Void

    /// Has a proposal carried out; damage that its answer finds is dealt with.
    func answer(_ proposal: Proposal, _ completion: @escaping TransactionCompletion) {
        let shared = shared
        writer.propose(proposal) { decided in
            let result = decided.result()
            if case .failure(let error) = result { shared.note(error) }
            completion(result)
        }
    }

    func answer(
        _ body: (@escaping TransactionCompletion) -> Void
    ) async throws(StoreError) -> TransactionResult {
        try await withCheckedContinuation { continuation in
            body { continuation.resume(returning: $0) }
        }.get()
    }

    func decision(_ body: (@escaping Completion) -> Void) async throws(StoreError) -> Decided {
        try await withCheckedContinuation { continuation in
            body { continuation.resume(returning: $0) }
        }.get()
    }
}
