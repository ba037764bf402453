import ReferenceStore
import StoreHistory
import StoreSimulator
import Testing

private func settings(_ members: Int, seconds: Int64 = 8) -> SimulationSettings {
    var settings = SimulationSettings(members: members)
    settings.chaosSeconds = seconds
    return settings
}

private func world(
    _ seed: UInt64, settings: SimulationSettings, print: ((String) -> Void)? = nil
) -> World {
    World(of: ReferenceMachine.self, seed: seed, settings: settings, print: print)
}

@Suite("A simulated world")
struct WorldTests {
    @Test func isTheSameWhenItsSeedIs() {
        let runs = [7, 7, 8].map { world($0, settings: settings(3)).run() }
        #expect(runs[0].traceHash == runs[1].traceHash)
        #expect(runs[0].operations == runs[1].operations)
        #expect(runs[0].faults == runs[1].faults)
        #expect(runs[0].traceHash != runs[2].traceHash)
    }

    @Test func printsWithoutBeingChangedByIt() {
        var lines: [String] = []
        let printed = world(3, settings: settings(3)) { lines.append($0) }
        #expect(
            printed.run().traceHash
                == world(3, settings: settings(3)).run().traceHash)
        #expect(lines.contains { $0.hasSuffix("m1 starts") })
        #expect(lines.contains { $0.contains("faults end") })
    }

    @Test(arguments: 1...12)
    func findsNothingInAStoreThatKeepsItsPromises(seed: UInt64) {
        let members = [1, 3, 5][Int(seed % 3)]
        let report = world(seed, settings: settings(members)).run()
        #expect(report.violations.map { $0.text(report.history) } == [])
        #expect(report.operations > 100)
    }

    @Test func letsEveryKindOfFaultStrike() {
        var faults = FaultCounts()
        for seed in UInt64(100)..<300
        where ReferenceMachine.tolerated.contains(where: { faults[$0] == 0 }) {
            faults.add(world(seed, settings: settings(3)).run().faults)
        }
        let silent = ReferenceMachine.tolerated.filter { faults[$0] == 0 }
        #expect(silent.map(\.rawValue).sorted() == [])
    }
}

@Suite("A planted defect is found")
struct DefectTests {
    @Test(arguments: [
        ReferenceMachine.Defect.leaderCommitsAlone, .acknowledgesBeforeCommit,
        .readsWithoutTheLog, .versionIsNotCounted, .watchLosesWhatItMissed,
        .watchSplitsRevisions, .progressRunsAhead, .refusesWhatMayHappen, .compactsTooMuch,
    ])
    func within(defect: ReferenceMachine.Defect) throws {
        let gate = MutationGate<ReferenceMachine>(settings: [settings(3)], seedsMax: 60)
        #expect(gate.row(defect).seeds != nil)
    }
}
