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

    private func longWorld(
        _ seed: UInt64, faults: Bool, leavesTicksOut: Bool
    ) -> SimulationReport {
        var settings = SimulationSettings(members: 3)
        settings.makeLong(seed: seed)
        (settings.chaosSeconds, settings.leavesTicksOut) = (600, leavesTicksOut)
        if !faults { settings.faults = [] }
        return World(of: SimulatedReplica.self, seed: seed, settings: settings).run()
    }

    /// A world that leaves no ticks out says so if one comes to something that could have been.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func doesNothingInTicksThatAreLeftOut(seed: UInt64) {
        let report = longWorld(seed, faults: true, leavesTicksOut: false)
        #expect(report.violations.map { $0.text(report.history) } == [])
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func passesQuietHoursInAFewSteps(seed: UInt64) {
        let quick = longWorld(seed, faults: false, leavesTicksOut: true)
        let slow = longWorld(seed, faults: false, leavesTicksOut: false)
        #expect((quick.violations + slow.violations).map(\.name) == [])
        #expect(quick.events < slow.events / 2)
        #expect(quick.operations > slow.operations / 3)
    }

    @Test func doesTheSameForTheSameSeed() {
        #expect(report(9, members: 3).traceHash == report(9, members: 3).traceHash)
    }
}
