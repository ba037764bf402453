import StrategyKit

/// Puts pods beside those they belong to: on the same node, or else in the same zone.
///
/// Pods belong together if they have the same controller or the same services. Room left decides
/// between nodes that are equally near. Affinity that pods ask for themselves is not there yet.
struct AffinityStrategy: Strategy {
    var sameOwner: Int64 = 3
    var sameGroup: Int64 = 3
    var sameZone: Int64 = 4
    var leastAllocated: Int64 = 1
    var nodeAffinity: Int64 = 2
    var taintToleration: Int64 = 3

    mutating func set(_ name: ConfigName, to value: Int64) -> Bool {
        if name.is("sameOwner") {
            sameOwner = value
        } else if name.is("sameGroup") {
            sameGroup = value
        } else if name.is("sameZone") {
            sameZone = value
        } else if name.is("leastAllocated") {
            leastAllocated = value
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
        var owner = Extremes()
        var group = Extremes()
        var zone = Extremes()
        var preference = Extremes()
        var taints = Extremes()
    }

    @inline(__always)
    func overview(_ question: Question) -> Overview {
        Overview()
    }

    @inline(__always)
    func include(_ node: Int, _ question: Question, _ overview: inout Overview) -> Int32 {
        let zoned = zonePods(node, question)
        overview.owner.include(question.ownerPods(node))
        overview.group.include(question.groupPods(node))
        overview.zone.include(Int64(zoned))
        overview.preference.include(question.preference(node))
        overview.taints.include(question.avoidedTaints(node))
        return zoned
    }

    @inline(__always)
    func forEachOwnPart(_ node: Int, _ question: Question, _ body: (Part) -> Void) {
        let least = question.leastAllocated(node)
        body(Part("LeastAllocated", weight: leastAllocated, raw: least, normalized: least))
    }

    @inline(__always)
    func compares(_ question: Question) -> Bool {
        question.hasOwner || question.hasGroup || question.prefersNodes || question.avoidsTaints
    }

    @inline(__always)
    func forEachComparedPart(_ node: Int, _ kept: Int32, _ question: Question,
                             _ overview: Overview, _ body: (Part) -> Void) {
        let owned = question.ownerPods(node)
        body(Part("SameOwner", weight: sameOwner, raw: owned,
                  normalized: overview.owner.moreIsBetter(owned)))
        let grouped = question.groupPods(node)
        body(Part("SameGroup", weight: sameGroup, raw: grouped,
                  normalized: overview.group.moreIsBetter(grouped)))
        let zoned = Int64(kept)
        body(Part("SameZone", weight: sameZone, raw: zoned,
                  normalized: overview.zone.moreIsBetter(zoned)))
        let preference = question.preference(node)
        body(Part("NodeAffinity", weight: nodeAffinity, raw: preference,
                  normalized: overview.preference.moreIsBetter(preference)))
        let taints = question.avoidedTaints(node)
        body(Part("TaintToleration", weight: taintToleration, raw: taints,
                  normalized: overview.taints.lessIsBetter(taints)))
    }

    /// Pods of the group in the node's zone.
    @inline(__always)
    private func zonePods(_ node: Int, _ question: Question) -> Int32 {
        for index in 0..<question.spreadCount {
            let spread = question.spread(index)
            if !spread.isByNode { return spread.pods(around: node) ?? 0 }
        }
        return 0
    }

    /// Half full and beside one of its own: 25 left. Empty and alone: 75 left.
    func selfTest() -> StaticString? {
        Sample.scores(AffinityStrategy(), are: (300 + 300 + 25 + 300, 75 + 300))
            ? nil : "the scores of the sample are not what they should be"
    }
}

@c(plugin_create)
func create(_ config: UnsafePointer<CChar>?, _ count: UInt64,
            _ instance: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
            _ error: UnsafeMutablePointer<CChar>?, _ capacity: UInt64) -> Int32 {
    unsafe Instance.create(AffinityStrategy(), config, count, instance, error, capacity)
}
