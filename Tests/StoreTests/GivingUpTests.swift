import Raft
import Store
import StoreCore
import Testing

@Suite("A member that gives its number up")
struct GivingUpTests {
    /// The directory of a member of three, with a damaged log in several segments.
    private func damaged() async throws -> (files: [String: [UInt8]], number: UInt64) {
        let cluster = try Cluster(3)
        try await fill(cluster)
        return try harm(cluster)
    }

    private func fill(_ cluster: Cluster) async throws {
        let leader = try await cluster.leader()
        let value = String(repeating: "v", count: 1000)
        for number in 0..<150 { try await leader.put("k\(number)", value) }
        try await cluster.becomeWhole()
    }

    private func harm(_ cluster: Cluster) throws -> (files: [String: [UInt8]], number: UInt64) {
        let store = try #require(cluster.store(0))
        let number = try #require(store.memberStatus?.me)
        cluster.stop(store)
        let files = try LogFilesOnDisk(cluster.scratches[0])
        #expect(files.names.count > 2)
        let record = try #require(files.records.first { $0.kind == .transaction })
        try cluster.scratches[0].flip(record.file, at: record.end - 1)
        let names = try cluster.scratches[0].names().filter { !$0.hasPrefix("reserve") }
        let contents = try names.map { try cluster.scratches[0].bytes($0) }
        return (Dictionary(uniqueKeysWithValues: zip(names, contents)), number)
    }

    private func options(_ disk: any Disk) -> StoreOptions {
        var options = StoreOptions()
        let founders = (0..<3).map {
            ClusterOptions.Founder(name: "n\($0)", peerAddress: "n\($0):1")
        }
        options.cluster = ClusterOptions(me: founders[0], beginning: .founding(founders)) {
            _, _, _ in
        }
        options.disk = disk
        return options
    }

    /// Whether the disk lasted.
    private func isOpened(_ scratch: Scratch, endingAfter calls: Int) throws -> Bool {
        let disk = CountingDisk(failingAt: calls)
        do {
            try Store.open(directory: scratch.path, options: options(disk)).close()
        } catch StoreError.system {
            return !disk.hasFailed
        }
        return !disk.hasFailed
    }

    @Test func goesOnWithItWhereverItWasInterrupted() async throws {
        let before = try await damaged()
        var calls = 0
        while try !isRepaired(before.files, before.number, endingAfter: calls) { calls += 1 }
        #expect(calls > 20)
    }

    /// Returns whether the disk lasted until the number was given up.
    private func isRepaired(
        _ files: [String: [UInt8]], _ number: UInt64, endingAfter calls: Int
    ) throws -> Bool {
        let log = files.keys.filter { $0.hasSuffix(".log") }.sorted()
        let scratch = try Scratch()
        for name in files.keys { try scratch.write(name, files[name] ?? []) }
        let isWhole = try isOpened(scratch, endingAfter: calls)
        let store = try Store.open(directory: scratch.path, options: options(PosixDisk()))
        let now = try #require(store.memberStatus)
        store.close()
        #expect(now.me != number, "after \(calls) calls")
        #expect(now.lastIndex == 0 && now.term == 0, "the new number has said nothing")
        let there = try scratch.names().filter { $0.hasPrefix("damaged-") }
        #expect(there == log.map { "damaged-\($0)" }, "after \(calls) calls")
        let text = try scratch.bytes("member")
        let read = IdentityFile(text.raw)
        let identity = try #require(read)
        #expect(identity.member.number == now.me)
        #expect(identity.replaced.contains(MemberID(number)))
        return isWhole
    }
}
