import StoreSimulation
import StoreSimulator
import Testing

@Suite("In worlds in which everything goes wrong, the store")
struct WorldsOfReplicasTests {
    private func report(
        _ seed: UInt64, members: Int, chaosSeconds: Int64 = 8
    ) -> SimulationReport {
        var settings = SimulationSettings(members: members)
        settings.chaosSeconds = chaosSeconds
        return World(of: SimulatedReplica.self, seed: seed, settings: settings).run()
    }

    @Test(arguments: [1, 3, 5], 1...4 as ClosedRange<UInt64>)
    func keepsItsPromises(members: Int, seed: UInt64) {
        let report = report(seed, members: members)
        #expect(report.violations.map { $0.text(report.history) } == [])
        #expect(report.operations > 50)
    }

    @Test func doesTheSameForTheSameSeed() {
        #expect(report(9, members: 3).traceHash == report(9, members: 3).traceHash)
    }
}
