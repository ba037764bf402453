import StrategyKit

/// Fills nodes up, so that as few as possible are needed.
///
/// Fullness alone leaves nodes whose last cores have no memory beside them, so the shape of what
/// would be left counts as well. Replicas of one workload are still kept apart where another node
/// in use has room.
struct BinPackingStrategy: Strategy {
    var fullness: Int64 = 20
    var shape: Int64 = 3
    var replicas: Int64 = 6
    var nodeAffinity: Int64 = 20
    var taintToleration: Int64 = 30

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
        var preference = Extremes()
        var taints = Extremes()
    }

    @inline(__always)
    func forEachOwnPart(_ node: Int, _ question: Question, _ body: (Part) -> Void) {
        let full = question.fullness(node)
        body(Part("Fullness", weight: fullness, raw: full, normalized: full))
        let left = question.proportion(node)
        body(Part("Shape", weight: shape, raw: left, normalized: left))
        if question.hasOwner {
            let owned = question.ownerPods(node)
            body(Part("Replicas", weight: replicas, raw: owned,
                      normalized: 100 - 100 * min(owned, Self.replicasMax) / Self.replicasMax))
        }
    }

    /// More replicas on a node are no worse than so many.
    private static let replicasMax: Int64 = 3

    @inline(__always)
    func compares(_ question: Question) -> Bool {
        question.prefersNodes || question.avoidsTaints
    }

    @inline(__always)
    func overview(_ question: Question) -> Overview { Overview() }

    @inline(__always)
    func include(_ node: Int, _ question: Question, _ overview: inout Overview) -> Int32 {
        overview.preference.include(question.preference(node))
        overview.taints.include(question.avoidedTaints(node))
        return 0
    }

    @inline(__always)
    func forEachComparedPart(_ node: Int, _ kept: Int32, _ question: Question,
                             _ overview: Overview, _ body: (Part) -> Void) {
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

    /// A quarter left of both (1 - 1/16), in proportion, one replica. Then three quarters, none.
    func selfTest() -> StaticString? {
        Sample.scores(BinPackingStrategy(), are: (20 * 93 + 300 + 6 * 67, 20 * 43 + 300 + 600))
            ? nil : "the scores of the sample are not what they should be"
    }
}

@c(plugin_create)
func create(_ config: UnsafePointer<CChar>?, _ count: UInt64,
            _ instance: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
            _ error: UnsafeMutablePointer<CChar>?, _ capacity: UInt64) -> Int32 {
    unsafe Instance.create(BinPackingStrategy(), config, count, instance, error, capacity)
}
