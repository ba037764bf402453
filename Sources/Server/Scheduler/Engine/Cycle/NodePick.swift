/// Picks among the best nodes, the same one for the same seed and number.
struct NodePick {
    private let seed: UInt64
    private var decisions: UInt64 = 0

    init(seed: UInt64) { self.seed = seed }

    /// Returns the feasible node with the highest score, which is not negative; among equals, the counter decides.
    ///
    /// - Returns: nil if no node is feasible.
    mutating func best(_ scores: Column<Int32>, _ feasible: Column<UInt8>, count: Int) -> Int? {
        precondition(count <= scores.count && count <= feasible.count)
        // Within bounds, as checked above. Two simple loops, because they run over all nodes for
        // each pod, and become vector instructions.
        var highest: Int32 = -1
        for node in 0..<count {
            let score = unsafe feasible.unchecked(node) != 0 ? scores.unchecked(node) : -1
            highest = max(highest, score)
        }
        guard highest >= 0 else { return nil }
        var equals = 0
        for node in 0..<count {
            let isBest = unsafe feasible.unchecked(node) != 0 && scores.unchecked(node) == highest
            equals += isBest ? 1 : 0
        }
        decisions += 1
        var skip = equals == 1 ? 0 : Int(Self.mix(seed &+ decisions) % UInt64(equals))
        for node in 0..<count where feasible[node] != 0 && scores[node] == highest {
            if skip == 0 { return node }
            skip -= 1
        }
        return nil
    }

    /// Source: Steele, Lea, Flood, *Fast splittable pseudorandom number generators* (2014).
    private static func mix(_ number: UInt64) -> UInt64 {
        var bits = number &* 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
