import Store
import StoreCore
import Testing

@Suite("A store of three members", .serialized)
struct ClusterTests {
    @Test func takesWritesAtEachMemberAndReadsThemAtEach() async throws {
        let cluster = try Cluster(3)
        for (number, store) in cluster.stores.enumerated() {
            let revision = try await store.put("key-\(number)", "from \(number)")
            for other in cluster.stores {
                try await other.confirmNewest()
                #expect(other.revision >= revision)
                #expect(try other.text("key-\(number)") == "from \(number)")
            }
        }
    }

    @Test func tellsTheMemberThatAskedWhatWasThereBefore() async throws {
        let cluster = try Cluster(3)
        let leader = try await cluster.leader()
        let other = try #require(cluster.stores.first { $0 !== leader })
        try await other.put("a", "1")
        let result = try await other.propose(
            Transaction(
                if: [Compare(.text("a"), .equal, .value(.text("1")))],
                then: [
                    .put(key: .text("a"), value: .text("2"), previous: true),
                    .range(RangeQuery(.key(.text("a")))),
                ]))
        #expect(result.succeeded)
        guard case .put(let previous) = result.results[0], case .range(let now) = result.results[1]
        else { return #expect(Bool(false), "other results: \(result.results)") }
        #expect(previous?.text == "1")
        #expect(now.entries.map(\.text) == ["2"])
        await #expect(throws: StoreError.conflict(current: result.revision)) {
            try await other.put("a", "3", expecting: .start)
        }
        let deleted = try await other.delete("a", expecting: result.revision)
        #expect(deleted > result.revision)
    }

    @Test func electsAnotherLeaderAndLosesNothingWhenItsLeaderIsCutOff() async throws {
        let cluster = try Cluster(3)
        let first = try await cluster.leader()
        for number in 0..<100 { try await first.put("k\(number)", "1") }
        let firstNumber = try #require(first.memberStatus?.me)
        cluster.cutOff([firstNumber])
        // It does not know yet that it is cut off: what it decides now is void later.
        let lost = Task { try await first.put("void", "1") }
        let second = try await cluster.leader()
        #expect(second !== first)
        for number in 0..<100 { #expect(try second.text("k\(number)") == "1") }
        let revision = try await second.put("k0", "2")
        await #expect(throws: StoreError.self) { try await lost.value }
        cluster.cutOff([])
        try await first.confirmNewest()
        #expect(first.revision >= revision)
        #expect(try first.text("k0") == "2")
        #expect(try first.text("void") == nil)
        #expect(try first.contents() == second.contents())
    }

    @Test func refusesWritesWithoutAMajorityWithinFiveSeconds() async throws {
        let cluster = try Cluster(3)
        let leader = try await cluster.leader()
        try await leader.put("a", "1")
        let others = cluster.stores.filter { $0 !== leader }
        cluster.cutOff(others.compactMap { $0.memberStatus?.me })
        await #expect(throws: StoreError.self) { try await leader.put("b", "1") }
        await #expect(throws: StoreError.noLeader) { try await leader.put("b", "1") }
        await #expect(throws: StoreError.noLeader) { try await leader.confirmNewest() }
        #expect(try leader.text("a") == "1")
        cluster.cutOff([])
        let revision = try await cluster.put("c", "1")
        try await leader.confirmNewest()
        #expect(leader.revision >= revision)
    }

    @Test func refusesWhatWouldBeTooMuchUncommittedAndGoesOn() async throws {
        let cluster = try Cluster(3)
        let leader = try await cluster.leader()
        let others = cluster.stores.filter { $0 !== leader }
        cluster.cutOff(others.compactMap { $0.memberStatus?.me })
        // More than may be uncommitted, before the leader knows that it is alone.
        let value = [UInt8](repeating: 1, count: 4 << 20)
        let results = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<24 {
                group.addTask { (try? await leader.put(.text("big-\(number)"), value)) != nil }
            }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(!results.contains(true))
        cluster.cutOff([])
        let revision = try await cluster.put("small", "x")
        try await leader.confirmNewest()
        #expect(leader.revision >= revision)
    }

    @Test func onlyTheLeaderLetsLeasesEnd() async throws {
        let cluster = try Cluster(3)
        let leader = try await cluster.leader()
        try await leader.grantLease(LeaseID(7), for: .seconds(10), now: .zero)
        try await leader.put("leased", "x", lease: LeaseID(7))
        for other in cluster.stores where other !== leader {
            try await other.confirmNewest()
            #expect(other.tick(now: .seconds(1000)) == nil)
        }
        try await leader.keepLeaseAlive(LeaseID(7), now: .seconds(9))
        try await leader.put("after", "x")
        #expect(try leader.text("leased") == "x")
    }

    @Test func givesAMemberThatIsFarBehindItsSegments() async throws {
        let cluster = try Cluster(3)
        _ = try await cluster.leader()
        let late = try #require(cluster.store(2))
        try await late.confirmNewest()
        cluster.stop(late)
        let leader = try await cluster.leader()
        let value = String(repeating: "v", count: 1000)
        for number in 0..<600 { try await leader.put("k\(number % 7)", "\(number) \(value)") }
        let full = leader.logBytes
        try await leader.compact(at: leader.revision)
        // Segments are given back in the background, and the entries in them are gone then.
        while leader.logBytes >= full { try await leader.put("more", value) }
        try cluster.start(2)
        let restarted = try await cluster.reopenWithSnapshot(2)
        try await restarted.confirmNewest()
        #expect(try restarted.contents() == leader.contents())
        #expect(restarted.compactedRevision == leader.compactedRevision)
        let revision = try await restarted.put("after", "x")
        try await leader.confirmNewest()
        #expect(leader.revision >= revision)
    }

    @Test func goesOnFromItsLogAfterARestartOfEachMember() async throws {
        let cluster = try Cluster(3)
        var expected = try await cluster.put("n", "0")
        for round in 1...3 {
            for place in 0..<3 {
                cluster.stop(try #require(cluster.store(place)))
                let restarted = try cluster.start(place)
                let revision = try await restarted.put("n", "\(round)-\(place)")
                #expect(revision > expected)
                expected = revision
            }
        }
        for store in cluster.stores {
            try await store.confirmNewest()
            #expect(try store.text("n") == "3-2")
        }
    }
}
