import APIErrors
import Store
import StoreCore

// Where there are several members, this one may be behind. What a client reads is no older than it
// may expect: without a resourceVersion the newest that there is anywhere, with one at least that.

extension Registry {
    /// Carries out `operation` on what is here, if that is as new as the client may expect, else on
    /// the newest.
    ///
    /// A change is tried on what is here where that is most likely the newest. Whoever leads may
    /// lag behind what others have been told, as long as its own disk is behind theirs, or not lead
    /// any more: so what it reads is good for a change that assumes it, and is found out if it is
    /// wrong, but not for an answer. That is given on the newest.
    func performOnNewest(_ operation: Operation) async throws(APIError) -> Outcome {
        guard isContent(operation) else {
            try await confirmNewest()
            return try await carryOut(operation)
        }
        guard store.isClustered, operation.verb.isChange else {
            return try await carryOut(operation)
        }
        let known = store.revision
        let answer: Result<Outcome, APIError>
        do throws(APIError) { answer = .success(try await carryOut(operation)) } catch {
            answer = .failure(error)
        }
        guard answer.isOfReading(known) else { return try answer.get() }
        try await confirmNewest()
        return try await carryOut(operation)
    }

    func confirmNewest() async throws(APIError) {
        do throws(StoreError) { try await store.confirmNewest() } catch {
            throw APIError(store: error)
        }
    }

    private func isContent(_ operation: Operation) -> Bool {
        switch operation.verb {
        case .get, .list, .watch:
            // What cannot be read is refused by whoever reads it.
            guard let number = UInt64(operation.list.resourceVersion) else { return false }
            return number <= UInt64(store.revision.number)
        case .create, .update, .patch, .delete: return store.isDeciding
        case .deletecollection: return false  // It goes by a list.
        }
    }
}

extension Operation.Verb {
    fileprivate var isChange: Bool {
        switch self {
        case .get, .list, .watch: false
        case .create, .update, .patch, .delete, .deletecollection: true
        }
    }
}

extension Result<Outcome, APIError> {
    /// Whether nothing was written, and what was read is why. `known` is the revision before.
    fileprivate func isOfReading(_ known: Revision) -> Bool {
        switch self {
        case .success(.object(let object, _)): object.revision <= known
        case .success: false
        // What the store refuses has other codes.
        case .failure(let error): (400..<500).contains(error.code) && error.code != 429
        }
    }
}
