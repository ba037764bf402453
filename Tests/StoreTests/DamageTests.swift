import Store
import StoreCore
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

@Suite("When a member's log is damaged", .serialized, .timeLimit(.minutes(5)))
struct DamageTests {
    /// Some history in several segments: puts, deletes, leases, a compaction.
    private func fill(_ store: Store) async throws {
        let value = String(repeating: "v", count: 700)
        try await store.grantLease(LeaseID(7), for: .seconds(1000), now: .zero)
        for number in 0..<200 {
            try await store.put("k\(number % 60)", "\(number) \(value)")
            if number % 7 == 0 { try await store.delete("k\(number % 60)") }
        }
        try await store.put("leased", "x", lease: LeaseID(7))
        try await store.compact(at: store.revision)
        for number in 0..<40 { try await store.put("late\(number)", "\(number) \(value)") }
    }

    @Test func aDamagedRecordOfAnyKindIsRepairedFromTheOthers() async throws {
        let cluster = try Cluster(3)
        try await fill(try await cluster.leader())
        var kindsHit: Set<RecordKind> = []
        for round in 0..<12 {
            try await cluster.becomeWhole()
            let place = round % 3
            let store = try #require(cluster.store(place))
            let number = store.memberStatus?.me
            cluster.stop(store)
            let files = try LogFilesOnDisk(cluster.scratches[place])
            let records = files.records.filter { !kindsHit.contains($0.kind) && $0.isFollowed }
            guard let record = records.last ?? files.records.first else { break }
            kindsHit.insert(record.kind)
            let offset = round % 2 == 0 ? record.offset + 20 : record.end - 1
            try cluster.scratches[place].flip(record.file, at: offset)
            let before = cluster.damage.count
            try cluster.start(place)
            #expect(cluster.damage.count == before + 1, "\(record)")
            #expect(cluster.damage.last?.file.hasSuffix(record.file) ?? false)
            try await cluster.becomeWhole()
            let repaired = try #require(cluster.store(place))
            #expect(repaired.memberStatus?.me != number)
            let leader = try await cluster.leader()
            try await repaired.confirmNewest()
            #expect(try repaired.fingerprint() == leader.fingerprint())
            #expect(try cluster.scratches[place].names().contains("damaged-\(record.file)"))
        }
        #expect(kindsHit.isSuperset(of: [.opening, .transaction, .vote, .noop, .seal]))
    }

    @Test func aDamagedOrLostHeaderSegmentOrCheckpointIsNoMatterEither() async throws {
        let cluster = try Cluster(3)
        try await fill(try await cluster.leader())
        let harms: [(Scratch, LogFilesOnDisk) throws -> Void] = [
            { try $0.flip($1.names[0], at: 9) },
            { try $0.flip($1.names.last ?? "", at: 40) },
            { try $0.remove($1.names[1]) },
            { scratch, files in for name in files.names { try scratch.remove(name) } },
        ]
        for harm in harms {
            try await cluster.becomeWhole()
            let store = try #require(cluster.store(1))
            let number = store.memberStatus?.me
            cluster.stop(store)
            try harm(cluster.scratches[1], LogFilesOnDisk(cluster.scratches[1]))
            try cluster.start(1)
            try await cluster.becomeWhole()
            let repaired = try #require(cluster.store(1))
            #expect(repaired.memberStatus?.me != number)
            let leader = try await cluster.leader()
            try await repaired.confirmNewest()
            #expect(try repaired.fingerprint() == leader.fingerprint())
        }
    }

