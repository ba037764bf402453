/// What one ``NodeDemand`` means for every node, kept while nodes' descriptions stay as they are.
final class DemandCache {
    let verdicts: Column<UInt8>
    /// 1 where selector and required affinity match, whatever else speaks against the node. nil:
    /// the demand has neither.
    private(set) var matchesAffinity: Column<UInt8>?
    /// nil: the demand prefers nothing.
    private(set) var preferences: Column<Int32>?
    /// nil: there was nothing to avoid anywhere.
    private(set) var reluctances: Column<Int32>?

    let demand: NodeDemand
    private let names: Set<String>?
    private let shape: Int
    private var position: UInt64 = 0
    private var isNew = true
    fileprivate(set) var lastUse: UInt64 = 0

    fileprivate init(_ demand: NodeDemand, names: Set<String>?, _ table: borrowing NodeTable) {
        self.demand = demand
        self.names = names
        shape = table.shape
        verdicts = Column(count: table.stride)
        let hasAffinity = demand.required != nil || !demand.nodeSelector.isEmpty
        if hasAffinity { matchesAffinity = Column(count: table.stride) }
        if !demand.preferred.isEmpty { preferences = Column(count: table.stride) }
    }

    /// Whether its arrays have the form the table's have now.
    fileprivate func fits(_ table: borrowing NodeTable) -> Bool { shape == table.shape }

    fileprivate func synchronize(with table: borrowing NodeTable) {
        let places = table.places
        if reluctances == nil, table.nodesToAvoid > 0 {
            reluctances = Column(count: table.stride)
            isNew = true
        }
        let isKnown = !isNew
            && table.descriptionChanges.forEach(since: position) { judge($0, places[$0]) }
        if !isKnown {
            for (node, place) in places.enumerated() { judge(node, place) }
        }
        isNew = false
        position = table.descriptionChanges.position
    }

    private func judge(_ node: Int, _ place: NodeTable.Place?) {
        guard let description = place?.description else {
            verdicts[node] = Verdict.absent.rawValue
            matchesAffinity?[node] = 0
            return
        }
        verdicts[node] = demand.verdict(on: description, names: names).rawValue
        matchesAffinity?[node] = demand.matchesAffinity(of: description) ? 1 : 0
        preferences?[node] = demand.preference(for: description)
        reluctances?[node] = demand.reluctance(towards: description)
    }
}

/// The demands in use lately.
struct DemandCaches {
    /// How many are kept; the one unused for longest has to go.
    static let cachesMax = 256

    private var byDemand: [NodeDemand: DemandCache] = [:]
    private var uses: UInt64 = 0

    /// Returns what is known of a class's demand, brought up to date.
    mutating func current(for pod: PodClass, _ table: borrowing NodeTable) -> DemandCache {
        let cache = find(pod, table)
        uses += 1
        cache.lastUse = uses
        cache.synchronize(with: table)
        return cache
    }

    private mutating func find(_ pod: PodClass, _ table: borrowing NodeTable) -> DemandCache {
        if let cache = pod.cache?.demand, cache.fits(table) { return cache }
        if let cache = byDemand[pod.key.demand], cache.fits(table) { return cache }
        if byDemand.count >= Self.cachesMax,
            let oldest = byDemand.values.min(by: { $0.lastUse < $1.lastUse }) {
            byDemand[oldest.demand] = nil
        }
        let cache = DemandCache(pod.key.demand, names: pod.nodeNames, table)
        byDemand[pod.key.demand] = cache
        return cache
    }
}
