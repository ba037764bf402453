import LogTape
import Raft
import StoreCore
import Testing

/// A log of many small segments in memory, from which space is won as the edge does it.
private struct SmallSegments: ~Copyable {
    var core = StoreState()
    private var files: [UInt32: [UInt8]] = [:]
    private var newest: UInt32 = 0
    private var batch = LogBatch(at: .origin, salt: 1, term: Term(1))
    private var changes: [AppliedChange] = []
    private static let fileBytes = 4_096

    init() {
        core.neededFrom = .max
        begin()
    }

    private static func header(_ sequence: UInt32) -> SegmentHeader {
        SegmentHeader(salt: 1, sequence: sequence, fileBytes: fileBytes)
    }

    private mutating func begin() {
        newest += 1
        let position = LogPosition(
            segment: newest, offset: SegmentHeader.byteCount, previous: 0, last: batch.position.last)
        batch = LogBatch(at: position, salt: 1, term: Term(1))
        core.open(Self.header(newest), stating: LogTape.statement, into: &batch)
    }

    /// Seals the segment and goes on in the next.
    mutating func roll() {
        core.seal(into: &batch)
        let bytes = Self.header(newest).encoded() + batch.bytes
        files[newest] = bytes + [UInt8](repeating: 0, count: Self.fileBytes - bytes.count)
        begin()
    }

    mutating func put(_ key: String, bytes: Int) throws(StoreError) {
        _ = try core.put(
            Array(key.utf8), [UInt8](repeating: 7, count: bytes), expected: nil, lease: .none,
            into: &batch, changes: &changes)
    }

    mutating func compact() {
        core.noteCompacted(core.revision)
        var next: [UInt8]? = []
        while let start = next { next = core.prune(from: start) }
    }

    /// Gives back what the plan names, each victim's survivors in a segment of their own. Returns how
    /// many it gave back; nil if there was no end to it.
    mutating func reclaim(segmentsMax: Int) throws -> Int? {
        for count in 0..<segmentsMax {
            guard let victim = core.victim(spareBytes: 0, plan: RetentionPlan(bytesMin: 0)) else {
                return count
            }
            let bytes = try #require(files[victim])
            let survivors = try core.survivors(
                in: bytes.raw, of: Self.header(victim), from: SegmentHeader.byteCount,
                bytesMax: Self.fileBytes)
            let moves = core.copy(survivors, into: &batch).moves
            for (move, survivor) in zip(moves, survivors.changes) {
                let read = Change(at: 0, in: survivor.bytes.raw)
                let change = try #require(read)
                let key = Array(survivor.bytes[change.keyOffset..<change.valueOffset])
                core.move(change, key: key.raw, from: move.old, to: move.new)
            }
            core.noteRetired(victim)
            if !survivors.isEmpty { roll() }
        }
        return nil
    }
}

@Suite("Winning space")
struct ReclaimingTests {
    @Test func endsThoughRecordsLieBadlyInTheirSegments() throws {
        var segments = SmallSegments()
        for number in 0..<6 {
            // Of each segment two fifths stay empty, as no second value fits into it.
            try segments.put("key-\(number)", bytes: 2_400)
            segments.roll()
        }
        try segments.put("last", bytes: 8)
        segments.compact()
        let first = try #require(try segments.reclaim(segmentsMax: 1_000))
        #expect(first < 60)
        #expect(try segments.reclaim(segmentsMax: 1_000) == 0, "and does not begin again by itself")
    }

    @Test func goesOnWithWhatDies() throws {
        var segments = SmallSegments()
        for round in 0..<50 {
            for number in 0..<6 {
                try segments.put("key-\(number)", bytes: 1_100)
                if number % 2 == 1 { segments.roll() }
            }
            try segments.put("round", bytes: round)
            segments.compact()
            _ = try #require(try segments.reclaim(segmentsMax: 1_000))
        }
        #expect(segments.core.segmentUses.count < 10)
    }
}
