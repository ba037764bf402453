import CaseFiles
import Testing

/// The situations that the literature calls difficult, step by step.
@Suite struct CaseTests {
    private static let files = [
        "elections", "replication", "reads", "membership", "transfer", "snapshots", "disks",
        "peers",
    ]

    @Test(arguments: try files.flatMap { try Case.load($0) })
    func happensAsTold(_ example: Case) throws {
        #expect(try Script.run(example.script) == example.expected)
    }
}
