// The answer to a proposal that another member has decided, from what the log says now.

extension StoreState {
    /// The decision about `proposal`, which took effect at `revision`, or changed nothing and saw
    /// the store as it was then.
    package func decision(
        about proposal: Proposal, at revision: Revision, succeeded: Bool, isLogged: Bool
    ) -> Decision {
        let before = isLogged ? Revision(revision.number - 1) : revision
        var decision = Decision(revision: revision, succeeded: succeeded, isLogged: isLogged)
        switch proposal {
        case .put(let key, _, _, _):
            decision.outcomes = [.put(previous: place(of: key, at: before))]
        case .delete(let key, _):
            let found = isLogged ? place(of: key, at: before).map { [$0] } ?? [] : []
            decision.outcomes = [.deleted(count: found.count, previous: found)]
        case .transaction(let transaction):
            let operations = succeeded ? transaction.success : transaction.failure
            decision.outcomes = operations.map { outcome(of: $0, at: revision, before: before) }
        default: break
        }
        return decision
    }

    private func outcome(
        of operation: Operation, at revision: Revision, before: Revision
    ) -> Decision.Outcome {
        switch operation {
        case .put(let key, _, _, let previous):
            return .put(previous: previous ? place(of: key, at: before) : nil)
        case .delete(let range, let previous):
            var harvest = KeySpace.Harvest()
            keys.collect(range, at: before, limit: .max, stepsMax: .max, into: &harvest)
            return .deleted(count: harvest.count, previous: previous ? harvest.places : [])
        case .range(let query):
            var harvest = KeySpace.Harvest()
            keys.collect(
                query.range, at: query.revision ?? revision, limit: query.collectedMax,
                stepsMax: .max, into: &harvest)
            return .range(query, places: harvest.places, count: harvest.count)
        }
    }
}
