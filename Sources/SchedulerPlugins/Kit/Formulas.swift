/// Kubernetes' formulas for the resources of one node, exactly: whole numbers from 0 to 100.
extension Question {
    /// How much of cpu and memory would be left, in percent, on average.
    @inline(__always)
    public func leastAllocated(_ node: Int) -> Int64 {
        average(node) { capacity, total in
            total > capacity ? 0 : Self.percent(capacity &- total, of: capacity)
        }
    }

    /// How much of cpu and memory would be taken, in percent, on average.
    @inline(__always)
    public func mostAllocated(_ node: Int) -> Int64 {
        average(node) { capacity, total in Self.percent(min(total, capacity), of: capacity) }
    }

    /// 75 if the pod leaves the node's resources as balanced as they are, up to 100 if it balances
    /// them, down to 50 if it unbalances them. A pod that asks for neither cpu nor memory cannot
    /// tell nodes apart by this.
    @inline(__always)
    public func balancedAllocation(_ node: Int) -> Int64 {
        guard asksForResources else { return 0 }
        let with = balance(node, cpu: request(.cpu), memory: request(.memory))
        let without = balance(node, cpu: 0, memory: 0)
        return 50 + (50 + with - without) / 2
    }

    @inline(__always)
    public var asksForResources: Bool { request(.cpu) != 0 || request(.memory) != 0 }

    @inline(__always)
    private func average(_ node: Int, _ score: (_ capacity: Int64, _ total: Int64) -> Int64)
        -> Int64 {
        let (cpus, memory) = (allocatable(.cpu, node), allocatable(.memory, node))
        switch (cpus > 0, memory > 0) {
        case (true, true):
            return (score(cpus, scoringTotal(.cpu, node))
                + score(memory, scoringTotal(.memory, node))) / 2
        case (true, false): return score(cpus, scoringTotal(.cpu, node))
        case (false, true): return score(memory, scoringTotal(.memory, node))
        case (false, false): return 0
        }
    }

    @inline(__always)
    private static func percent(_ part: Int64, of whole: Int64) -> Int64 {
        let (scaled, overflow) = part.multipliedReportingOverflow(by: 100)
        // Beyond 92 PB the last digits don't matter.
        return overflow ? part / (whole / 100) : scaled / whole
    }

    /// 100 if what is left of cpu and memory is in the node's own proportion, 0 if all of one is
    /// left and nothing of the other.
    @inline(__always)
    public func proportion(_ node: Int) -> Int64 {
        let (cpu, memory) = (left(.cpu, node), left(.memory, node))
        return Int64((1 - (cpu > memory ? cpu - memory : memory - cpu)) * 100)
    }

    /// 100 if nothing is left of cpu and memory, 0 if everything is; the square makes one node
    /// that is full better than two that are half full.
    @inline(__always)
    public func fullness(_ node: Int) -> Int64 {
        let (cpu, memory) = (left(.cpu, node), left(.memory, node))
        return Int64((1 - (cpu * cpu + memory * memory) / 2) * 100)
    }

    /// How much of a resource would be left, from 0 to 1.
    @inline(__always)
    private func left(_ resource: Resource, _ node: Int) -> Double {
        let capacity = allocatable(resource, node)
        guard capacity > 0 else { return 0 }
        return max(0, 1 - Double(scoringTotal(resource, node)) / Double(capacity))
    }

    @inline(__always)
    private func balance(_ node: Int, cpu: Int64, memory: Int64) -> Int64 {
        let (cpus, bytes) = (allocatable(.cpu, node), allocatable(.memory, node))
        guard cpus > 0, bytes > 0 else { return 100 }
        let first = min(Double(requested(.cpu, node) &+ cpu) / Double(cpus), 1)
        let second = min(Double(requested(.memory, node) &+ memory) / Double(bytes), 1)
        let difference = first > second ? first - second : second - first
        return Int64((1 - difference / 2) * 100)
    }
}

/// How crowded the domains around a node are with pods of the kind; fewer is better.
///
/// Reads the wishes once; most pods have two of them, over hosts and over zones.
public struct Crowding {
    private let first: Question.Spread?
    private let second: Question.Spread?
    private let question: Question

    @inline(__always)
    public init(_ question: Question) {
        self.question = question
        first = question.spreadCount > 0 ? question.spread(0) : nil
        second = question.spreadCount > 1 ? question.spread(1) : nil
    }

    /// - Returns: at most ten million.
    @inline(__always)
    public func around(_ node: Int) -> Int32 {
        var sum = 0.0
        if let first { sum += Self.weigh(first, node) }
        if let second { sum += Self.weigh(second, node) }
        var index = 2
        while index < question.spreadCount {
            sum += Self.weigh(question.spread(index), node)
            index += 1
        }
        return Self.rounded(sum)
    }

    @inline(__always)
    private static func weigh(_ spread: Question.Spread, _ node: Int) -> Double {
        guard let pods = spread.pods(around: node) else { return 0 }
        return Double(pods) * spread.podWeight + Double(spread.skewMax &- 1)
    }

    /// Half away from zero, for numbers that are not negative; without the mathematical library.
    @inline(__always)
    private static func rounded(_ number: Double) -> Int32 {
        guard number < 1e7 else { return 10_000_000 }
        let whole = Int32(number)
        return number - Double(whole) >= 0.5 ? whole &+ 1 : whole
    }
}

/// The smallest and the largest of some raw scores of the feasible nodes.
public struct Extremes {
    public private(set) var least = Int64.max
    public private(set) var most: Int64 = 0

    public init() {}

    @inline(__always)
    public mutating func include(_ raw: Int64) {
        if raw < least { least = raw }
        if raw > most { most = raw }
    }

    /// 100 for the largest, and in proportion; 0 if all are 0.
    @inline(__always)
    public func moreIsBetter(_ raw: Int64) -> Int64 { most == 0 ? 0 : 100 * raw / most }

    /// 100 for none, 0 for the largest.
    @inline(__always)
    public func lessIsBetter(_ raw: Int64) -> Int64 { most == 0 ? 100 : 100 - 100 * raw / most }

    /// As Kubernetes brings crowding into range: 100 for the least, in proportion to the largest.
    ///
    /// - Parameter raw: At most ten million, as all that were included.
    @inline(__always)
    public func leastIsBest(_ raw: Int32) -> Int64 {
        if most == 0 { return 100 }
        // 32 bits suffice, and divide several times faster than 64.
        let span = UInt32(truncatingIfNeeded: 100 &* (most &+ least &- Int64(raw)))
        return Int64(span / UInt32(truncatingIfNeeded: most))
    }
}
