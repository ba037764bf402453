import API
import Store
import Testing

@Suite("History is given up interval by interval")
struct CompactionTests {
    let maps = "/api/v1/namespaces/a/configmaps"

    private func status(_ world: World, at version: String) async throws -> Int {
        try await world.ask(
            .get("\(maps)?resourceVersion=\(version)&resourceVersionMatch=Exact")).status
    }

    private func write(_ world: World, _ name: String) async throws -> String {
        try #require(try await world.configMap(name)["metadata.resourceVersion"])
    }

    @Test("the last interval can be read, the one before the last two cannot")
    func keepsOneInterval() async throws {
        let world = try await World()
        var compaction = HistoryCompaction(of: world.store)
        let first = try await write(world, "m1")
        let second = try await write(world, "m2")
        try await compaction.intervalPassed()
        #expect(try await status(world, at: first) == 200)
        let third = try await write(world, "m3")
        try await compaction.intervalPassed()
        #expect(try await status(world, at: first) == 410)
        #expect(try await status(world, at: second) == 200)
        try await compaction.intervalPassed()
        #expect(try await status(world, at: second) == 410)
        #expect(try await status(world, at: third) == 200)
    }

    @Test("what nobody changes is there after any number of intervals")
    func quietIntervals() async throws {
        let world = try await World()
        var compaction = HistoryCompaction(of: world.store)
        let only = try await write(world, "m")
        for _ in 0..<5 { try await compaction.intervalPassed() }
        #expect(try await status(world, at: only) == 200)
        #expect(try await world.must(.get("\(maps)/m"))["metadata.resourceVersion"] == only)
    }

    @Test("a history that somebody else gave up is no failure")
    func otherCompaction() async throws {
        let world = try await World()
        var compaction = HistoryCompaction(of: world.store)
        _ = try await write(world, "m1")
        try await compaction.intervalPassed()
        _ = try await write(world, "m2")
        try await world.store.compact(at: world.store.revision)
        try await compaction.intervalPassed()
    }

    @Test("a watch of a version that is gone is told so in Kubernetes' words")
    func watch() async throws {
        let world = try await World()
        let first = try await write(world, "m1")
        _ = try await write(world, "m2")
        let oldest = world.store.revision
        try await world.store.compact(at: oldest)
        let watched = try await world.must(
            .get("\(maps)?watch=true&resourceVersion=\(first)&timeoutSeconds=1"))
        #expect(watched["type"] == "ERROR")
        #expect(watched["object.code"] == "410")
        #expect(watched["object.reason"] == "Expired")
        #expect(watched["object.message"] == "too old resource version: \(first) (\(oldest))")
    }
}
