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
/// The functions of the interface are written once for all of them, so that what `explain` says
/// is what `score` does.
public protocol Strategy {
    /// What has to be known of all feasible nodes before one of them can be scored.
    associatedtype Overview

    /// The settings a configuration may contain; the defaults stand in `init()`.
    mutating func set(_ name: ConfigName, to value: Int64) -> Bool
    init()

    func overview(_ question: Question) -> Overview
    /// Calls `body` with each part of a feasible node's score.
    func forEachPart(_ node: Int, _ question: Question, _ overview: Overview,
                     _ body: (Part) -> Void)
    /// Whether a node's score depends on nothing but that node, for this class of pods.
    func isLocal(_ question: Question) -> Bool
    /// nil, or a sentence about what is wrong with the arithmetic of this build.
    func selfTest() -> StaticString?
}

extension Strategy {
    public func scoreAll(_ question: Question, _ scores: UnsafeMutablePointer<Int32>) {
        let overview = overview(question)
        for node in question.nodes where question.isFeasible(node) {
            unsafe scores[node] = score(node, question, overview)
        }
    }

    /// - Returns: false if a single node can't be scored without the others.
    public func scoreSome(_ question: Question, _ dirty: UnsafeBufferPointer<UInt32>,
                          _ scores: UnsafeMutablePointer<Int32>) -> Bool {
        guard isLocal(question) else { return false }
        let overview = overview(question)
        for index in dirty.indices {
            let node = unsafe Int(dirty[index])
            guard question.nodes.contains(node), question.isFeasible(node) else { continue }
            unsafe scores[node] = score(node, question, overview)
        }
        return true
    }

    @inline(__always)
    private func score(_ node: Int, _ question: Question, _ overview: Overview) -> Int32 {
        var sum: Int64 = 0
        forEachPart(node, question, overview) { sum += $0.weight * $0.normalized }
        return Int32(clamping: sum)
    }

    /// Writes the parts of one node's score. - Returns: how many.
    public func explain(_ node: Int, _ question: Question,
                        _ parts: UnsafeMutablePointer<martlet_score_part>,
                        capacity: Int) -> Int {
        let step = unsafe Int(parts.pointee.size)
        guard capacity > 0, unsafe step >= MemoryLayout<martlet_score_part>.size else { return 0 }
        let bytes = UnsafeMutableRawPointer(parts)
        var count = 0
        forEachPart(node, question, overview(question)) { part in
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
        return count
    }
}
