/// What was found out about every node for one class of pods, kept while it holds: only nodes
/// touched since are looked at again.
final class ClassCache {
    /// ``Verdict`` of each node.
    let verdicts: Column<UInt8>
    /// 1 for each feasible node: the verdicts, narrowed by the strategy if it does that.
    let feasible: Column<UInt8>
    private(set) var feasibleCount = 0
    /// The strategy's last answer.
    let scores: Column<Int32>
    /// What the strategy noted for itself with that answer.
    let notes: Column<Int32>
    /// ``SchedulingStrategy/epoch`` of that answer; nil: there is none.
    var scoredEpoch: UInt64?
    /// Nodes looked at again since that answer.
    private(set) var dirty: [UInt32] = []
    private let isDirty: Column<UInt8>
    /// The message for a pod that fits nowhere, while nothing has changed.
    var rejection: (position: UInt64, message: String)?

    /// The class it belongs to at present.
    fileprivate(set) weak var owner: PodClass?
    fileprivate(set) var demand: DemandCache?
    fileprivate var lastUse: UInt64 = 0
    private let shape: Int
    /// Up to where in the table's changes it is true; nil: nothing is known yet.
    private(set) var position: UInt64?

    fileprivate init(_ table: borrowing NodeTable) {
        shape = table.shape
        verdicts = Column(count: table.stride)
        feasible = Column(count: table.stride)
        scores = Column(count: table.stride)
        notes = Column(count: table.stride)
        isDirty = Column(count: table.stride)
    }

    fileprivate func fits(_ table: borrowing NodeTable) -> Bool { shape == table.shape }

    /// Starts to serve another class.
    fileprivate func serve(_ pod: PodClass) {
        owner?.cache = nil
        owner = pod
        pod.cache = self
        demand = nil
        (position, scoredEpoch, rejection) = (nil, nil, nil)
    }

    fileprivate func synchronize(_ pod: PodClass, _ demand: DemandCache,
                                 _ table: borrowing NodeTable) {
        if self.demand !== demand { position = nil }
        self.demand = demand
        guard let start = position, start <= table.changes.position else {
            return judgeAll(pod, demand, table)
        }
        let (verdicts, feasible) = (verdicts, feasible)
        var touched: [Int] = []
        guard table.changes.forEach(since: start, { touched.append($0) }) else {
            return judgeAll(pod, demand, table)
        }
        for node in touched {
            let verdict = Self.verdict(node, pod, demand, table)
            let isFeasible: UInt8 = verdict == Verdict.feasible.rawValue ? 1 : 0
            feasibleCount += Int(isFeasible) - Int(feasible[node])
            verdicts[node] = verdict
            feasible[node] = isFeasible
            if isDirty[node] == 0 {
                isDirty[node] = 1
                dirty.append(UInt32(node))
            }
        }
        position = table.changes.position
    }

    private func judgeAll(_ pod: PodClass, _ demand: DemandCache, _ table: borrowing NodeTable) {
        feasibleCount = 0
        for node in 0..<table.placeCount {
            let verdict = Self.verdict(node, pod, demand, table)
            verdicts[node] = verdict
            let isFeasible: UInt8 = verdict == Verdict.feasible.rawValue ? 1 : 0
            feasible[node] = isFeasible
            feasibleCount += Int(isFeasible)
        }
        position = table.changes.position
        scoredEpoch = nil
        forgetDirty()
    }

    /// To be called when the strategy has answered.
    func forgetDirty() {
        for node in dirty { isDirty[Int(node)] = 0 }
        dirty.removeAll(keepingCapacity: true)
    }

    /// Counts again after the strategy narrowed; from here on nothing is taken for known.
    func recountNarrowed(_ table: borrowing NodeTable) {
        feasibleCount = 0
        for node in 0..<table.placeCount {
            if verdicts[node] != Verdict.feasible.rawValue { feasible[node] = 0 }
            if feasible[node] != 0 {
                feasible[node] = 1
                feasibleCount += 1
            }
        }
        position = nil
    }

    private static func verdict(_ node: Int, _ pod: PodClass, _ demand: DemandCache,
                                _ table: borrowing NodeTable) -> UInt8 {
        let verdict = demand.verdicts[node]
        guard verdict == Verdict.feasible.rawValue else { return verdict }
        return table.verdict(ofPodsOn: node, for: pod).rawValue
    }
}

/// The classes that were scheduled lately.
struct ClassCaches {
    /// How many are kept; the one unused for longest serves the next new class.
    static let cachesMax = 256

    private var caches: [ClassCache] = []
    private var demands = DemandCaches()
    private var uses: UInt64 = 0

    /// Returns what is known of a class, brought up to date.
    mutating func current(for pod: PodClass, _ table: borrowing NodeTable) -> ClassCache {
        let demand = demands.current(for: pod, table)
        let cache = find(pod, table)
        uses += 1
        cache.lastUse = uses
        cache.synchronize(pod, demand, table)
        return cache
    }

    private mutating func find(_ pod: PodClass, _ table: borrowing NodeTable) -> ClassCache {
        if let cache = pod.cache, cache.fits(table) { return cache }
        caches.removeAll { !$0.fits(table) }
        let cache: ClassCache
        if caches.count < Self.cachesMax {
            cache = ClassCache(table)
            caches.append(cache)
        } else {
            cache = caches.min { $0.lastUse < $1.lastUse } ?? ClassCache(table)
        }
        cache.serve(pod)
        return cache
    }
}
