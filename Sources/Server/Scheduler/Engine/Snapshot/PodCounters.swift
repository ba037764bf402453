/// How many pods of one kind each node has: those of one controller, or of one group.
final class PodCounter {
    struct Key: Hashable {
        enum Kind: Hashable {
            case owner(String)
            case group(LabelSelector)
        }

        var namespace: String
        var kind: Kind
    }

    let key: Key
    fileprivate(set) var onNode: Column<Int32>
    fileprivate let handle: PodCounters.Handle
    fileprivate var lastUse: UInt64 = 0

    fileprivate init(_ key: Key, _ handle: PodCounters.Handle, stride: Int) {
        self.key = key
        self.handle = handle
        onNode = Column(count: stride)
    }

    /// Pods that are about to go don't count, as in Kubernetes.
    fileprivate func counts(_ pod: PodDescription) -> Bool {
        guard !pod.isTerminating, pod.name.namespace == key.namespace else { return false }
        switch key.kind {
        case .owner(let owner): return pod.owner == owner
        case .group(let selector): return selector.accepts(pod.labels)
        }
    }

    /// A node beyond the end came after the last question; the next one counts anew.
    fileprivate func count(_ node: Int, _ difference: Int32) {
        if node < onNode.count { onNode[node] &+= difference }
    }
}

/// The counters that were asked for lately, kept up as pods come and go.
struct PodCounters {
    /// How many are kept; the one unused for longest has to go, and is counted anew when asked for.
    static let countersMax = 1024

    private var byKey: [PodCounter.Key: PodCounter] = [:]
    /// Counters by something that every pod they count has, so that a pod meets only few of them.
    private var byHandle: [Handle: [PodCounter]] = [:]
    private var uses: UInt64 = 0

    fileprivate enum Handle: Hashable {
        case owner(String)
        case label(namespace: String, Label)
        case namespace(String)
    }

    /// Returns the counter for `key`, counting all pods if it is a new one.
    mutating func counter(_ key: PodCounter.Key, _ table: borrowing NodeTable) -> PodCounter {
        uses += 1
        let counter = byKey[key] ?? make(key, table)
        counter.lastUse = uses
        if counter.onNode.count != table.stride {
            counter.onNode = Column(count: table.stride)
            recount(counter, table)
        }
        return counter
    }

    func add(_ pod: PodDescription, on node: Int) { forEachCounting(pod) { $0.count(node, 1) } }

    func remove(_ pod: PodDescription, from node: Int) {
        forEachCounting(pod) { $0.count(node, -1) }
    }

    /// A node has gone, and its pods with it.
    func clear(_ node: Int) { for counter in byKey.values { counter.clear(node) } }

    private func forEachCounting(_ pod: PodDescription, _ body: (PodCounter) -> Void) {
        guard !byKey.isEmpty else { return }
        func visit(_ handle: Handle) {
            for counter in byHandle[handle] ?? [] where counter.counts(pod) { body(counter) }
        }
        if let owner = pod.owner { visit(.owner(owner)) }
        for label in pod.labels.sorted {
            visit(.label(namespace: pod.name.namespace, label))
        }
        visit(.namespace(pod.name.namespace))
    }

    private mutating func make(_ key: PodCounter.Key, _ table: borrowing NodeTable) -> PodCounter {
        if byKey.count >= Self.countersMax,
            let oldest = byKey.values.min(by: { $0.lastUse < $1.lastUse }) {
            byKey[oldest.key] = nil
            byHandle[oldest.handle]?.removeAll { $0 === oldest }
            if byHandle[oldest.handle]?.isEmpty == true { byHandle[oldest.handle] = nil }
        }
        let counter = PodCounter(key, handle(of: key), stride: table.stride)
        byKey[key] = counter
        byHandle[counter.handle, default: []].append(counter)
        recount(counter, table)
        return counter
    }

    private func recount(_ counter: PodCounter, _ table: borrowing NodeTable) {
        for (node, place) in table.places.enumerated() {
            for pod in place?.pods ?? [] where counter.counts(pod.description) {
                counter.count(node, 1)
            }
        }
    }

    private func handle(of key: PodCounter.Key) -> Handle {
        switch key.kind {
        case .owner(let owner): return .owner(owner)
        case .group(let selector):
            let equalities = selector.requirements.filter {
                $0.operator == .in && $0.values.count == 1
            }
            let labels = equalities.map { Label($0.key, $0.values[0]) }
            let rarest = labels.min { count(key, $0) < count(key, $1) }
            return rarest.map { .label(namespace: key.namespace, $0) } ?? .namespace(key.namespace)
        }
    }

    private func count(_ key: PodCounter.Key, _ label: Label) -> Int {
        byHandle[.label(namespace: key.namespace, label)]?.count ?? 0
    }
}

extension PodCounter {
    fileprivate func clear(_ node: Int) {
        if node < onNode.count { onNode[node] = 0 }
    }
}
