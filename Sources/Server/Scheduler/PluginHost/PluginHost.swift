internal import CSchedulerABI
public import SchedulerEngine

/// Stands between the engine and the strategy of the day: asks it, checks its answers, and can be
/// given another one between two decisions.
///
/// Belongs to whoever calls the engine, and is to be used from there only.
public final class PluginHost: SchedulingStrategy {
    /// After so many wrong answers a strategy is replaced by the built-in one.
    public static let strikesMax = 3
    /// So many right answers in a row make up for a wrong one.
    static let answersToForgive = 1000

    /// Which strategy decides at present.
    public struct Active: Equatable, Sendable {
        public var id: String
        public var version: String
        /// Of its file; empty for the built-in one.
        public var sha256: String
        /// Seconds since 1970.
        public var sinceSeconds: Int64
    }

    /// How a strategy that only watches would have decided.
    public struct Shadow: Equatable, Sendable {
        public var id: String
        public var decisions = 0
        /// Decisions for a node that the shadow does not hold to be among the best.
        public var differences = 0
    }

    public private(set) var active: Active
    /// Why the built-in strategy has taken over, if it has.
    public private(set) var failure: PluginRefusal?
    public private(set) var shadow: Shadow?
    /// Why the shadow was taken out, if it was.
    public private(set) var shadowFailure: PluginRefusal?

    public private(set) var epoch: UInt64 = 1
    private let builtIn = BuiltInStrategy()
    private var strategy: LoadedStrategy?
    private var previous: LoadedStrategy?
    private var shadowStrategy: LoadedStrategy?
    private var shadowScores = AlignedScores(count: 64)
    private var shadowNotes = AlignedScores(count: 64)
    private var strikes = Strikes()
    private var shadowStrikes = Strikes()
    private let answerMax: Duration
    private let clock: () -> Duration
    private let wallSeconds: () -> Int64

    /// - Parameters:
    ///   - answerMax: how long a strategy may take for one answer.
    ///   - clock: time since any fixed moment.
    ///   - wallSeconds: seconds since 1970, for reports.
    public init(answerMax: Duration = .milliseconds(100), clock: @escaping () -> Duration,
                wallSeconds: @escaping () -> Int64) {
        self.answerMax = answerMax
        self.clock = clock
        self.wallSeconds = wallSeconds
        active = Active(id: Self.builtInID, version: "1", sha256: "", sinceSeconds: wallSeconds())
    }

    public static let builtInID = "built-in"
}

// MARK: - Exchange

extension PluginHost {
    /// From the next decision on, `strategy` decides; nil: the built-in one.
    public func activate(_ strategy: LoadedStrategy?) {
        previous = self.strategy
        self.strategy = strategy
        strikes = Strikes()
        failure = nil
        begin()
    }

    /// Returns at once to the strategy before this one. - Returns: false if there was none.
    @discardableResult
    public func goBack() -> Bool {
        guard let previous else { return false }
        activate(previous)
        return true
    }

    /// Has a second strategy compared with what is decided; nil: none.
    public func observe(with shadow: LoadedStrategy?) {
        shadowStrategy = shadow
        shadowStrikes = Strikes()
        shadowFailure = nil
        self.shadow = shadow.map { Shadow(id: $0.id) }
    }

    private func begin() {
        epoch += 1
        active = Active(id: strategy?.id ?? Self.builtInID, version: strategy?.version ?? "1",
                        sha256: strategy?.sha256 ?? "", sinceSeconds: wallSeconds())
    }
}

// MARK: - Questions

extension PluginHost {
    public var reads: UInt64 {
        (strategy?.reads ?? builtIn.reads) | (shadowStrategy?.reads ?? 0)
            // A strategy may fail at any question, and then the built-in one answers it.
            | builtIn.reads
    }

    public var narrows: Bool { strategy?.narrows ?? false }

    public func narrow(_ question: StrategyQuestion, feasible: UnsafeMutablePointer<UInt8>) {
        guard let strategy else { return }
        let start = clock()
        let isAnswer = unsafe strategy.narrow(question, feasible)
        guard let complaint = complaint(isAnswer, since: start) else { return }
        // What it wrote doesn't count. The engine knows itself which nodes are not feasible.
        for node in 0..<question.nodeCount { unsafe feasible[node] = 1 }
        strike(complaint)
    }