    @Test func oneThatWasAwayWhileAllOthersChangedTheirNumbersFindsThem() async throws {
        let cluster = try Cluster(5)
        let last = 4
        try await fill(try await cluster.leader())
        try await cluster.becomeWhole()
        cluster.stop(try #require(cluster.store(last)))
        for place in 0..<last {
            cluster.stop(try #require(cluster.store(place)))
            let files = try LogFilesOnDisk(cluster.scratches[place])
            let record = try #require(files.records.last { $0.isFollowed })
            try cluster.scratches[place].flip(record.file, at: record.end - 1)
            try cluster.start(place)
            try await cluster.becomeWhole(without: [last])
        }
        let leader = try await cluster.leader()
        let late = try cluster.start(last)
        // Its log knows none of those that are there now.
        try await late.confirmNewest()
        #expect(try late.fingerprint() == leader.fingerprint())
    }

    /// One that has lost its log knows the numbers of its beginning, and its leader has another.
    @Test func aLostLogIsReplacedByALeaderThatWasLetInAnewItself() async throws {
        let cluster = try Cluster(3)
        try await fill(try await cluster.leader())
        for place in [0, 1] {
            try await cluster.becomeWhole()
            if place == 1 {
                let renewed = try #require(cluster.store(0)?.memberStatus?.me)
                while try #require(cluster.store(0)).isDeciding == false {
                    try await cluster.becomeWhole()
                    let leader = try await cluster.leader()
                    do throws(MemberChangeRefusal) {
                        try await leader.transferLeadership(to: renewed)
                    } catch {}
                }
            }
            cluster.stop(try #require(cluster.store(place)))
            for name in try LogFilesOnDisk(cluster.scratches[place]).names {
                try cluster.scratches[place].remove(name)
            }
            try cluster.start(place)
        }
        try await cluster.becomeWhole()
        let repaired = try #require(cluster.store(1))
        let leader = try await cluster.leader()
        try await repaired.confirmNewest()
        #expect(try repaired.fingerprint() == leader.fingerprint())
    }

    /// Loses the last member's log so many times; each time it is let in anew.
    private func loseLog(_ cluster: Cluster, times: Int, isRead: Bool) async throws {
        for _ in 0..<times {
            try await cluster.becomeWhole()
            let store = try #require(cluster.store(2))
            // Twice round: the first may have begun before this life of the log.
            let enough = store.scrubbedBytes + 3 * store.logBytes
            while isRead, store.scrubbedBytes < enough { await Task.yield() }
            cluster.stop(store)
            for name in try LogFilesOnDisk(cluster.scratches[2]).names {
                try cluster.scratches[2].remove(name)
            }
            try cluster.start(2)
        }
        try await cluster.becomeWhole()
    }

    @Test func aDiskThatDamagesOneLogAfterTheOtherIsNotGivenAnother() async throws {
        let cluster = try Cluster(3) { $0.scrubbing.delay = .seconds(3600) }
        try await cluster.put("a", "1")
        try await loseLog(cluster, times: 10, isRead: false)
        await #expect(throws: StoreError.self) {
            try await loseLog(cluster, times: 1, isRead: false)
        }
        #expect(cluster.damage.last?.remedy == .anotherDisk(exchanges: 10))
    }

    @Test func whatWasFoundSoundInBetweenDoesNotCount() async throws {
        let cluster = try Cluster(3) {
            $0.scrubbing.delay = .zero
            $0.scrubbing.interval = .milliseconds(5)
            $0.scrubbing.bytesPerSecond = 1 << 30
        }
        try await cluster.put("a", "1")
        try await loseLog(cluster, times: 11, isRead: true)
        #expect(try cluster.store(2)?.text("a") == "1")
    }

    @Test func aDamagedIdentityIsMendedFromItsCopy() async throws {
        let cluster = try Cluster(3)
        let leader = try await cluster.leader()
        try await leader.put("a", "1")
        for name in ["member", "member.copy"] {
            try await cluster.becomeWhole()
            let store = try #require(cluster.store(2))
            let number = store.memberStatus?.me
            cluster.stop(store)
            try cluster.scratches[2].flip(name, at: 17)
            let restarted = try cluster.start(2)
            #expect(restarted.memberStatus?.me == number)
            #expect(cluster.damage.isEmpty)
        }
        cluster.stop(try #require(cluster.store(2)))
        try cluster.scratches[2].flip("member", at: 17)
        try cluster.scratches[2].remove("member.copy")
        #expect(throws: StoreError.self) { try cluster.start(2) }
    }

    @Test func oneThatIsAloneRefusesToStartAndSaysWhere() async throws {
        let scratch = try Scratch()
        let store = try Store.open(directory: scratch.path)
        for number in 0..<10 { try await store.put("k\(number)", "x") }
        store.close()
        let record = try #require(LogFilesOnDisk(scratch).records.first { $0.kind == .transaction })
        try scratch.flip(record.file, at: record.end - 1)
        #expect {
            try Store.open(directory: scratch.path)
        } throws: { error in
            guard case StoreError.damaged(let file, let damage) = error else { return false }
            return file.hasSuffix(record.file) && damage.offset == record.offset
        }
    }

    @Test func twoMembersCannotSpareOne() async throws {
        let cluster = try Cluster(2)
        let leader = try await cluster.leader()
        for number in 0..<10 { try await leader.put("k\(number)", "x") }
        cluster.stop(try #require(cluster.store(1)))
        let files = try LogFilesOnDisk(cluster.scratches[1])
        let record = try #require(files.records.first { $0.kind == .transaction })
        try cluster.scratches[1].flip(record.file, at: record.end - 1)
        #expect(throws: StoreError.self) { try cluster.start(1) }
    }

    @Test func whatNobodyReadsIsFoundByReadingAllNowAndThen() async throws {
        let cluster = try Cluster(3) { options in
            options.scrubbing.delay = .zero
            options.scrubbing.interval = .milliseconds(100)
            options.scrubbing.bytesPerSecond = 100 << 20
        }
        try await fill(try await cluster.leader())
        for place in 0..<3 {
            try await cluster.becomeWhole()
            let store = try #require(cluster.store(place))
            let number = store.memberStatus?.me
            let files = try LogFilesOnDisk(cluster.scratches[place])
            let record = try #require(files.records.first { $0.kind == .transaction })
            #expect(cluster.damage.count == place)
            try cluster.scratches[place].flip(record.file, at: record.end - 1)
            while cluster.damage.count == place { await Task.yield() }
            #expect(cluster.damage.last?.file.hasSuffix(record.file) ?? false)
            let expected = LogDamage(offset: record.offset, reason: .record)
            #expect(cluster.damage.last?.damage == expected)
            while cluster.store(place)?.memberStatus?.me == number {
                try cluster.reopenIfWanted(place)
                await Task.yield()
            }
        }
        try await cluster.becomeWhole()
        let leader = try await cluster.leader()
        for store in cluster.stores {
            try await store.confirmNewest()
            #expect(try store.fingerprint() == leader.fingerprint())
        }
    }

    @Test(arguments: [true, false])
    func aRunningMemberThatReadsDamageIsLetInAnew(leads: Bool) async throws {
        let cluster = try Cluster(3)
        let leader = try await cluster.leader()
        try await fill(leader)
        try await cluster.becomeWhole()
        let place = try #require(
            cluster.founders.indices.first {
                cluster.store($0).map { ($0 === leader) == leads } ?? false
            })
        let store = try #require(cluster.store(place))
        let number = store.memberStatus?.me
        let wanted = try #require(try store.get(.text("late5"))?.text)
        let files = try LogFilesOnDisk(cluster.scratches[place])
        let record = try #require(files.records.last { $0.text.contains("late5") })
        try cluster.scratches[place].flip(record.file, at: record.end - 9)
        #expect(throws: StoreError.self) { try store.get(.text("late5")) }
        var answers: Set<String> = []
        while cluster.store(place)?.memberStatus?.me == number {
            // No wrong answer is given in the meantime, though there may be none.
            do throws(StoreError) {
                if let text = try cluster.store(place)?.text("late5") { answers.insert(text) }
            } catch {}
            try cluster.reopenIfWanted(place)
            await Task.yield()
        }
        try await cluster.becomeWhole()
        #expect(answers.isSubset(of: [wanted]))
        let repaired = try #require(cluster.store(place))
        let newest = try await cluster.leader()
        try await repaired.confirmNewest()
        #expect(try repaired.text("late5") == wanted)
        #expect(try repaired.fingerprint() == newest.fingerprint())
    }
}

/// The log of a member that is stopped, or at rest.
struct LogFilesOnDisk {
    struct Record: CustomStringConvertible {
        var file: String
        var kind: RecordKind
        var offset: Int
        var end: Int
        /// Its payload as text.
        var text: String
        /// Whether something follows it that proves that it was synced.
        var isFollowed = true

