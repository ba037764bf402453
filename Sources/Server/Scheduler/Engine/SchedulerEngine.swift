/// The scheduler's decisions: which pod is next, and which node is best for it.
///
/// It is told what nodes and pods there are, and asked for one decision at a time. It knows no
/// API, socket, thread or clock; the same calls give the same decisions. What it decided it takes
/// for granted until it is told otherwise, so that the next decision need not wait for the write.
///
///     engine.upsert(node)
///     engine.upsert(pod, now: clock.now)
///     while case .bind(let placement) = engine.next(now: clock.now) { bind(placement) }
///     engine.finishBinding(of: placement, succeeded: false, now: clock.now)
public struct SchedulerEngine: ~Copyable {
    public struct Configuration: Sendable {
        /// Pods that name another scheduler are left alone.
        public var schedulerNames: Set<String>
        /// Decides among nodes that are equally good.
        public var seed: UInt64

        public init(schedulerNames: Set<String> = ["default-scheduler"], seed: UInt64 = 0) {
            self.schedulerNames = schedulerNames
            self.seed = seed
        }
    }

    var configuration: Configuration
    var strategy: any SchedulingStrategy
    var table = NodeTable()
    var counters = PodCounters()
    var queue = SchedulingQueue()
    var caches = ClassCaches()
    var sheet = QuestionSheet()
    var pick: NodePick
    var lastEpoch: UInt64
    var pods: [PodName: PodEntry] = [:]
    var classes: [PodClassKey: PodClass] = [:]
    /// Pods bound to nodes that are not known, by the node's name.
    var strays: [String: [PodName: PodEntry]] = [:]
    var podsEver: UInt64 = 0

    public init(_ configuration: Configuration = Configuration(),
                strategy: any SchedulingStrategy = BuiltInStrategy()) {
        self.configuration = configuration
        self.strategy = strategy
        pick = NodePick(seed: configuration.seed)
        lastEpoch = strategy.epoch
    }

    /// How many pods wait, and how.
    public struct Counts: Equatable, Sendable {
        public var active: Int
        public var backingOff: Int
        public var unschedulable: Int
        public var gated: Int
        public var nodes: Int
    }

    /// Number of nodes that have a pod.
    public var nodesInUse: Int { table.places.count { $0?.pods.isEmpty == false } }

    public var counts: Counts {
        Counts(active: queue.activeCount, backingOff: queue.backingOffCount,
               unschedulable: queue.unschedulableCount, gated: queue.gatedCount,
               nodes: table.nodeCount)
    }
}

// MARK: - Nodes

extension SchedulerEngine {
    /// Adds a node, or replaces what is known of it.
    public mutating func upsert(_ node: NodeDescription) {
        let place = table.upsert(node)
        for entry in (strays.removeValue(forKey: node.name) ?? [:]).values {
            put(entry, on: place, standing: .bound(node: place))
        }
    }

    /// Forgets a node. Pods bound to it stay bound; pods about to be bound to it, too, until
    /// their binding fails.
    public mutating func remove(node name: String) {
        guard let place = table.placeByName[name] else { return }
        let entries = table.remove(name)
        counters.clear(place)
        for entry in entries {
            entry.standing = .elsewhere
            strays[name, default: [:]][entry.description.name] = entry
            // An assumed pod has no node name of its own yet.
            entry.strayNode = name
        }
    }
}

// MARK: - Pods

extension SchedulerEngine {
    /// Adds a pod, or replaces what is known of it.
    public mutating func upsert(_ pod: PodDescription, now: Duration) {
        guard let entry = pods[pod.name] else {
            if !pod.isFinished { add(pod, now: now) }
            return
        }
        if pod.isFinished || pod.uid != entry.description.uid {
            remove(pod: pod.name)
            if !pod.isFinished { add(pod, now: now) }
            return
        }
        update(entry, to: pod, now: now)
    }

    /// Forgets a pod; nothing happens if it is not known.
    public mutating func remove(pod name: PodName) {
        guard let entry = pods.removeValue(forKey: name) else { return }
        takeOff(entry)
        release(entry.podClass)
    }

    private mutating func add(_ pod: PodDescription, now: Duration) {
        podsEver += 1
        let entry = PodEntry(pod, podClass(of: pod), number: podsEver)
        entry.queuedAt = now
        pods[pod.name] = entry
        place(entry, now: now)
    }

    private mutating func update(_ entry: PodEntry, to pod: PodDescription, now: Duration) {
        var pod = pod
        if pod.nodeName == nil, let node = entry.node {
            // Not seen to be bound yet; what was decided stays.
            pod.nodeName = table.places[node]?.description.name
        }
        let isSameNode = pod.nodeName == assignedNode(of: entry)
        if isSameNode, pod.isSame(as: entry.description) {
            confirm(entry, pod)
            return
        }
        let key = PodClassKey(pod)
        let isSameClass = key == entry.podClass.key
        if pod.nodeName == nil, isSameClass, entry.isWaiting,
            pod.isGated == entry.description.isGated, !pod.isTerminating {
            entry.become(pod, entry.podClass)
            return
        }
        takeOff(entry)
        let old = entry.podClass
        entry.become(pod, isSameClass ? old : podClass(of: pod))
        if !isSameClass { release(old) }
        place(entry, now: now)
    }

    /// A pod that was assumed to be on a node is seen there.
    private func confirm(_ entry: PodEntry, _ pod: PodDescription) {
        entry.bind(to: pod.nodeName)
        if case .assumed(let node) = entry.standing { entry.standing = .bound(node: node) }
    }

    private func assignedNode(of entry: PodEntry) -> String? {
        entry.node.flatMap { table.places[$0]?.description.name } ?? entry.description.nodeName
    }

    /// Puts a pod that is nowhere where it belongs.
    private mutating func place(_ entry: PodEntry, now: Duration) {
        let pod = entry.description
        if let name = pod.nodeName {
            if let node = table.placeByName[name] {
                put(entry, on: node, standing: .bound(node: node))
            } else {
                entry.standing = .elsewhere
                entry.strayNode = name
                strays[name, default: [:]][pod.name] = entry
            }
        } else if pod.isTerminating || !configuration.schedulerNames.contains(pod.schedulerName) {
            entry.standing = .ignored
        } else {
            queue.enqueue(entry, now: now)
        }
    }

    /// Takes a pod from wherever it is.
    mutating func takeOff(_ entry: PodEntry) {
        switch entry.standing {
        case .assumed(let node), .bound(let node):
            table.remove(entry, from: node)
            counters.remove(entry.description, from: node)
        case .elsewhere:
            strays[entry.strayNode]?[entry.description.name] = nil
            if strays[entry.strayNode]?.isEmpty == true { strays[entry.strayNode] = nil }
        default: queue.remove(entry)
        }
        entry.standing = .ignored
    }

    mutating func put(_ entry: PodEntry, on node: Int, standing: PodEntry.Standing) {
        table.add(entry, to: node)
        counters.add(entry.description, on: node)
        entry.standing = standing
    }

    private mutating func podClass(of pod: PodDescription) -> PodClass {
        let key = PodClassKey(pod)
        let podClass = classes[key] ?? PodClass(key)
        if podClass.users == 0 { classes[key] = podClass }
        podClass.users += 1
        return podClass
    }

    private mutating func release(_ podClass: PodClass) {
        podClass.users -= 1
        if podClass.users == 0 { classes[podClass.key] = nil }
    }
}
