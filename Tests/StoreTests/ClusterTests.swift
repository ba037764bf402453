import Store
import StoreCore
import Synchronization
import Testing

/// Several members in one process. Frames between them are delivered at once, or not at all.
final class Cluster: Sendable {
    private struct State {
        var members: [UInt64: Store] = [:]
        var cutOff: Set<UInt64> = []
        /// Places of members whose log another one is to replace.
        var toReopen: Set<Int> = []
    }
    private let state = Mutex(State())
    private let scratches: [Scratch]
    let founders: [ClusterOptions.Founder]

    init(_ count: Int) throws {
        scratches = try (0..<count).map { _ in try Scratch() }
        founders = (0..<count).map { .init(name: "n\($0)", peerAddress: "n\($0):1") }
        for place in 0..<count { try start(place) }
    }

    deinit { for store in state.withLock({ $0.members.values.map { $0 } }) { store.close() } }

    @discardableResult
    func start(_ place: Int) throws -> Store {
        var options = StoreOptions()
        let me = OwnNumber()
        options.cluster = ClusterOptions(me: founders[place], beginning: .founding(founders)) {
            [weak self] frame, member, _ in self?.deliver(frame, from: me.number, to: member)
        }
        options.cluster?.onSnapshotReady = { [weak self] in
            _ = self?.state.withLock { $0.toReopen.insert(place) }
        }
        options.segmentBytesMin = 64 * 1024
        options.segmentBytesMax = 64 * 1024
        let store = try Store.open(directory: scratches[place].path, options: options)
        let number = try #require(store.memberStatus?.me)
        me.number = number
        state.withLock { $0.members[number] = store }
        return store
    }

    /// Known once the store is open.
    private final class OwnNumber: Sendable {
        private let value = Atomic<UInt64>(0)
        var number: UInt64 {
            get { value.load(ordering: .relaxed) }
            set { value.store(newValue, ordering: .relaxed) }
        }
    }

    private func deliver(_ frame: [UInt8], from: UInt64, to: UInt64) {
        let target = state.withLock { state -> Store? in
            state.cutOff.contains(from) || state.cutOff.contains(to) ? nil : state.members[to]
        }
        target?.receive(frame: frame)
    }

    var stores: [Store] { state.withLock { $0.members.values.map { $0 } } }

    /// The member of that place.
    func store(_ place: Int) -> Store? {
        stores.first { store in
            let status = store.memberStatus
            return status?.members.first { $0.number == status?.me }?.name == founders[place].name
        }
    }

    /// Opens a member again once a snapshot is to take its log's place.
    func reopenWithSnapshot(_ place: Int) async throws -> Store {
        while !state.withLock({ $0.toReopen.contains(place) }) { await Task.yield() }
        if let store = store(place) { stop(store) }
        return try start(place)
    }

    func cutOff(_ numbers: [UInt64]) { state.withLock { $0.cutOff = Set(numbers) } }

    func stop(_ store: Store) {
        let number = store.memberStatus?.me ?? 0
        _ = state.withLock { $0.members.removeValue(forKey: number) }
        store.close()
    }

    /// The member that leads among those that are not cut off.
    func leader() async throws -> Store {
        while true {
            let cut = state.withLock { $0.cutOff }
            for store in stores {
                guard let status = store.memberStatus, !cut.contains(status.me) else { continue }
                if status.leader == status.me, (try? await store.put("leader", "")) != nil {
                    return store
                }
            }
            await Task.yield()
        }
    }
}

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
        let revision = try await cluster.leader().put("c", "1")
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
        let revision = try await cluster.leader().put("small", "x")
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
        var expected = try await cluster.leader().put("n", "0")
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