    public func score(_ question: StrategyQuestion) {
        guard let strategy else { return builtIn.score(question) }
        let start = clock()
        let isAnswer = strategy.score(question)
        let isInRange = unsafe clamp(question.scores, question)
        guard let complaint = complaint(isAnswer, since: start)
            ?? (isInRange ? nil : "gives scores that are not between 0 and \(MARTLET_SCORE_MAX)")
        else { return strikes.forgive() }
        if !isAnswer { builtIn.score(question) }
        strike(complaint)
    }

    /// The parts of a node's score, where the strategy can tell them.
    public func explain(_ node: Int, _ question: StrategyQuestion) -> [ScorePart]? {
        strategy?.explain(node, question)
    }

    public func picked(_ node: Int, _ question: StrategyQuestion) {
        guard let shadowStrategy else { return }
        if shadowScores.count < question.nodeCount {
            shadowScores = AlignedScores(count: 2 * question.nodeCount)
            shadowNotes = AlignedScores(count: 2 * question.nodeCount)
        }
        let start = clock()
        let isAnswer = unsafe shadowStrategy.score(question, into: shadowScores.base,
                                                   notes: shadowNotes.base)
        if let complaint = complaint(isAnswer, since: start) {
            guard shadowStrikes.add() >= Self.strikesMax else { return }
            let id = shadowStrategy.id
            observe(with: nil)
            shadowFailure = PluginRefusal(
                id: id, reason: "strategy \(id) \(complaint); it is not compared any more")
            return
        }
        shadowStrikes.forgive()
        var best = Int32.min
        for other in 0..<question.nodeCount
        where unsafe question.pod.pointee.feasible[other] != 0 {
            best = max(best, unsafe shadowScores.base[other])
        }
        shadow?.decisions += 1
        if unsafe shadowScores.base[node] < best { shadow?.differences += 1 }
    }

    private func complaint(_ isAnswer: Bool, since start: Duration) -> String? {
        if !isAnswer { return "fails to answer" }
        return clock() - start > answerMax ? "takes longer than \(answerMax) to answer" : nil
    }

    /// Brings scores into range. - Returns: whether those of feasible nodes were.
    private func clamp(_ scores: UnsafeMutablePointer<Int32>,
                       _ question: StrategyQuestion) -> Bool {
        // The engine's promise: arrays of nodeCount elements.
        guard let feasible = unsafe question.pod.pointee.feasible else { return true }
        var outside: Int32 = 0
        for node in 0..<question.nodeCount {
            let score = unsafe scores[node]
            let clamped = min(max(score, 0), MARTLET_SCORE_MAX)
            outside |= unsafe (score ^ clamped) & -Int32(feasible[node] & 1)
            unsafe scores[node] = clamped
        }
        return outside == 0
    }

    private func strike(_ complaint: String) {
        epoch += 1
        guard strikes.add() >= Self.strikesMax, let failed = strategy else { return }
        strategy = nil
        failure = PluginRefusal(
            id: failed.id,
            reason: "strategy \(failed.id) \(complaint); the built-in strategy has taken over")
        begin()
    }
}

/// Wrong answers of a strategy that were not made up for.
private struct Strikes {
    private var count = 0
    private var rightAnswers = 0

    mutating func add() -> Int {
        count += 1
        rightAnswers = 0
        return count
    }

    mutating func forgive() {
        guard count > 0 else { return }
        rightAnswers += 1
        guard rightAnswers == PluginHost.answersToForgive else { return }
        count -= 1
        rightAnswers = 0
    }
}

/// Room for the answer of a shadow, as the interface promises it. Owns its memory.
@safe private final class AlignedScores {
    let count: Int
    private let memory: UnsafeMutableRawPointer

    init(count: Int) {
        self.count = count
        let bytes = count * MemoryLayout<Int32>.stride
        unsafe memory = .allocate(byteCount: bytes, alignment: 64)
        unsafe memory.initializeMemory(as: Int32.self, repeating: 0, count: count)
    }

    deinit { unsafe memory.deallocate() }

    var base: UnsafeMutablePointer<Int32> {
        unsafe memory.assumingMemoryBound(to: Int32.self)
    }
}
