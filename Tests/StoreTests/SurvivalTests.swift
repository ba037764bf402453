import Store
import StoreCore
import Testing

extension Store {
    /// Puts a key, however often the cluster changes its leader: the machine may be busy.
    @discardableResult
    func putPatiently(_ key: String, _ value: String) async throws -> Revision {
        while true {
            do throws(StoreError) { return try await put(key, value) } catch {
                guard error == .outcomeUnknown || error == .noLeader else { throw error }
            }
        }
    }

    func confirmPatiently() async throws {
        while true {
            do throws(StoreError) { return try await confirmNewest() } catch {
                guard error == .noLeader else { throw error }
            }
        }
    }
}

@Suite("The only member that is left")
struct SurvivalTests {
    private func directory(_ cluster: Cluster, _ place: Int) -> String {
        cluster.scratches[place].path
    }

    /// A cluster of three that has had a member changed, and is stopped.
    private func stopped() async throws -> (Cluster, contents: String, revision: Revision) {
        let cluster = try Cluster(3)
        let leader = try await cluster.leader()
        for number in 0..<200 { try await leader.putPatiently("k\(number)", "\(number)") }
        for store in cluster.stores { try await store.confirmPatiently() }
        let (contents, revision) = (try leader.contents(), leader.revision)
        for store in cluster.stores { cluster.stop(store) }
        return (cluster, contents, revision)
    }

    @Test func goesOnAloneWithAllItHas() async throws {
        let (cluster, contents, revision) = try await stopped()
        let survival = try Survival(directory: directory(cluster, 1))
        #expect(!survival.finding.isAlone)
        #expect(survival.finding.members.count == 3)
        #expect(survival.finding.lastIndex >= survival.finding.committedIndex)
        #expect(survival.finding.name == "n1")
        let number = try survival.run()
        #expect(number != survival.finding.cluster)
        let store = try Store.open(directory: directory(cluster, 1))
        #expect(try store.contents() == contents)
        #expect(store.revision >= revision)
        let next = try await store.put("after", "x")
        // Of what the others had, clients may have seen revisions that are lost.
        #expect(next > Revision(revision.number + 1_000_000_000))
        #expect(store.compactedRevision.next == next)
        let oldest = store.compactedRevision
        #expect(throws: StoreError.compacted(requested: revision, oldest: oldest)) {
            try store.contents(at: revision)
        }
        store.close()
        let again = try Store.open(directory: directory(cluster, 1))
        #expect(try again.text("after") == "x")
        again.close()
    }

    @Test func isToldWhenItIsAloneAlready() async throws {
        let (cluster, _, _) = try await stopped()
        _ = try Survival(directory: directory(cluster, 0)).run()
        #expect(try Survival(directory: directory(cluster, 0)).finding.isAlone)
    }

    @Test func isDoneOrNotDoneWhereverItIsInterrupted() async throws {
        let (cluster, contents, _) = try await stopped()
        let path = directory(cluster, 2)
        // Of the last entries it does not know yet whether they are committed.
        let known = try OfflineLog.open(path).text()
        var interruptions = 0
        for call in 0... {
            var options = StoreOptions()
            options.disk = CountingDisk(failingAt: call)
            do throws(LogProblem) {
                _ = try Survival(directory: path, options: options).run()
                break
            } catch {
                interruptions += 1
                #expect(error.kind == .unusable, "\(error)")
            }
            // What is there can be read, and is what it was, or all of it.
            let found = try OfflineLog.open(path).text()
            #expect(found == known || found == contents)
        }
        #expect(interruptions > 8)
        let store = try Store.open(directory: path)
        #expect(try store.contents() == contents)
        try await store.put("after", "x")
        store.close()
    }

    @Test func doesNotListenToTheOthersShouldTheyComeBack() async throws {
        let (cluster, _, _) = try await stopped()
        _ = try Survival(directory: directory(cluster, 0)).run()
        let survivor = try cluster.start(0)
        try await survivor.putPatiently("survivor", "x")
        let (second, third) = (try cluster.start(1), try cluster.start(2))
        // They are a majority of the old cluster, and go on as it.
        try await second.putPatiently("old", "x")
        try await third.confirmPatiently()
        try await survivor.confirmPatiently()
        #expect(try survivor.text("old") == nil)
        #expect(try third.text("survivor") == nil)
        #expect(survivor.memberStatus?.members.count == 1)
    }

    @Test func letsOthersJoinThoughItsLogNamesMembersThatAreGone() async throws {
        let cluster = try Cluster(3)
        let leader = try await cluster.leader()
        // An entry that names the members of the old cluster is in the log from here on.
        let removed = try #require(cluster.stores.first { $0 !== leader })
        let removedNumber = try #require(removed.memberStatus?.me)
        try await leader.change(.remove(removedNumber))
        while leader.memberStatus?.members.count != 2 { await Task.yield() }
        cluster.stop(removed)
        for number in 0..<100 { try await leader.putPatiently("k\(number)", "\(number)") }
        let name = try #require(leader.memberStatus.flatMap { status in
            status.members.first { $0.number == status.me }?.name
        })
        let place = try #require(cluster.founders.firstIndex { $0.name == name })
        for store in cluster.stores { cluster.stop(store) }
        _ = try Survival(directory: directory(cluster, place)).run()
        let survivor = try cluster.start(place)
        try await survivor.putPatiently("after", "x")
        let status = try #require(survivor.memberStatus)
        // Another one joins, in an empty directory.
        let other = (place + 1) % 3
        let directory = directory(cluster, other)
        for file in try Scratch.names(in: directory) { Scratch.remove(directory + "/" + file) }
        let newcomer = cluster.founders[other]
        try await survivor.change(.addLearner(77, newcomer))
        try cluster.start(
            other,
            beginning: .joining(
                cluster: status.cluster, member: 77,
                contacts: [status.me: cluster.founders[place]]))
        let joined = try await cluster.reopenWithSnapshot(other)
        try await joined.confirmPatiently()
        #expect(try joined.contents() == survivor.contents())
        while (try? await survivor.change(.promote(77))) == nil { await Task.yield() }
        let revision = try await joined.putPatiently("joined", "x")
        try await survivor.confirmPatiently()
        #expect(survivor.revision >= revision)
    }
}
