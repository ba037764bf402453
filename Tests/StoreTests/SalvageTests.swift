@testable import Store
import StoreCore
import Testing

extension Scratch {
    /// Writes something else over some bytes of a file.
    func scribble(_ name: String, _ range: Range<Int>) throws {
        for offset in range { try flip(name, at: offset) }
    }
}

/// Random numbers that are the same for the same seed.
private struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite("What can be read of a damaged log")
struct SalvageTests {
    let scratch: Scratch
    private let value = String(repeating: "v", count: 300)

    init() throws { scratch = try Scratch() }

    // MARK: A store that is damaged

    private func open(checkpoints: Bool = false) throws(StoreError) -> Store {
        var options = StoreOptions()
        options.segmentBytesMin = 64 * 1024
        options.segmentBytesMax = 64 * 1024
        // Written when it is closed.
        if checkpoints { options.checkpointBytesMin = 8 }
        return try Store.open(directory: scratch.path, options: options)
    }

    /// A store with these writes, "k=v" or "-k", which is closed. Returns what it held.
    @discardableResult
    private func write(_ writes: [String], checkpoints: Bool = false) async throws -> String {
        let store = try open(checkpoints: checkpoints)
        for write in writes {
            guard !write.hasPrefix("-") else {
                try await store.delete(String(write.dropFirst()))
                continue
            }
            let words = write.split(separator: "=", maxSplits: 1).map(String.init)
            try await store.put(words[0], words[1])
        }
        let contents = try store.contents()
        store.close()
        return contents
    }

    private func every(_ kind: RecordKind, with text: String = "") throws
        -> [LogFilesOnDisk.Record]
    {
        try LogFilesOnDisk(scratch).records.filter { $0.kind == kind && $0.text.contains(text) }
    }

    private func newest(_ kind: RecordKind, with text: String = "") throws -> LogFilesOnDisk.Record {
        try #require(try every(kind, with: text).last)
    }

    /// More than one bit in the value of the last change in a record.
    private func damageValue(in record: LogFilesOnDisk.Record) throws {
        try scratch.scribble(record.file, record.end - 16..<record.end - 8)
    }

    private func isRefused() -> Bool {
        do { try Store.open(directory: scratch.path).close() } catch { return true }
        return false
    }

    private func look() throws -> SalvageReport { try Salvage(directory: scratch.path).report }

    /// Salvages, and returns what the store holds when it is started then.
    private func salvaged() throws -> String {
        #expect(isRefused())
        _ = try Salvage(directory: scratch.path).run()
        return try contents()
    }

    private func contents() throws -> String {
        let store = try Store.open(directory: scratch.path)
        defer { store.close() }
        return try store.contents()
    }

    /// Keys that have lost something, as "k lost 5 left 3".
    private func shown(_ report: SalvageReport) -> [String] {
        report.keys.map { key in
            "\(String(decoding: key.key, as: UTF8.self)) lost \(key.lost) left "
                + (key.left.map { "\($0)" } ?? "nothing")
        }
    }

    // MARK: Damage of one record

    @Test func ofALogThatIsWholeNothingIsToBeDone() async throws {
        try await write(["a=1", "b=2"])
        let report = try look()
        #expect(report.problem == nil)
        #expect(report.losesNothing && report.places.isEmpty)
        #expect(report.keysLeft == 2)
    }

    @Test func lookingChangesNothing() async throws {
        try await write(["a=1", "b=2", "c=3"])
        try damageValue(in: try newest(.transaction, with: "b"))
        let before = try scratch.names().map { try scratch.bytes($0) }
        let report = try look()
        #expect(report.problem?.kind == .damaged)
        #expect(try scratch.names().map { try scratch.bytes($0) } == before)
        #expect(isRefused())
    }

