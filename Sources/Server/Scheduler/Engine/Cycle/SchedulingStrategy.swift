public import CSchedulerABI

/// One question to a strategy: a class of pods, all nodes, and what changed since the last one.
///
/// Holds addresses of the engine's memory that are good until the call it is handed to returns.
@safe public struct StrategyQuestion {
    @unsafe public let nodes: UnsafePointer<martlet_nodes>
    @unsafe public let pod: UnsafePointer<martlet_pod>
    /// Number of places for nodes.
    public let nodeCount: Int
    /// Where the answer goes: one score a node. Before the call it holds the last answer about
    /// this class, if `dirty` is not nil.
    @unsafe public let scores: UnsafeMutablePointer<Int32>
    /// The nodes that changed since the last answer about this class; nil: all, or it is the first.
    public let dirty: [UInt32]?
}

/// What decides which feasible node is best. The edge implements it with a plugin.
///
/// It is asked between two changes of its own only: whoever exchanges what is behind it does so
/// while the engine is not deciding, and raises ``epoch``.
public protocol SchedulingStrategy: AnyObject {
    /// A number that is different whenever earlier answers are worth nothing any more.
    var epoch: UInt64 { get }
    /// MARTLET_READS_... or-ed: which of the costlier facts to gather.
    var reads: UInt64 { get }
    /// Whether ``narrow(_:feasible:)`` is to be called.
    var narrows: Bool { get }

    /// May turn ones into zeros in `feasible`, which has one element a node.
    func narrow(_ question: StrategyQuestion, feasible: UnsafeMutablePointer<UInt8>)

    /// Writes a score for each feasible node. Never fails: a strategy that has no answer of its
    /// own gives one of ``BuiltInStrategy``.
    func score(_ question: StrategyQuestion)

    /// Hears which node the engine picked after the answer to this question.
    func picked(_ node: Int, _ question: StrategyQuestion)
}

extension SchedulingStrategy {
    public var narrows: Bool { false }
    public func narrow(_ question: StrategyQuestion, feasible: UnsafeMutablePointer<UInt8>) {}
    public func picked(_ node: Int, _ question: StrategyQuestion) {}
}

/// The engine's own strategy, for when there is no other: most room left after the pod, and away
/// from pods of the same group.
public final class BuiltInStrategy: SchedulingStrategy {
    public let epoch: UInt64 = 0
    public let reads = MARTLET_READS_PEERS

    public init() {}

    public func score(_ question: StrategyQuestion) {
        // The engine's promise: arrays of nodeCount elements, or of node_stride a row.
        let nodes = unsafe question.nodes.pointee
        let pod = unsafe question.pod.pointee
        let stride = Int(unsafe nodes.node_stride)
        func room(_ row: Int, _ node: Int) -> Int64 {
            let capacity = unsafe nodes.allocatable[row * stride + node]
            let asked = unsafe nodes.scoring_requested[row * stride + node]
                .addingSaturating(pod.scoring_requests[row])
            guard capacity > 0, asked <= capacity else { return 0 }
            let (scaled, overflow) = (capacity - asked).multipliedReportingOverflow(by: 100)
            return overflow ? (capacity - asked) / (capacity / 100) : scaled / capacity
        }
        for node in 0..<question.nodeCount where unsafe pod.feasible[node] != 0 {
            let neighbors = unsafe pod.group_pods.map { unsafe Int64($0[node]) } ?? 0
            let apart = 100 / (1 + max(neighbors, 0))
            let score = room(NodeTable.cpuRow, node) + room(NodeTable.memoryRow, node) + 2 * apart
            unsafe question.scores[node] = Int32(clamping: score)
        }
    }
}
