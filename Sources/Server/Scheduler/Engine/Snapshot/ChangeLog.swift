/// Which nodes changed lately, oldest first, so that whoever derived something from the nodes
/// looks only at those again.
struct ChangeLog {
    /// How many changes back it remembers; whoever is further behind starts anew.
    static let changesMax = 4096

    /// Number of changes ever. A position to come back to.
    private(set) var position: UInt64 = 0
    private var ring = [Int32](repeating: 0, count: changesMax)

    mutating func append(_ node: Int) {
        ring[Int(position % UInt64(Self.changesMax))] = Int32(node)
        position += 1
    }

    /// Calls `body` with each node that changed after `position`, some maybe more than once.
    ///
    /// - Returns: false, without a call, if it does not remember that far back.
    func forEach(since start: UInt64, _ body: (Int) -> Void) -> Bool {
        guard start <= position, position - start <= UInt64(Self.changesMax) else { return false }
        for number in start..<position {
            body(Int(ring[Int(number % UInt64(Self.changesMax))]))
        }
        return true
    }
}
