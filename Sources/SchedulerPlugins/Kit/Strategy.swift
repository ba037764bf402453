public import CSchedulerABI

/// One part of a node's score.
public struct Part {
    public var name: StaticString
    public var weight: Int64
    public var raw: Int64
    /// From 0 to 100.
    public var normalized: Int64

    public init(_ name: StaticString, weight: Int64, raw: Int64, normalized: Int64) {
        self.name = name
        self.weight = weight
        self.raw = raw
        self.normalized = normalized
    }
}

/// A strategy whose score is a weighted sum of parts.
///
/// Parts are of two kinds: those that depend on nothing but the node and the class of pods, and
/// those that compare the feasible nodes with each other. The sum of the first kind is noted, and
/// worked out again only for nodes that changed.
///
/// The functions of the interface are written once for all strategies, so that what `explain`
/// says is what `score` does.
public protocol Strategy {
    /// What has to be known of all feasible nodes to compare them.
    associatedtype Overview

    /// Sets a weight. - Returns: false if there is none of that name.
    mutating func set(_ name: ConfigName, to value: Int64) -> Bool

    /// Calls `body` with each part that depends on the node alone.
    func forEachOwnPart(_ node: Int, _ question: Question, _ body: (Part) -> Void)
    /// Whether there are parts that compare nodes, for this class of pods.
    func compares(_ question: Question) -> Bool
    /// What is worked out once about the question before nodes are compared.
    func overview(_ question: Question) -> Overview
    /// Has a look at one of the feasible nodes.
    ///
    /// - Returns: a number from it that is costly to get; it is handed to `forEachComparedPart`.
    func include(_ node: Int, _ question: Question, _ overview: inout Overview) -> Int32
    /// Calls `body` with each part that compares the node with the others.
    func forEachComparedPart(_ node: Int, _ kept: Int32, _ question: Question,
                             _ overview: Overview, _ body: (Part) -> Void)
    /// nil, or a sentence about what is wrong with the arithmetic of this build.
    func selfTest() -> StaticString?
}

extension Strategy {
    public func scoreAll(_ question: Question, _ scores: UnsafeMutablePointer<Int32>) {
        for node in question.nodes where question.isFeasible(node) {
            unsafe question.notes[node] = ownScore(node, question)
        }
        guard compares(question) else {
            for node in question.nodes { unsafe scores[node] = question.notes[node] }
            return
        }
        unsafe compareAll(question, scores)
    }

    public func scoreSome(_ question: Question, _ dirty: UnsafeBufferPointer<UInt32>,
                          _ scores: UnsafeMutablePointer<Int32>) {
        for index in dirty.indices {
            let node = unsafe Int(dirty[index])
            guard question.nodes.contains(node), question.isFeasible(node) else { continue }
            let own = ownScore(node, question)
            unsafe question.notes[node] = own
            unsafe scores[node] = own
        }
        if compares(question) { unsafe compareAll(question, scores) }
    }

    private func compareAll(_ question: Question, _ scores: UnsafeMutablePointer<Int32>) {
        var overview = overview(question)
        for node in question.nodes where question.isFeasible(node) {
            unsafe scores[node] = include(node, question, &overview)
        }
        for node in question.nodes where question.isFeasible(node) {
            var sum = unsafe Int64(question.notes[node])
            let kept = unsafe scores[node]
            forEachComparedPart(node, kept, question, overview) {
                sum &+= $0.weight &* $0.normalized
            }
            unsafe scores[node] = Int32(truncatingIfNeeded: sum)
        }
    }

    /// Weights are at most 100 and parts too, so no sum comes near a limit.
    @inline(__always)
    private func ownScore(_ node: Int, _ question: Question) -> Int32 {
        var sum: Int64 = 0
        forEachOwnPart(node, question) { sum &+= $0.weight &* $0.normalized }
        return Int32(truncatingIfNeeded: sum)
    }

    /// Writes the parts of one node's score. - Returns: how many.
    public func explain(_ node: Int, _ question: Question,
                        _ parts: UnsafeMutablePointer<martlet_score_part>,
                        capacity: Int) -> Int {
        let step = unsafe Int(parts.pointee.size)
        guard capacity > 0, unsafe step >= MemoryLayout<martlet_score_part>.size else { return 0 }
        let bytes = UnsafeMutableRawPointer(parts)
        var count = 0
        let write = { (part: Part) in
            guard count < capacity else { return }
            // The host's struct may be longer than the one known here: its size is the step.
            let place = unsafe (bytes + count * step)
                .assumingMemoryBound(to: martlet_score_part.self)
            unsafe place.pointee.weight = Int32(clamping: part.weight)
            unsafe place.pointee.name = part.name.utf8Start.withMemoryRebound(
                to: CChar.self, capacity: 1) { unsafe $0 }
            unsafe place.pointee.raw = part.raw
            unsafe place.pointee.normalized = part.normalized
            count += 1
        }
        forEachOwnPart(node, question, write)
        guard compares(question) else { return count }
        var overview = overview(question)
        var kept: Int32 = 0
        for other in question.nodes where question.isFeasible(other) {
            let number = include(other, question, &overview)
            if other == node { kept = number }
        }
        forEachComparedPart(node, kept, question, overview, write)
        return count
    }
}
