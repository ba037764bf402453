import Raft
import Replica
import StoreCore
import Testing

/// One segment in memory.
private final class OneSegment: SalvageableFiles {
    var bytes: [UInt8]
    var mended: [FlippedBit] = []

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var sequences: [UInt32] { [1] }
    func name(of sequence: UInt32) -> String { "segment \(sequence)" }
    func withCheckpoint(_ body: (RawSpan) -> Void) {}

    func withSegment<Result>(
        _ sequence: UInt32, _ body: (RawSpan) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let copy = bytes
        return try body(copy.raw)
    }

    func mend(_ bit: FlippedBit, in sequence: UInt32) {
        mended.append(bit)
        bytes[bit.offset] ^= bit.mask
    }
}

/// The log of one of three members.
private struct Tape {
    private static let header = SegmentHeader(salt: 0x5EED, sequence: 1, fileBytes: 1 << 14)
    private var bytes: [UInt8]
    private var batch = LogBatch(at: .origin, salt: header.salt, term: Term(1))
    /// Where the records of transactions begin, by their values.
    private(set) var places: [String: Int] = [:]

    init() {
        bytes = Self.header.encoded()
        bytes += [UInt8](repeating: 0, count: Self.header.fileBytes - bytes.count)
        var core = StoreState()
        let members = ClusterMembers(
            cluster: 1, membership: Membership(voters: [1, 2, 3].map { MemberID($0) }))
        core.open(
            Self.header, stating: LogStatement(member: MemberID(1), members: members),
            into: &batch)
        batch.commit()
    }

    /// Adds an entry, decided by whoever has decided `before`, and syncs it.
    mutating func put(_ key: String, _ value: String, after before: Int) throws {
        var core = StoreState()
        var other = LogBatch(at: .origin, salt: 1, term: Term(1))
        var changes: [AppliedChange] = []
        for number in 0..<before {
            _ = try core.put(
                [0, UInt8(number)], [], expected: nil, lease: .none, into: &other,
                changes: &changes)
        }
        places[value] = batch.endOffset
        _ = try core.put(
            Array(key.utf8), Array(value.utf8), expected: nil, lease: .none, into: &batch,
            changes: &changes)
        batch.commit()
    }

    mutating func file() -> OneSegment {
        bytes.replaceSubrange(batch.bytesOffset..<batch.endOffset, with: batch.bytes)
        return OneSegment(bytes)
    }

    /// More than one bit of a value.
    func damage(_ value: String, in file: OneSegment) throws {
        let start = try #require(places[value])
        let place = try #require(
            (start..<bytes.count).first { file.bytes[$0...].starts(with: value.utf8) })
        for offset in place..<place + 4 { file.bytes[offset] ^= 0x55 }
    }

    /// An entry that is not known to be committed; then those of another leader in its place.
    mutating func replaceAnEntry() throws {
        try put("a", "AAAA", after: 0)
        batch.committed = LogIndex(1)
        try put("void", "vvvv", after: 1)
        batch.rewind(to: EntryID(index: LogIndex(1), term: Term(1)))
        batch.term = Term(2)
        try put("b", "BBBB", after: 1)
        try put("c", "CCCC", after: 2)
        try put("d", "DDDD", after: 3)
    }
}

@Suite("A damaged log of a member that had others")
struct LogSalvageTests {
    private func keys(_ file: OneSegment) throws(StoreError) -> (keys: [String], lost: [String]) {
        let found = try LogSalvage(of: file, founders: nil).run()
        var keys: [String] = []
        found.core.forEachNewestVersion { key, version in
            if !version.isDelete { keys.append(String(decoding: key, as: UTF8.self)) }
        }
        return (keys, found.lost.map { String(decoding: $0.key, as: UTF8.self) })
    }

    @Test func hasNothingThatBecameVoid() throws {
        var tape = Tape()
        try tape.replaceAnEntry()
        let file = tape.file()
        try tape.damage("CCCC", in: file)
        #expect(try keys(file) == (["a", "b", "d"], ["c"]))
    }

    /// What took its place is what is damaged.
    @Test func hasNothingThatMayHaveBecomeVoid() throws {
        var tape = Tape()
        try tape.replaceAnEntry()
        let file = tape.file()
        try tape.damage("BBBB", in: file)
        #expect(try keys(file) == (["a", "c", "d"], ["b"]))
    }

    @Test func hasWhatWasDecidedByOneLeaderBeforeAndAfterTheDamage() throws {
        var tape = Tape()
        try tape.put("a", "AAAA", after: 0)
        try tape.put("b", "BBBB", after: 1)
        try tape.put("c", "CCCC", after: 2)
        try tape.put("d", "DDDD", after: 3)
        let file = tape.file()
        try tape.damage("CCCC", in: file)
        #expect(try keys(file) == (["a", "b", "d"], ["c"]))
    }

    @Test func isReadToItsLastWholeBatch() throws {
        var tape = Tape()
        try tape.put("a", "AAAA", after: 0)
        try tape.put("b", "BBBB", after: 1)
        let file = tape.file()
        // Torn, and not damaged: nothing follows.
        try tape.damage("BBBB", in: file)
        #expect(try keys(file) == (["a"], []))
    }

    @Test func isPutRightWhereABitIsKnownToHaveFlipped() throws {
        var tape = Tape()
        try tape.replaceAnEntry()
        let file = tape.file()
        let offset = try #require(tape.places["BBBB"]) + 60
        file.bytes[offset] ^= 4
        #expect(try keys(file) == (["a", "b", "c", "d"], []))
        #expect(file.mended == [FlippedBit(offset: offset, mask: 4)])
    }
}
