import Checksum
import Store
import StoreCore
import Testing

@Suite("When members hold different things", .serialized, .timeLimit(.minutes(3)))
struct DifferenceTests {
    private func cluster(_ count: Int) throws -> Cluster {
        try Cluster(count) { options in
            options.checkpointBytesMin = 8 * 1024
        }
    }

    /// Some keys, and enough besides for each member to write a checkpoint when it closes.
    private func fill(_ cluster: Cluster) async throws {
        for number in 0..<20 { try await cluster.put("k\(number)", "\(number)") }
        let value = String(repeating: "v", count: 1000)
        for number in 0..<150 { try await cluster.put("f\(number)", value) }
    }

    /// Lets a member start from a checkpoint that says of a key that it was put once more often
    /// than it was: a whole file, as a program that counts wrongly would have written it.
    private func alter(_ key: String, at place: Int, of cluster: Cluster) throws {
        let store = try #require(cluster.store(place))
        cluster.stop(store)
        let scratch = cluster.scratches[place]
        var bytes = try scratch.bytes("checkpoint")
        let header = [UInt8](key.utf8).count.littleEndianBytes
        let start = try #require(
            bytes.indices.last { at in
                bytes[at...].starts(with: header)
                    && bytes[(at + 8)...].starts(with: [UInt8](key.utf8))
            })
        // Bytes of key and count of versions; the key; revision, place, extent, create revision.
        bytes[start + 8 + key.utf8.count + 32] += 1
        let body = crc32c(bytes[80...])
        let sum = crc32c(bytes[16..<80], from: body)
        for byte in 0..<4 { bytes[8 + byte] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * byte)) }
        try scratch.write("checkpoint", bytes)
        try cluster.start(place)
    }

    private func place(of store: Store, in cluster: Cluster) throws -> Int {
        try #require(cluster.founders.indices.first { cluster.store($0) === store })
    }

    /// Waits until the member at `place` has given `number` up, and has the others' log.
    private func isLetInAnew(_ place: Int, _ number: UInt64, in cluster: Cluster) async throws {
        while cluster.store(place)?.memberStatus?.me == number {
            try cluster.reopenIfWanted(place)
            await Task.yield()
        }
        try await cluster.becomeWhole()
    }

    @Test func theFollowerThatDiffersIsLetInAnewWithTheLogOfTheOthers() async throws {
        let cluster = try cluster(3)
        try await fill(cluster)
        try await cluster.becomeWhole()
        let place = (try place(of: try await cluster.leader(), in: cluster) + 1) % 3
        let number = try #require(cluster.store(place)?.memberStatus?.me)
        try alter("k7", at: place, of: cluster)
        try await isLetInAnew(place, number, in: cluster)
        let repaired = try #require(cluster.store(place))
        #expect(repaired.memberStatus?.me != number)
        let whole = try await cluster.leader()
        try await repaired.confirmNewest()
        #expect(try repaired.fingerprint() == whole.fingerprint())
        #expect(cluster.damage.isEmpty)
        // Nobody else has been put out; the leader has told of the one that was.
        #expect(cluster.differences.filter(\.isOfThisMember).count == 1)
        #expect(cluster.differences.contains { $0.member == number })
        let others = [0, 1, 2].filter { $0 != place }.compactMap { cluster.store($0) }
        #expect(others.map(\.differencesFound).reduce(0, +) == 1)
    }

    @Test func theLeaderThatDiffersGoesAndTheOthersGoOn() async throws {
        let cluster = try cluster(3)
        try await fill(cluster)
        try await cluster.becomeWhole()
        let number = try #require(cluster.store(0)?.memberStatus?.me)
        cluster.stop(try #require(cluster.store(2)))
        try alter("k7", at: 0, of: cluster)
        // Of two that differ, nobody is put out, so it can be asked to lead.
        while true {
            let leader = try await cluster.leader()
            if leader.memberStatus?.me == number { break }
            do throws(MemberChangeRefusal) {
                try await leader.transferLeadership(to: number)
            } catch {}
        }
        #expect(!cluster.differences.contains { $0.isOfThisMember })
        try cluster.start(2)
        try await isLetInAnew(0, number, in: cluster)
        #expect(cluster.store(0)?.memberStatus?.me != number)
        let leader = try await cluster.leader()
        for store in cluster.stores {
            try await store.confirmNewest()
            #expect(try store.fingerprint() == leader.fingerprint())
        }
        #expect(cluster.differences.filter(\.isOfThisMember).count == 1)
    }

    @Test func nobodyIsPutOutOfTwoAsNobodyCanTellWhoIsRight() async throws {
        let cluster = try cluster(2)
        try await fill(cluster)
        try await cluster.becomeWhole()
        let numbers = cluster.stores.compactMap { $0.memberStatus?.me }
        try alter("k7", at: 0, of: cluster)
        while cluster.differences.isEmpty { await Task.yield() }
        let sums = try #require(cluster.differences.first?.sums)
        #expect(Set(sums.keys) == Set(numbers) && Set(sums.values).count == 2)
        try await cluster.put("goes", "on")
        try await cluster.becomeWhole()
        #expect(Set(cluster.stores.compactMap { $0.memberStatus?.me }) == Set(numbers))
        #expect(!cluster.differences.contains { $0.isOfThisMember })
    }

    /// Leases, compactions, segments given back, starts with and without a checkpoint, changes of
    /// leaders: what members hold is the same, and so are the sums, however they came to them.
    @Test func membersThatHoldTheSameNeverSeemToDiffer() async throws {
        let cluster = try cluster(3)
        var random = SystemRandomNumberGenerator()
        let value = String(repeating: "v", count: 300)
        for round in 0..<16 {
            let store = try await cluster.leader()
            let lease = LeaseID(Int64(round % 5) + 1)
            // Refused if the lease is there, or is not.
            do throws(StoreError) {
                if round % 3 == 0 { try await store.revokeLease(lease) }
                try await store.grantLease(lease, for: .seconds(1000), now: .zero)
            } catch {}
            for _ in 0..<150 {
                let key = "k\(Int.random(in: 0..<100, using: &random))"
                let choice = Int.random(in: 0..<8, using: &random)
                // On a busy machine the leader may change: then nobody knows what became of it.
                do throws(StoreError) {
                    switch choice {
                    case 0: try await store.delete(key)
                    case 1: try await store.put(key, value, lease: lease)
                    default: try await store.put(key, value)
                    }
                } catch {
                    #expect([.leaseNotFound(lease), .outcomeUnknown, .noLeader].contains(error))
                }
            }
            if round % 2 == 0 {
                do throws(StoreError) { try await store.compact(at: store.revision) } catch {
                    #expect([.outcomeUnknown, .noLeader].contains(error))
                }
            }
            let place = Int.random(in: 0..<3, using: &random)
            cluster.stop(try #require(cluster.store(place)))
            if round % 4 == 1, try cluster.scratches[place].names().contains("checkpoint") {
                try cluster.scratches[place].remove("checkpoint")
            }
            try cluster.start(place)
            try await cluster.becomeWhole()
            try await isCompared(cluster)
        }
        #expect(cluster.differences.isEmpty && cluster.damage.isEmpty)
    }

    /// Waits until whoever leads has compared what there is now.
    private func isCompared(_ cluster: Cluster) async throws {
        let revision = try await cluster.leader().revision
        while !cluster.stores.contains(where: {
            ($0.memberStatus?.comparedRevision ?? .none) >= revision
        }) { await Task.yield() }
    }

    @Test func theLeaderKnowsUpToWhereAMajorityHoldsTheSame() async throws {
        let cluster = try cluster(3)
        try await fill(cluster)
        try await isCompared(cluster)
        #expect(cluster.differences.isEmpty)
    }
}

extension StoreDifference {
    fileprivate var isOfThisMember: Bool { if case .thisMember = self { true } else { false } }

    fileprivate var member: UInt64? {
        if case .member(let number, _, _, _, _) = self { number } else { nil }
    }

    fileprivate var sums: [UInt64: UInt64]? {
        if case .noMajority(_, let sums) = self { sums } else { nil }
    }
}

extension Int {
    fileprivate var littleEndianBytes: [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) }
    }
}

private func crc32c(_ bytes: ArraySlice<UInt8>, from sum: UInt32 = 0) -> UInt32 {
    let copy = Array(bytes)
    return Checksum.crc32c(copy.raw, from: sum)
}
