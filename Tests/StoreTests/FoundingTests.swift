import Store
import Testing

@Suite("A founder without a log", .timeLimit(.minutes(2)))
struct LostFounderTests {
    @Test func isLetInAnewWhenTheOthersHaveBegunWithAnotherLifeOfIt() async throws {
        let cluster = try Cluster(3)
        try await cluster.put("a", "1")
        try await cluster.becomeWhole()
        let leader = try await cluster.leader()
        let place = try #require((0..<3).first { cluster.store($0) !== leader })
        let old = try #require(cluster.store(place))
        let number = try #require(old.memberStatus?.me)
        cluster.stop(old)
        let directory = cluster.scratches[place]
        for name in try directory.names() { try directory.remove(name) }
        // Nothing tells it from a founder that has never been started.
        let fresh = try cluster.start(place)
        #expect(fresh.memberStatus?.me == number)
        try await cluster.becomeWhole()
        let new = try #require(cluster.store(place))
        #expect(new.memberStatus?.me != number)
        #expect(try new.text("a") == "1")
        #expect(leader.memberStatus?.members.count == 3)
    }

    @Test func isLetInAnewUnderItsOldNamesLatestNumber() async throws {
        let cluster = try Cluster(3)
        try await cluster.put("a", "1")
        var numbers: Set<UInt64> = []
        for _ in 0..<3 {
            try await cluster.becomeWhole()
            let old = try #require(cluster.store(2))
            numbers.insert(try #require(old.memberStatus?.me))
            cluster.stop(old)
            for name in try cluster.scratches[2].names() { try cluster.scratches[2].remove(name) }
            try cluster.start(2)
        }
        try await cluster.becomeWhole()
        let leader = try await cluster.leader()
        #expect(numbers.count == 3, "each life had a number of its own")
        #expect(leader.memberStatus?.members.count == 3)
        #expect(try cluster.store(2)?.text("a") == "1")
    }

    @Test func doesNotVoteBeforeItKnowsWhoElseIsBeginning() async throws {
        let cluster = try Cluster(3)
        try await cluster.put("a", "1")
        try await cluster.becomeWhole()
        let leader = try await cluster.leader()
        // Two lose their disks, the third is down: what is acknowledged is on none that is left, and
        // still nobody may begin without it while it can be asked.
        let places = (0..<3).filter { cluster.store($0) !== leader }
        for place in places {
            cluster.stop(try #require(cluster.store(place)))
            for name in try cluster.scratches[place].names() {
                try cluster.scratches[place].remove(name)
            }
            try cluster.start(place)
        }
        // Both learn from the third that they are lost; it has no majority to let them in.
        while cluster.damage.count < 2 { await Task.yield() }
        for place in places {
            #expect(cluster.store(place)?.memberStatus?.leader == nil)
        }
        #expect(try leader.text("a") == "1")
    }
}
