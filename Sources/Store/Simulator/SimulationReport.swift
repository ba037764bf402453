package import StoreHistory

/// A promise that was broken in a simulated world.
package enum SimulationViolation: Error, Hashable, Sendable {
    case history(Violation)
    case twoLeaders(term: UInt64, MemberNumber, MemberNumber)
    /// Two members have applied the same part of the log and hold different things.
    case diverged(at: UInt64, MemberNumber, MemberNumber)
    /// A running member has less applied than it had.
    case wentBack(MemberNumber, from: UInt64, to: UInt64)
    /// A member gave up without a cause.
    case halted(member: String, Halt)
    /// What must hold between members at every step does not.
    case invariant(String)
    /// Clients did not get on within ten election timeouts although a majority was well.
    case noProgress(clients: [Int])
    /// Members did not become equal although everything was well.
    case unsettled(String)

    package var name: String {
        switch self {
        case .history(let violation): violation.rule.rawValue
        case .twoLeaders: "one leader a term"
        case .diverged: "members that applied the same are the same"
        case .wentBack: "what is applied stays applied"
        case .halted: "no member gives up without a cause"
        case .invariant: "what holds between members at every step"
        case .noProgress: "clients get on when a majority is well"
        case .unsettled: "members become equal when all is well"
        }
    }

    package func text(_ history: History?) -> String {
        guard case .history(let violation) = self else { return "broken: \(name)\n  \(self)" }
        return history.map { violation.report(of: $0) } ?? "\(violation)"
    }
}

/// What became of one seed.
package struct SimulationReport: Sendable {
    package var simulatedMicroseconds: Int64
    package var events: Int
    package var operations: Int
    package var faults: FaultCounts
    /// Equal for two runs of the same seed.
    package var traceHash: UInt64
    package var violations: [SimulationViolation]
    /// Kept if something is wrong.
    package var history: History?
}

/// What became of many seeds.
package struct SimulationTotals: Sendable {
    package private(set) var seeds = 0
    package private(set) var simulatedMicroseconds: Int64 = 0
    package private(set) var events = 0
    package private(set) var operations = 0
    package private(set) var faults = FaultCounts()
    package private(set) var failed: [UInt64] = []
    /// Equal for two runs of the same seeds.
    package private(set) var traceHash: UInt64 = 0

    package init() {}

    package mutating func add(_ report: SimulationReport, seed: UInt64) {
        seeds += 1
        simulatedMicroseconds += report.simulatedMicroseconds
        events += report.events
        operations += report.operations
        faults.add(report.faults)
        traceHash = mixed(traceHash ^ report.traceHash)
        if !report.violations.isEmpty { failed.append(seed) }
    }

    package var simulatedYears: Double {
        Double(simulatedMicroseconds) / 1e6 / (365.25 * 86400)
    }
}

/// Runs worlds, one a seed, for each planted defect until one of them finds it.
package struct MutationGate<Machine: SimulatedMachine> {
    package struct Row: Sendable {
        package var defect: Machine.Defect
        /// How many seeds it took; nil if none of them found it.
        package var seeds: Int?
        package var violation: SimulationViolation?
    }

    private let settings: [SimulationSettings]
    private let seedsMax: Int

    /// - Parameter settings: to be tried in turn.
    package init(settings: [SimulationSettings], seedsMax: Int) {
        (self.settings, self.seedsMax) = (settings, seedsMax)
    }

    package func row(_ defect: Machine.Defect, firstSeed: UInt64 = 1) -> Row {
        for count in 0..<seedsMax {
            let world = World(
                of: Machine.self, seed: firstSeed + UInt64(count),
                settings: settings[count % settings.count], defect: defect)
            if let violation = world.run().violations.first {
                return Row(defect: defect, seeds: count + 1, violation: violation)
            }
        }
        return Row(defect: defect, seeds: nil, violation: nil)
    }
}
