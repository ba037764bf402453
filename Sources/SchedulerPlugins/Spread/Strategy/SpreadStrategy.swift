import StrategyKit

/// Spreads pods as Kubernetes' default profile does: the same parts, weights and whole numbers.
///
/// Scores of affinity between pods and of images on nodes are not there yet.
struct SpreadStrategy: Strategy {
    var leastAllocated: Int64 = 1
    var balancedAllocation: Int64 = 1
    var podTopologySpread: Int64 = 2
    var nodeAffinity: Int64 = 2
    var taintToleration: Int64 = 3

    mutating func set(_ name: ConfigName, to value: Int64) -> Bool {
        if name.is("leastAllocated") {
            leastAllocated = value
        } else if name.is("balancedAllocation") {
            balancedAllocation = value
        } else if name.is("podTopologySpread") {
            podTopologySpread = value
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
        var formula: Crowding
        var crowding = Extremes()
        var preference = Extremes()
        var taints = Extremes()
    }

    @inline(__always)
    func overview(_ question: Question) -> Overview {
        Overview(formula: Crowding(question))
    }

    @inline(__always)
    func include(_ node: Int, _ question: Question, _ overview: inout Overview) -> Int32 {
        let crowding = overview.formula.around(node)
        overview.crowding.include(Int64(crowding))
        if question.prefersNodes { overview.preference.include(question.preference(node)) }
        if question.avoidsTaints { overview.taints.include(question.avoidedTaints(node)) }
        return crowding
    }

    @inline(__always)
    func forEachOwnPart(_ node: Int, _ question: Question, _ body: (Part) -> Void) {
        let least = question.leastAllocated(node)
        body(Part("LeastAllocated", weight: leastAllocated, raw: least, normalized: least))
        let balanced = question.balancedAllocation(node)
        body(Part("BalancedAllocation", weight: balancedAllocation, raw: balanced,
                  normalized: balanced))
        if !question.avoidsTaints {
            body(Part("TaintToleration", weight: taintToleration, raw: 0, normalized: 100))
        }
    }

    @inline(__always)
    func compares(_ question: Question) -> Bool {
        question.spreadCount > 0 || question.prefersNodes || question.avoidsTaints
    }

    @inline(__always)
    func forEachComparedPart(_ node: Int, _ kept: Int32, _ question: Question,
                             _ overview: Overview, _ body: (Part) -> Void) {
        if question.spreadCount > 0 {
            body(Part("PodTopologySpread", weight: podTopologySpread, raw: Int64(kept),
                      normalized: overview.crowding.leastIsBest(kept)))
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

    /// Half full: 25 left, balance kept (75), one pod in the way of none (raw 3 and 2: 66 to 100),
    /// no taints. Empty: 75 left.
    func selfTest() -> StaticString? {
        Sample.scores(SpreadStrategy(), are: (25 + 75 + 2 * 66 + 300, 75 + 75 + 2 * 100 + 300))
            ? nil : "the scores of the sample are not what they should be"
    }
}

@c(plugin_create)
func create(_ config: UnsafePointer<CChar>?, _ count: UInt64,
            _ instance: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
            _ error: UnsafeMutablePointer<CChar>?, _ capacity: UInt64) -> Int32 {
    unsafe Instance.create(SpreadStrategy(), config, count, instance, error, capacity)
}