    @Test func aDamagedValueIsNamedAndTheOneBeforeItIsLeft() async throws {
        try await write(["a=first \(value)", "b=1", "a=second \(value)", "b=2"])
        let damaged = try newest(.transaction, with: "second")
        try damageValue(in: damaged)
        let report = try look()
        #expect(shown(report) == ["a lost 4 left 2"])
        #expect(!report.mayHideMore)
        let place = try #require(report.places.first)
        #expect(report.places.count == 1 && place.file.hasSuffix(damaged.file))
        #expect(place.range == damaged.offset..<damaged.end)
        #expect(place.kinds == [.transaction] && place.keys == 1)
        #expect(try salvaged() == "a=first \(value) b=2")
    }

    /// No record follows it but the mark that says that all before is synced.
    @Test func theLastWriteIsNamedLikeAnyOther() async throws {
        try await write(["b=1", "a=first \(value)", "a=second \(value)"])
        try damageValue(in: try newest(.transaction, with: "second"))
        let report = try look()
        #expect(shown(report) == ["a lost 4 left 3"])
        #expect(!report.losesNothing && report.places.map(\.kinds) == [[.transaction]])
        #expect(try salvaged() == "a=first \(value) b=1")
    }

    @Test func aDeleteThatWasTheLastWriteStaysOne() async throws {
        try await write(["a=1", "b=2", "-b"])
        let last = try newest(.transaction, with: "b")
        try scratch.scribble(last.file, last.offset + 16..<last.offset + 20)
        #expect(try salvaged() == "a=1")
    }

    @Test func aDamagedValueOfANewKeyIsNamedAndTheKeyIsGone() async throws {
        try await write(["a=1", "b=new \(value)", "c=3"])
        try damageValue(in: try newest(.transaction, with: "new"))
        let report = try look()
        #expect(shown(report) == ["b lost 3 left nothing"])
        // Nothing else has that name, so the name itself may be what is damaged.
        #expect(report.mayHideMore)
        #expect(try salvaged() == "a=1 c=3")
    }

    @Test func damageInADeadValueCostsNothing() async throws {
        let expected = try await write(["a=first \(value)", "a=second \(value)", "b=1"])
        try damageValue(in: try newest(.transaction, with: "first"))
        let report = try look()
        #expect(report.losesNothing && report.places.count == 1)
        #expect(try salvaged() == expected)
    }

    @Test func aDeleteThatIsDamagedStaysOne() async throws {
        try await write(["a=1", "b=2", "-a", "c=3"])
        let delete = try #require(try every(.transaction, with: "a").last)
        // The revision of the record, not that of the change.
        try scratch.scribble(delete.file, delete.offset + 40..<delete.offset + 43)
        var report = try look()
        #expect(report.losesNothing)
        // The change itself, too: its checksum.
        try scratch.scribble(delete.file, delete.end - 56 + 12..<delete.end - 56 + 14)
        report = try look()
        #expect(report.losesNothing && report.keysKeptDeleted == 1)
        #expect(try salvaged() == "b=2 c=3")
    }

    @Test func aKeyThatWasMadeAgainAfterItsDeleteDoesNotGetItsOldValueBack() async throws {
        try await write(["a=1", "-a", "b=2", "a=again \(value)", "c=3"])
        try damageValue(in: try newest(.transaction, with: "again"))
        #expect(shown(try look()) == ["a lost 5 left nothing"])
        #expect(try salvaged() == "b=2 c=3")
    }

