import APIErrors
import Store
import StoreCore

// Two members may give one address to two services in the same moment, as neither has heard yet of
// what the other does. So who writes a service claims what it was given in the same transaction: a
// key of its own for each address and port, which nobody may have written since the services were
// looked at. A claim outlives its service, and then means nothing.

extension Registry {
    /// Puts an object with what it was given.
    ///
    /// - Returns: The revision; nil if somebody else has claimed some of that meanwhile: then look
    ///   again what is free.
    /// - Throws: As ``Store/put(_:_:expecting:lease:)``.
    func put(
        _ key: [UInt8], _ bytes: [UInt8], expecting expected: Revision,
        claiming taken: ServiceAddresses.Taken
    ) async throws(StoreError) -> Revision? {
        let claims = taken.names.map { layout.claim(of: $0) }
        guard !claims.isEmpty else {
            return try await store.put(key, bytes, expecting: expected)
        }
        let result = try await store.propose(
            Transaction(
                if: [Compare(key, .equal, .modRevision(expected))]
                    + claims.map { Compare($0, .less, .modRevision(taken.seen.next)) },
                then: [.put(key: key, value: bytes)] + claims.map { .put(key: $0, value: []) },
                else: [.range(RangeQuery(.key(key)))]))
        if result.succeeded { return result.revision }
        guard case .range(let found) = result.results.first else {
            preconditionFailure("a failed claim looks at the object")
        }
        let current = found.entries.first?.modRevision ?? .none
        guard current == expected else { throw .conflict(current: current) }
        return nil
    }
}
