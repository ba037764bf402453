import StrategyKit

/// Fills nodes up, so that as few as possible are needed.
///
/// Fullness alone leaves nodes whose last cores have no memory beside them, so the shape of what
/// would be left counts as well. Replicas of one workload are still kept apart where another node
/// in use has room.
struct BinPackingStrategy: Strategy {
    var fullness: Int64 = 6
    var shape: Int64 = 2
    var replicas: Int64 = 2
    var nodeAffinity: Int64 = 2
    var taintToleration: Int64 = 3

    mutating func set(_ name: ConfigName, to value: Int64) -> Bool {
        if name.is("fullness") {
            fullness = value
        } else if name.is("shape") {
            shape = value
        } else if name.is("replicas") {
            replicas = value
        } else if name.is("nodeAffinity") {
            nodeAffinity = value
        } else if name.is("taintToleration") {
            taintToleration = value
        } else {
            return false
        }
        return true
    }

    struct Overview {
        var replicas = Extremes()
        var preference = Extremes()
        var taints = Extremes()
    }

    @inline(__always)
    func overview(_ question: Question) -> Overview {
        var overview = Overview()
        guard !isLocal(question) else { return overview }
        for node in question.nodes where question.isFeasible(node) {
            overview.replicas.include(question.ownerPods(node))
            overview.preference.include(question.preference(node))
            overview.taints.include(question.avoidedTaints(node))
        }
        return overview
    }

    @inline(__always)
    func forEachPart(_ node: Int, _ question: Question, _ overview: Overview,
                     _ body: (Part) -> Void) {
        let full = question.mostAllocated(node)
        body(Part("Fullness", weight: fullness, raw: full, normalized: full))
        let fit = question.balancedAllocation(node)
        body(Part("Shape", weight: shape, raw: fit, normalized: fit))
        if question.hasOwner {
            let owned = question.ownerPods(node)
            body(Part("Replicas", weight: replicas, raw: owned,
                      normalized: overview.replicas.lessIsBetter(owned)))
        }
        if question.prefersNodes {
            let preference = question.preference(node)
            body(Part("NodeAffinity", weight: nodeAffinity, raw: preference,
                      normalized: overview.preference.moreIsBetter(preference)))
        }
        if question.avoidsTaints {
            let taints = question.avoidedTaints(node)
            body(Part("TaintToleration", weight: taintToleration, raw: taints,
                      normalized: overview.taints.lessIsBetter(taints)))
        }
    }

    @inline(__always)
    func isLocal(_ question: Question) -> Bool {
        !question.hasOwner && !question.prefersNodes && !question.avoidsTaints
    }

    /// Half full: 75 taken, balance kept (75), the one that has a replica. Empty: 25 taken.
    func selfTest() -> StaticString? {
        Sample.scores(BinPackingStrategy(), are: (6 * 75 + 2 * 75, 6 * 25 + 2 * 75 + 200))
            ? nil : "the scores of the sample are not what they should be"
    }
}

@c(plugin_create)
func create(_ config: UnsafePointer<CChar>?, _ count: UInt64,
            _ instance: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
            _ error: UnsafeMutablePointer<CChar>?, _ capacity: UInt64) -> Int32 {
    unsafe Instance.create(BinPackingStrategy(), config, count, instance, error, capacity)
}