        var description: String { "\(kind) at \(offset) of \(file)" }
    }

    private(set) var names: [String] = []
    private(set) var records: [Record] = []

    init(_ scratch: Scratch) throws {
        names = try scratch.names().filter { $0.hasSuffix(".log") && !$0.hasPrefix("damaged") }
        for name in names { try read(name, try scratch.bytes(name)) }
        if !records.isEmpty { records[records.count - 1].isFollowed = false }
    }

    private mutating func read(_ name: String, _ bytes: [UInt8]) throws {
        var scan = SegmentScan(header: try SegmentHeader(in: bytes.raw), after: nil)
        while let batch = try scan.nextBatch(in: bytes.raw) {
            var offset = batch.lowerBound
            while offset < batch.upperBound {
                let record = try LogRecord(at: offset, of: bytes.raw)
                offset = (record.payload.upperBound + 7) / 8 * 8
                records.append(
                    Record(
                        file: name, kind: record.kind, offset: record.offset,
                        end: offset, text: String(decoding: bytes[record.payload], as: UTF8.self)))
            }
        }
    }
}

extension Store {
    /// All keys, with values and revisions.
    func fingerprint() throws(StoreError) -> [String] {
        var lines: [String] = []
        try withRange(.all) { key, value, version in
            let text = String(decoding: [UInt8](value), as: UTF8.self)
            lines.append(
                "\(String(decoding: [UInt8](key), as: UTF8.self)) \(version.createRevision) "
                    + "\(version.modRevision) \(version.version) \(version.lease) \(text)")
        }
        return lines
    }
}
