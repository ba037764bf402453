import Store
import StoreCore
import Testing

@Suite("A restored store")
struct RestorationTests {
    let scratch: Scratch
    let store: Store

    init() throws {
        scratch = try Scratch()
        store = try Store.openSmall(scratch.path + "/old")
    }

    private var directory: String { scratch.path + "/log" }

    private func restore(
        _ restoration: Restoration = Restoration(), to directory: String? = nil
    ) throws -> Restoration.Made {
        let backup = try OfflineLog.openBackup(try scratch.backup(of: store))
        return try restoration.run(from: backup, to: directory ?? self.directory)
    }

    @Test func hasWhatTheBackupHas() async throws {
        let value = String(repeating: "v", count: 5000)
        for number in 0..<400 { try await store.put("k\(number % 290)", "\(number) \(value)") }
        try await store.put("large", String(repeating: "l", count: 3_000_000))
        try await store.delete("k5")
        let made = try restore()
        #expect(made.keys == 290)
        let restored = try Store.open(directory: directory)
        #expect(try restored.contents() == store.contents())
        for key in ["k0", "k289", "large"] {
            let (old, new) = (try store.get(.text(key)), try restored.get(.text(key)))
            #expect(old?.modRevision == new?.modRevision)
            #expect(old?.createRevision == new?.createRevision)
            #expect(old?.version == new?.version)
        }
        restored.close()
        let again = try Store.open(directory: directory)
        #expect(try again.contents() == store.contents())
        again.close()
        #expect(try OfflineLog.open(scratch.path).verify().keys == 290)
        store.close()
    }

    @Test func goesOnAboveAllRevisionsThatAnyClientMayHaveSeen() async throws {
        try await store.put("a", "1")
        let seen = store.revision
        let made = try restore(Restoration(revisionsSkipped: 1000))
        #expect(made.revision == Revision(seen.number + 1000))
        // Nobody who has looked at what was lost since is told what it takes for that.
        try await store.put("a", "2")
        let restored = try Store.open(directory: directory)
        #expect(restored.revision == made.revision)
        #expect(restored.compactedRevision == made.revision)
        for old in [seen, store.revision, Revision(seen.number + 999)] {
            #expect(throws: StoreError.compacted(requested: old, oldest: made.revision)) {
                try restored.contents(at: old)
            }
            #expect(throws: StoreError.compacted(requested: old, oldest: made.revision)) {
                try restored.watch(.all, from: old) { _ in }
            }
        }
        let log = WatchLog()
        _ = try restored.watch(.all, from: made.revision.next) { log.take($0) }
        let next = try await restored.put("a", "3")
        #expect(next == made.revision.next)
        await log.reached(next)
        #expect(log.lines == ["\(next) a=3"])
        restored.close()
        store.close()
    }

    @Test func keepsItsLeases() async throws {
        try await store.grantLease(LeaseID(7), for: .seconds(10), now: .zero)
        try await store.put("leased", "x", lease: LeaseID(7))
        try await store.put("other", "y")
        _ = try restore()
        let restored = try Store.open(directory: directory)
        #expect(restored.leases == [LeaseID(7)])
        restored.tick(now: .zero)
        restored.tick(now: .seconds(11))
        try await restored.put("after", "z")
        #expect(try restored.contents() == "after=z other=y")
        restored.close()
        store.close()
    }

    @Test func ofNothingTakesWrites() async throws {
        #expect(try restore().keys == 0)
        let restored = try Store.open(directory: directory)
        #expect(try restored.contents() == "")
        try await restored.put("a", "1")
        restored.close()
        store.close()
    }

    @Test func isNotMadeWhereThereIsOne() async throws {
        try await store.put("a", "1")
        _ = try restore()
        let problem = try #require(throws: LogProblem.self) { try restore() }
        #expect("\(problem)".contains("there is a store in it already"))
        #expect(try OfflineLog.open(scratch.path).text() == "a=1")
        store.close()
    }

    @Test func isNotMadeOfADamagedBackup() async throws {
        for number in 0..<50 { try await store.put("k\(number)", "x") }
        var bytes = try store.backup(takenAt: 0).collect()
        bytes[bytes.count / 2] ^= 1
        let backup = try OfflineLog.openBackup(try scratch.write(bytes, to: "damaged"))
        #expect(throws: LogProblem.self) { try Restoration().run(from: backup, to: directory) }
        #expect(try !scratch.names().contains("log"))
        store.close()
    }

    @Test func isThereWholeOrNotAtAll() async throws {
        for number in 0..<50 { try await store.put("k\(number)", "x") }
        let backup = try OfflineLog.openBackup(try scratch.backup(of: store))
        for call in 0... {
            let disk = CountingDisk(failingAt: call)
            do throws(LogProblem) {
                _ = try Restoration().run(from: backup, to: directory, disk: disk)
                break
            } catch {
                // The name may be there already, if only its own sync failed.
                guard try scratch.names().contains("log") else { continue }
                break
            }
        }
        let restored = try Store.open(directory: directory)
        #expect(try restored.contents() == store.contents())
        restored.close()
        store.close()
    }

    @Test func ofThreeMembersIsOneCluster() async throws {
        for number in 0..<300 { try await store.put("k\(number)", "\(number)") }
        let backup = try OfflineLog.openBackup(try scratch.backup(of: store))
        let cluster = try Cluster(
            3,
            prepare: { path, me, founders in
                let made = try Restoration(founders: founders, name: me.name)
                    .run(from: backup, to: path)
                #expect(made.keys == 300)
            })
        let leader = try await cluster.leader()
        for member in cluster.stores {
            try await member.confirmPatiently()
            #expect(try member.text("k299") == "299")
            #expect(member.memberStatus?.members.count == 3)
        }
        let revision = try await leader.putPatiently("after", "x")
        #expect(revision > Revision(store.revision.number + 1_000_000_000))
        store.close()
    }
}