    @Test func ofATransactionOnlyWhatIsDamagedIsLost() async throws {
        let store = try open()
        try await store.put("b", "old")
        _ = try await store.propose(
            Transaction(then: [
                .put(key: .text("a"), value: .text("1 \(value)")), .put(key: .text("b"), value: .text("2 \(value)")),
                .put(key: .text("c"), value: .text("3 \(value)")),
            ]))
        try await store.put("d", "4")
        store.close()
        let record = try newest(.transaction, with: "3 \(value)")
        let bytes = try scratch.bytes(record.file)
        let start = try #require(
            (record.offset..<record.end).first { bytes[$0...].starts(with: Array("2 vvv".utf8)) })
        try scratch.scribble(record.file, start + 20..<start + 40)
        #expect(shown(try look()) == ["b lost 3 left 2"])
        #expect(try salvaged() == "a=1 \(value) b=old c=3 \(value) d=4")
    }

    @Test func oneFlippedBitIsPutRightWhereverItIs() async throws {
        let store = try open()
        try await store.grantLease(LeaseID(7), for: .seconds(1000), now: .zero)
        for number in 0..<300 {
            try await store.put("k\(number % 50)", "\(number) \(value)")
            if number % 9 == 0 { try await store.delete("k\(number % 50)") }
        }
        let expected = try store.contents()
        store.close()
        let files = try LogFilesOnDisk(scratch)
        var (kinds, number): (Set<RecordKind>, Int) = ([], 0)
        for record in files.records where record.isFollowed {
            guard number % 17 == 0 || !kinds.contains(record.kind) else {
                number += 1
                continue
            }
            number += 1
            kinds.insert(record.kind)
            let offset = record.offset + (number * 7919) % (record.end - record.offset)
            try scratch.flip(record.file, at: offset)
            let report = try look()
            #expect(report.losesNothing && report.problem != nil, "\(record) \(offset)")
            #expect(report.places.map(\.range) == [offset..<offset + 1], "\(record)")
            #expect(report.places.allSatisfy { $0.isMended })
            try scratch.flip(record.file, at: offset)
        }
        #expect(kinds.isSuperset(of: [.opening, .transaction, .noop, .vote, .seal, .lease]))
        let record = try #require(files.records.first { $0.kind == .transaction })
        for offset in [record.offset, record.offset + 4, record.offset + 6, record.end - 1] {
            try scratch.flip(record.file, at: offset)
            #expect(try look().losesNothing)
            try scratch.flip(record.file, at: offset)
        }
        try scratch.flip(record.file, at: record.offset + 5)
        #expect(try salvaged() == expected)
    }

    // MARK: Damage of segments

    /// Several segments; each of fifty keys is put several times, and the last ones once.
    @discardableResult
    private func writeSegments(checkpoints: Bool = false) async throws -> String {
        try await write(
            (0..<900).map { "k\($0 % 50)=\($0) \(value)" } + (0..<10).map { "z\($0)=\($0)" },
            checkpoints: checkpoints)
    }

    @Test func aLostHeaderAndOpeningCostNothing() async throws {
        let expected = try await writeSegments()
        let (names, openings) = (try LogFilesOnDisk(scratch).names, try every(.opening))
        #expect(names.count > 3)
        for name in names { try scratch.scribble(name, 0..<40) }
        for opening in openings {
            try scratch.scribble(opening.file, opening.offset + 50..<opening.end)
        }
        #expect(try salvaged() == expected)
    }

    @Test func aHeaderIsMadeAgainFromTheRecords() async throws {
        let expected = try await writeSegments()
        for name in try LogFilesOnDisk(scratch).names { try scratch.scribble(name, 0..<64) }
        let report = try look()
        #expect(report.losesNothing)
        #expect(try salvaged() == expected)
    }

    @Test func aDamagedSealCostsNothing() async throws {
        let expected = try await writeSegments()
        for seal in try every(.seal) {
            try scratch.scribble(seal.file, seal.offset + 8..<seal.offset + 30)
        }
        let report = try look()
        #expect(report.losesNothing && report.places.allSatisfy { $0.kinds == [.seal] })
        #expect(try salvaged() == expected)
    }

    @Test func damageInTheMiddleOfTheLastSegmentLosesWhatWasThereAlone() async throws {
        try await writeSegments()
        let last = try #require(LogFilesOnDisk(scratch).names.last)
        let records = try LogFilesOnDisk(scratch).records.filter {
            $0.file == last && $0.kind == .transaction
        }
        let (from, to) = (records[records.count - 8], records[records.count - 3])
        // Everything from the middle of one to the middle of another.
        try scratch.scribble(last, from.offset + 12..<to.offset + 12)
        let report = try look()
        #expect(report.mayHideMore)
        let place = try #require(report.places.first)
        #expect(place.revisions == Revision(904)...Revision(909))
        let left = try salvaged()
        #expect(left.contains("z1=1") && left.contains("z8=8") && !left.contains("z5=5"))
        #expect(left.contains("k49=899"))
    }

    @Test func aLostSegmentIsSaidToHideChangesUnlessACheckpointKnowsThem() async throws {
        try await writeSegments()
        let names = try LogFilesOnDisk(scratch).names
        try scratch.remove(names[1])
        let report = try look()
        #expect(report.mayHideMore && report.keys.isEmpty)
        let place = try #require(report.places.first)
        #expect(report.places.count == 1 && place.range == nil && place.file.hasSuffix(names[1]))
        let lost = try #require(place.revisions)
        #expect(lost.upperBound.number - lost.lowerBound.number > 50)
        // All that lay there is dead, as it happens.
        #expect(try salvaged().contains("k49=899"))
    }

    @Test func aCheckpointTellsWhichKeysALostSegmentHad() async throws {
        let writes = (0..<100).map { "only\($0)=\($0) \(value)" } + ["-only0"]
            + (0..<400).map { "k\($0 % 50)=\($0) \(value)" } + ["only1=again"]
        try await write(["only0=old", "only2=old"] + (0..<150).map { "f\($0)=\(value)" } + writes,
            checkpoints: true)
        let files = try LogFilesOnDisk(scratch)
        let gone = try #require(files.records.last { $0.text.contains("only0") }).file
        #expect(try scratch.names().contains("checkpoint"))
        #expect(gone != files.records.first?.file)
        let keysThere = Set(
            files.records.filter { $0.file == gone && $0.kind == .transaction }
                .flatMap { record in (2..<100).filter { record.text.contains("only\($0)\($0) ") } })
        try scratch.remove(gone)
        let report = try look()
        #expect(!report.mayHideMore)
        let lost = Set(report.keys.map { String(decoding: $0.key, as: UTF8.self) })
        #expect(lost.isSuperset(of: keysThere.map { "only\($0)" }))
        #expect(!lost.contains("only1") && !lost.contains("k49") && !lost.contains("only0"))
        #expect(report.keys.allSatisfy { $0.left == nil || $0.key == .text("only2") })
        let left = try salvaged()
        #expect(left.contains("only1=again") && !left.contains("only0="))
        if lost.contains("only2") { #expect(left.contains("only2=old")) }
    }

    @Test func aDamagedCheckpointBesidesTellsNothing() async throws {
        try await write(
            ["a=old", "b=1"] + (0..<300).map { "k\($0)=\(value)" } + ["a=new \(value)", "c=2"],
            checkpoints: true)
        try scratch.scribble("checkpoint", 90..<100)
        #expect(try look().problem == nil)
        try damageValue(in: try newest(.transaction, with: "new"))
        #expect(shown(try look()) == ["a lost 304 left 2"])
        #expect(try salvaged().hasPrefix("a=old b=1 c=2"))
    }

    @Test func twoPlacesAreTwo() async throws {
        try await write(
            ["a=1", "b=1", "a=second \(value)", "b=third \(value)", "c=1", "d=4 \(value)", "e=1"])
        let damaged = try [
            newest(.transaction, with: "second"), newest(.transaction, with: "4 \(value)"),
        ]
        for record in damaged { try damageValue(in: record) }
        let report = try look()
        #expect(report.places.count == 2)
        #expect(shown(report) == ["a lost 4 left 2", "d lost 7 left nothing"])
        #expect(report.keys.map(\.place) == [0, 1])
        #expect(try salvaged() == "a=1 b=third \(value) c=1 e=1")
    }

    @Test func copiesThatAreDamagedLoseTheKeysInThemAlone() async throws {
        let store = try Store.open(directory: scratch.path)
        for round in 0..<300 {
            // Each segment has something that is to stay.
            try await store.put("s\(round)", "\(round) \(value)")
            _ = try await store.propose(
                Transaction(
                    then: (0..<50).map { number in
                        .put(key: .text("k\(number)"), value: .text("\(round) \(value)"))
                    }))
            try await store.compact(at: store.revision)
        }
        try await store.settled { $0 < 4 * 512 * 1024 }
        store.close()
        // One that is there as a copy alone, and once.
        let records = try LogFilesOnDisk(scratch).records
        let number = try #require(
            (0..<299).first { number in
                let found = records.filter { $0.text.contains("s\(number)\(number) vvv") }
                return found.map(\.kind) == [.survivors]
            })
        let text = "s\(number)\(number) vvv"
        let copies = try newest(.survivors, with: text)
        let bytes = try scratch.bytes(copies.file)
        let start = try #require(
            (copies.offset..<copies.end).first { bytes[$0...].starts(with: Array(text.utf8)) })
        try scratch.scribble(copies.file, start + 10..<start + 20)
        let report = try look()
        #expect(report.keys.map { String(decoding: $0.key, as: UTF8.self) } == ["s\(number)"])
        let left = try salvaged()
        #expect(!left.contains("s\(number)=") && left.contains("s299=299"))
        #expect(left.split(separator: " ").filter { $0.hasPrefix("s") }.count == 299)
    }

    // MARK: Damage anywhere

    /// Files of a store that has been written to for a while, what it held in the end, and what
    /// each key has ever held.
    private struct Written {
        var files: [(name: String, bytes: [UInt8])] = []
        var last: [String: String] = [:]
        var ever: [String: Set<String>] = [:]
    }

    private func writeForAWhile(checkpoints: Bool) async throws -> Written {
        var written = Written()
        var random = SplitMix(seed: 7)
        let store = try open(checkpoints: checkpoints)
        for number in 0..<1200 {
            let key = "k\(random.next() % 200)"
            if random.next() % 5 == 0 {
                try await store.delete(key)
                written.last[key] = nil
            } else {
                let text = "\(number)-" + String(value.prefix(Int(random.next() % 300)))
                try await store.put(key, text)
                written.last[key] = text
                written.ever[key, default: []].insert(text)
            }
            if number % 300 == 299 { try await store.compact(at: store.revision) }
        }
        store.close()
        for name in try scratch.names() where name != "lock" && !name.hasPrefix("spare") {
            written.files.append((name, try scratch.bytes(name)))
        }
        return written
    }

    private func entries(_ text: String) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: text.split(separator: " ").map { entry in
                let words = entry.split(separator: "=", maxSplits: 1).map(String.init)
                return (words[0], words.count > 1 ? words[1] : "")
            })
    }

    @Test(arguments: [false, true])
    func everyLossIsNamedOrSaidToBePossible(checkpoints: Bool) async throws {
        let written = try await writeForAWhile(checkpoints: checkpoints)
        #expect(written.files.contains { $0.name == "checkpoint" } == checkpoints)
        let logs = written.files.indices.filter { written.files[$0].name.hasSuffix(".log") }
        #expect(logs.count > 2)
        var (lossless, named, hidden) = (0, 0, 0)
        for seed in UInt64(0)..<40 {
            var random = SplitMix(seed: seed)
            var files = written.files
            for _ in 0...random.next() % 3 {
                let log = logs[Int(random.next() % UInt64(logs.count))]
                // The last writes are damaged more often than their part of the bytes would have it, but
                // not the mark behind them: without it, they are a torn tail.
                let end = (written.files[log].bytes.lastIndex { $0 != 0 } ?? 0) - 48
                let isLate = random.next() % 4 == 0
                let from = isLate ? max(0, end - 2000) : 0
                let start = from + Int(random.next() % UInt64(end - from))
                let count = [1, 8, 100, 512, 4096][Int(random.next() % 5)]
                // Noise, or what belongs elsewhere.
                let other = logs[Int(random.next() % UInt64(logs.count))]
                let isNoise = random.next() % 2 == 0
                let stop = min(
                    start + count, end, written.files[other].bytes.count)
                for place in start..<max(start, stop) {
                    files[log].bytes[place] = isNoise
                        ? UInt8(truncatingIfNeeded: random.next()) : written.files[other].bytes[place]
                }
            }
            let copy = try Scratch()
            for file in files { try copy.write(file.bytes, to: file.name) }
            let salvage = try Salvage(directory: copy.path)
            let report = salvage.report
            guard report.problem != nil else { continue }
            _ = try salvage.run()
            let left = entries(try OfflineLog.open(copy.path).text())
            let lost = Set(report.keys.map { String(decoding: $0.key, as: UTF8.self) })
            for (key, text) in left {
                // Nothing is there that was not written.
                #expect(written.ever[key]?.contains(text) ?? false, "seed \(seed): \(key)")
            }
            for key in Set(left.keys).union(written.last.keys) where left[key] != written.last[key] {
                #expect(lost.contains(key) || report.mayHideMore, "seed \(seed): \(key)")
            }
            if report.losesNothing { #expect(left == written.last, "seed \(seed)") }
            lossless += report.losesNothing ? 1 : 0
            named += lost.isEmpty ? 0 : 1
            hidden += report.mayHideMore ? 1 : 0
        }
        // All of it happens.
        #expect(lossless > 0 && named > 0, "\(lossless) \(named) \(hidden)")
    }

    // MARK: What comes of it

    @Test func revisionsGoOnAboveAllThatAnybodyMayHaveSeen() async throws {
        try await write(["a=1", "a=second \(value)", "b=2"])
        try damageValue(in: try newest(.transaction, with: "second"))
        let made = try Salvage(directory: scratch.path).run(skipping: 1000)
        #expect(made.revision == Revision(1004))
        let store = try Store.open(directory: scratch.path)
        for old in [Revision(2), Revision(4), Revision(1003)] {
            #expect(throws: StoreError.compacted(requested: old, oldest: made.revision)) {
                try store.watch(.all, from: old) { _ in }
            }
        }
        #expect(try await store.put("a", "3") == Revision(1005))
        store.close()
    }

    @Test func whatWasThereIsKeptAndIsAStoreStill() async throws {
        try await write(["a=1", "a=second \(value)", "b=2"])
        try damageValue(in: try newest(.transaction, with: "second"))
        let log = try scratch.bytes("0000000001.log")
        let first = try Salvage(directory: scratch.path).run()
        #expect(first.aside == scratch.path + "/before-salvage-1")
        #expect(try scratch.bytes("before-salvage-1/0000000001.log") == log)
        #expect(shown(try Salvage(directory: first.aside).report) == ["a lost 3 left 2"])
        // A second time is another one.
        let store = try Store.open(directory: scratch.path)
        for key in ["c", "d", "e"] { try await store.put(key, value) }
        store.close()
        try damageValue(in: try newest(.transaction, with: "d"))
        #expect(try Salvage(directory: scratch.path).run().aside.hasSuffix("before-salvage-2"))
        #expect(try scratch.bytes("before-salvage-1/0000000001.log") == log)
        #expect(try contents().hasPrefix("a=1 b=2 c="))
    }

    @Test func leasesAreKept() async throws {
        let store = try open()
        try await store.grantLease(LeaseID(7), for: .seconds(10), now: .zero)
        try await store.put("leased", "x", lease: LeaseID(7))
        try await store.put("a", "new \(value)")
        try await store.put("b", "2")
        store.close()
        try damageValue(in: try newest(.transaction, with: "new"))
        _ = try Salvage(directory: scratch.path).run()
        let salvaged = try Store.open(directory: scratch.path)
        #expect(salvaged.leases == [LeaseID(7)])
        salvaged.tick(now: .zero)
        salvaged.tick(now: .seconds(11))
        try await salvaged.put("after", "z")
        #expect(try salvaged.contents() == "after=z b=2")
        salvaged.close()
    }

    @Test func aLogWhoseOwnerIsNotKnownIsTaken() async throws {
        let expected = try await write(["a=1", "b=2"])
        for name in ["member", "member.copy"] { try scratch.scribble(name, 10..<30) }
        #expect(try salvaged() == expected)
    }

    @Test func oneThatIsInUseIsLeftAlone() async throws {
        let store = try open()
        try await store.put("a", "1")
        let problem = try #require(throws: LogProblem.self) {
            try Salvage(directory: scratch.path).report
        }
        #expect(problem.kind == .inUse)
        store.close()
    }

    @Test func whereThereIsNoLogNothingIsMade() throws {
        #expect(throws: LogProblem.self) { try Salvage(directory: scratch.path).report }
        #expect(try scratch.names().isEmpty)
    }

    @Test func whatANewerVersionWroteIsNotTouched() async throws {
        try await write(["a=1", "b=2", "c=3"])
        try scratch.renew(try newest(.transaction, with: "b"))
        let problem = try #require(throws: LogProblem.self) {
            try Salvage(directory: scratch.path).report
        }
        #expect(problem.kind == .unusable && problem.remedy.contains("newer version"))
    }

    // MARK: Interruptions

    @Test func isDoneOrNotDoneWhereverItIsInterrupted() async throws {
        try await writeSegments()
        let (lost, whole) = (
            try newest(.transaction, with: "k7857"), try newest(.transaction, with: "z5")
        )
        let logs = try LogFilesOnDisk(scratch).names
        try damageValue(in: lost)
        try scratch.scribble(whole.file, whole.offset + 41..<whole.offset + 44)
        let before = try logs.map { try scratch.bytes($0) }
        var (undone, done) = (0, 0)
        for call in 0... {
            var options = StoreOptions()
            options.disk = CountingDisk(failingAt: call)
            do throws(LogProblem) {
                _ = try Salvage(directory: scratch.path, options: options).run()
                break
            } catch {
                #expect(error.kind == .unusable, "\(error)")
            }
            // A start finds what was there, as it was, or all that was salvaged.
            if isRefused() {
                undone += 1
                #expect(try logs.map { try scratch.bytes($0) } == before)
            } else {
                done += 1
                #expect(try contents().contains("z9=9"))
                // Once more.
                try putBack(logs)
            }
        }
        #expect(undone > 20 && done > logs.count)
        let left = try contents()
        #expect(left.contains("z9=9") && left.contains("z5=5") && left.contains("k7=807"))
        #expect(try scratch.names().filter { $0.hasPrefix("salva") }.isEmpty)
    }

    /// Has the store be as it was before it was salvaged.
    private func putBack(_ logs: [String]) throws {
        let aside = try #require(try scratch.names().last { $0.hasPrefix("before-salvage") })
        for name in try LogFilesOnDisk(scratch).names { Scratch.remove(scratch.path + "/" + name) }
        for name in logs + ["member", "member.copy"] {
            let bytes = try scratch.bytes("\(aside)/\(name)")
            try scratch.write(bytes, to: name)
        }
        Scratch.remove(scratch.path + "/" + aside)
    }

    // MARK: One that had others

    @Test func oneOfThreeThatIsLeftGoesOnAlone() async throws {
        let cluster = try Cluster(3)
        let leader = try await cluster.leader()
        for number in 0..<100 { try await leader.putPatiently("k\(number)", "\(number) \(value)") }
        for store in cluster.stores { try await store.confirmPatiently() }
        let revision = leader.revision
        for store in cluster.stores { cluster.stop(store) }
        let scratch = cluster.scratches[1]
        let damaged = try #require(
            try LogFilesOnDisk(scratch).records.last { $0.text.contains("k50") })
        try scratch.scribble(damaged.file, damaged.end - 20..<damaged.end - 10)
        let salvage = try Salvage(directory: scratch.path)
        #expect(salvage.report.members.count == 3)
        #expect(salvage.report.keys.map(\.key) == [.text("k50")])
        let made = try salvage.run()
        #expect(made.revision > revision)
        let survivor = try cluster.start(1)
        try await survivor.putPatiently("after", "x")
        #expect(survivor.memberStatus?.members.count == 1)
        #expect(try survivor.text("k99") == "99 \(value)")
        #expect(try survivor.text("k50") == nil)
    }
}

@Suite("Reading around what a disk does not give")
struct ReadingAroundTests {
    @Test func givesZerosForIt() {
        let whole = [UInt8](repeating: 7, count: 10_000)
        let found = OfflineFiles.bytes(whole.count) { offset, count in
            offset == 4096 ? nil : Array(whole[offset..<offset + count])
        }
        #expect(found.count == whole.count)
        #expect(found[..<4096].allSatisfy { $0 == 7 } && found[8192...].allSatisfy { $0 == 7 })
        #expect(found[4096..<8192].allSatisfy { $0 == 0 })
    }
}
