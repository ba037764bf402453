import Store
import StoreCore
import Testing

@Suite("A backup")
struct BackupTests {
    let scratch: Scratch
    let store: Store

    init() throws {
        scratch = try Scratch()
        store = try Store.openSmall(scratch.path + "/log")
    }

    private func fill(_ count: Int, valueBytes: Int = 1000) async throws {
        let value = String(repeating: "v", count: valueBytes)
        for number in 0..<count { try await store.put("k\(number % 37)", "\(number) \(value)") }
    }

    @Test func hasAllThatWasAcknowledged() async throws {
        try await fill(200)
        try await store.delete("k3")
        let log = try OfflineLog.open(try scratch.backup(of: store))
        #expect(try log.text() == store.contents())
        let report = try log.verify()
        #expect(report.revision == store.revision)
        #expect(report.keys == 36)
        #expect(report.segments > 3)
        #expect(report.takenAt == 1_000)
        #expect(report.committedIndex == report.lastIndex)
        store.close()
    }

    @Test func isAsLongAsItSays() async throws {
        try await fill(100)
        let stream = store.backup(takenAt: 0)
        #expect(try stream.collect().count == stream.byteCount)
        store.close()
    }

    @Test func keepsHistory() async throws {
        try await store.put("a", "1")
        let first = store.revision
        try await store.put("a", "2")
        let log = try OfflineLog.open(try scratch.backup(of: store))
        #expect(try log.text(at: first) == "a=1")
        #expect(try log.text() == "a=2")
        store.close()
    }

    @Test func isOfTheMomentAtWhichItWasBegun() async throws {
        try await fill(300)
        let (contents, revision) = (try store.contents(), store.revision)
        var stream = store.backup(takenAt: 0)
        var bytes = try #require(try stream.next())
        bytes += try #require(try stream.next())
        // While nobody reads on, all the segments that it is of are given back.
        let before = Set(try scratch.segments("log"))
        for _ in 0..<100 where !before.isDisjoint(with: try scratch.segments("log")) {
            try await fill(100)
            try await store.compact(at: store.revision)
        }
        #expect(before.isDisjoint(with: try scratch.segments("log")))
        bytes += try stream.collect()
        let log = try OfflineLog.open(try scratch.write(bytes, to: "backup"))
        #expect(try log.text() == contents)
        #expect(try log.verify().revision == revision)
        store.close()
    }

    @Test func thatBreaksOffIsRefusedAndSaysWhere() async throws {
        try await fill(20, valueBytes: 10)
        let bytes = try store.backup(takenAt: 0).collect()
        for count in stride(from: 0, to: bytes.count, by: 11) {
            let file = try scratch.write(Array(bytes.prefix(count)), to: "cut")
            let problem = try #require(throws: LogProblem.self) {
                try OfflineLog.open(file).verify()
            }
            if count > 200 { #expect(problem.offset == count) }
        }
        let file = try scratch.write(bytes + [0], to: "long")
        #expect(throws: LogProblem.self) { try OfflineLog.open(file).verify() }
        store.close()
    }

    @Test func withAFlippedBitIsRefusedWhereverItIs() async throws {
        try await fill(20, valueBytes: 10)
        try await store.compact(at: store.revision)
        let bytes = try store.backup(takenAt: 0).collect()
        let header = try BackupHeader(in: bytes.raw).byteCount
        for offset in bytes.indices {
            var flipped = bytes
            flipped[offset] ^= UInt8(1 << (offset % 8))
            let file = try scratch.write(flipped, to: "flipped")
            let problem = try #require(throws: LogProblem.self, "offset \(offset)") {
                try OfflineLog.open(file).verify()
            }
            guard let place = problem.offset, offset >= header, place < bytes.count - 16 else {
                continue
            }
            // Within the record that the bit is in.
            #expect(abs(place - offset) < 400, "\(offset): \(problem)")
        }
        store.close()
    }

    @Test func ofAMemberThatIsStoppedIsItsDirectory() async throws {
        try await fill(200)
        #expect(throws: LogProblem.self) { try OfflineLog.open(scratch.path) }
        let (contents, revision) = (try store.contents(), store.revision)
        store.close()
        let log = try OfflineLog.open(scratch.path)
        #expect(throws: StoreError.locked(directory: scratch.path + "/log")) {
            try Store.openSmall(scratch.path + "/log")
        }
        #expect(try log.text() == contents)
        let report = try log.verify()
        #expect(report.revision == revision)
        #expect(report.committedIndex == report.lastIndex)
        #expect(report.members.count == 1)
    }

    @Test func ofNothingIsNone() throws {
        store.close()
        #expect(throws: LogProblem.self) { try OfflineLog.open(scratch.path + "/nothing") }
        let file = try scratch.write(Array("apiVersion: v1\nkind: List\n".utf8), to: "list")
        let problem = try #require(throws: LogProblem.self) { try OfflineLog.open(file) }
        #expect(problem.kind == .unusable)
        #expect("\(problem)".contains("no snapshot"))
    }
}

extension Scratch {
    /// Names and salts of segments: a name is used once, but files are used again.
    func segments(_ directory: String) throws -> [String] {
        try Self.names(in: path + "/" + directory).filter { $0.hasSuffix(".log") }
    }
}
