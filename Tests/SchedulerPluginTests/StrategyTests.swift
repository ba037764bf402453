import SchedulerScript
import StrategyHost
import Testing

@Suite struct ShippedStrategies {
    @Test(arguments: try Case.load("spread"))
    func spread(_ example: Case) throws {
        try play(example, with: "spread")
    }

    @Test(arguments: try Case.load("bin-packing"))
    func packing(_ example: Case) throws {
        try play(example, with: "bin-packing")
    }

    @Test(arguments: try Case.load("affinity"))
    func affinity(_ example: Case) throws {
        try play(example, with: "affinity")
    }

    private func play(_ example: Case, with id: String) throws {
        let directory = try PluginDirectory(id)
        let host = host(try directory.load(id))
        #expect(try Script.play(example.script, host: host) == example.expected)
        #expect(host.failure == nil)
    }
}
