import Store
import StoreCore
import Testing

@Suite("When the disk of one of three members", .serialized)
struct FailingMemberTests {
    private let disks = (0..<3).map { _ in FailingDisk() }
    private let value = [UInt8](repeating: 1, count: 20_000)

    /// Members with disks of their own.
    private func cluster() throws -> Cluster {
        let disks = disks
        return try Cluster(3) { options in
            let name = options.cluster?.me.name ?? ""
            if let place = Int(name.dropFirst()) { options.disk = disks[place] }
        }
    }

    private func place(of store: Store, in cluster: Cluster) throws -> Int {
        try #require((0..<3).first { cluster.store($0) === store })
    }

    /// Puts as often as is wanted, at whichever member of `stores` leads.
    private func fill(
        _ cluster: Cluster, _ prefix: String, count: Int
    ) async throws -> (leader: Store, revision: Revision) {
        var (done, revision) = (0, Revision.none)
        var leader = try await cluster.leader()
        while done < count {
            do throws(StoreError) {
                revision = try await leader.put(.text("\(prefix)-\(done % 5)"), value)
                done += 1
            } catch {
                // A busy machine may have another one elected; a full one hands over.
                let isExpected = [.outcomeUnknown, .noLeader, .noSpace, .closed].contains(error)
                guard isExpected else { throw error }
                leader = try await cluster.leader()
            }
        }
        return (leader, revision)
    }

    @Test func isFullTheOthersGoOnAndItCatchesUpOnceThereIsSpace() async throws {
        let cluster = try cluster()
        let (leader, before) = try await fill(cluster, "before", count: 5)
        let follower = try #require(cluster.stores.first { $0 !== leader })
        while follower.revision < before { await Task.yield() }
        let disk = disks[try place(of: follower, in: cluster)]
        disk.fail(.full)
        let (_, revision) = try await fill(cluster, "while", count: 80)
        // It serves what it has, and says why it takes no more.
        #expect(follower.revision < revision)
        #expect(try follower.get(.text("before-0"))?.value == value)
        await #expect(throws: StoreError.noSpace) { try await follower.put("a", "1") }
        disk.fail(.none)
        while follower.revision < revision { await Task.yield() }
        #expect(try follower.get(.text("while-4"))?.value == value)
    }

    @Test func isFullALeaderHandsOver() async throws {
        let cluster = try cluster()
        let (first, _) = try await fill(cluster, "before", count: 5)
        let disk = disks[try place(of: first, in: cluster)]
        disk.fail(.full)
        // Puts fill what it had made ready, and are refused then; another one takes them.
        var last = try await fill(cluster, "more", count: 20)
        while last.leader === first { last = try await fill(cluster, "more", count: 1) }
        disk.fail(.none)
        while first.revision < last.revision { await Task.yield() }
    }

    /// Puts at the one that leads, while its disk stalls. A busy machine may have another one
    /// elected meanwhile: then it is tried again there.
    private func putWhileTheLeadersDiskStalls(
        _ cluster: Cluster, _ key: String
    ) async throws -> (leader: Store, FailingDisk, Revision) {
        while true {
            let leader = try await cluster.leader()
            let disk = disks[try place(of: leader, in: cluster)]
            disk.beginStall()
            do throws(StoreError) {
                return (leader, disk, try await leader.put(.text(key), .text("1")))
            } catch {
                disk.endStall()
                guard [.outcomeUnknown, .noLeader].contains(error) else { throw error }
            }
        }
    }

    /// Puts at whichever of these leads.
    private func put(
        _ key: String, at stores: [Store]
    ) async throws -> (leader: Store, revision: Revision) {
        while true {
            await Task.yield()
            guard let leader = stores.first(where: { $0.isDeciding }) else { continue }
            do throws(StoreError) { return (leader, try await leader.put(key, "1")) } catch {
                guard [.outcomeUnknown, .noLeader].contains(error) else { throw error }
            }
        }
    }

    @Test func stallsALeaderCommitsOnTheOthersDisksAndThenHandsOver() async throws {
        let cluster = try cluster()
        // The stall has no end before it is told to: others have it on their disks.
        let (first, disk, revision) = try await putWhileTheLeadersDiskStalls(cluster, "during")
        defer { disk.endStall() }
        #expect(try first.text("during") == "1")
        let others = cluster.stores.filter { $0 !== first }
        let (second, after) = try await put("after", at: others)
        #expect(try second.get(.text("during"))?.modRevision == revision)
        // It has nothing of that in its log yet, and says so in time.
        await #expect(throws: StoreError.noLeader) { try await first.confirmNewest() }
        disk.endStall()
        while first.revision < after { await Task.yield() }
        try await first.confirmNewest()
    }

    @Test(arguments: [FailingDisk.Fault.sync, .write], [true, false])
    func failsItStopsAndTheOthersLoseNothing(
        _ fault: FailingDisk.Fault, isLeader: Bool
    ) async throws {
        let cluster = try cluster()
        let (leader, _) = try await fill(cluster, "before", count: 5)
        let failing = try #require(cluster.stores.first { ($0 === leader) == isLeader })
        disks[try place(of: failing, in: cluster)].fail(fault)
        let (second, revision) = try await fill(cluster, "after", count: 5)
        #expect(second !== failing)
        await #expect(throws: StoreError.closed) { try await failing.put("a", "1") }
        cluster.stop(failing)
        for store in cluster.stores {
            while store.revision < revision { await Task.yield() }
            #expect(try store.get(.text("before-4"))?.value == value)
            #expect(try store.get(.text("after-4"))?.value == value)
        }
    }
}
