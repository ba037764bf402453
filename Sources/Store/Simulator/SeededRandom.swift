/// A generator whose numbers follow from its seed (splitmix64).
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return mixed(state)
    }

    /// A number from 0 up to, but without, `bound`, which must be positive.
    package mutating func below(_ bound: Int) -> Int {
        Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    package mutating func between(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(below(Int(range.upperBound - range.lowerBound) + 1))
    }

    /// A number whose order of magnitude is as likely as another's. The range begins above zero.
    package mutating func spread(_ range: ClosedRange<Int64>) -> Int64 {
        var (low, high) = (range.lowerBound, range.lowerBound)
        var halves = 0
        while high < range.upperBound {
            high *= 2
            halves += 1
        }
        low <<= Int64(below(max(halves, 1)))
        return between(low...min(2 * low, range.upperBound))
    }

    /// True `permille` times out of a thousand.
    package mutating func chance(permille: Int) -> Bool { below(1000) < permille }

    /// An element of a list that is not empty.
    package mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }

    /// A generator with numbers of its own, so that one part's draws do not shift another's.
    package mutating func split() -> SeededRandom { SeededRandom(seed: next()) }
}

/// Spreads what little differs between two numbers over all bits.
func mixed(_ number: UInt64) -> UInt64 {
    var number = number
    number = (number ^ (number >> 30)) &* 0xBF58_476D_1CE4_E5B9
    number = (number ^ (number >> 27)) &* 0x94D0_49BB_1331_11EB
    return number ^ (number >> 31)
}
