/// How each segment is used: what to retire, and where history begins.
package struct SegmentUse: Sendable, Equatable {
    /// Size of the file.
    package var fileBytes: Int
    /// Bytes of changes that the key space refers to.
    package var liveBytes = 0
    /// Revisions of the transactions in it; nil if it has none.
    package var revisions: ClosedRange<Revision>?
    /// The oldest mod revision of any put in it, survivors included.
    package var oldestPut: Revision?
    /// Bytes of deletes that are copied from segment to segment, lest older puts come back.
    package var tombstoneBytes = 0
    /// Leases, and ends of them, that were copied into it.
    package var leaseCopies = 0
    package var isSealed = false
    /// Where the records of entries begin that have become void.
    package var voids: Set<UInt32> = []
    /// Where some of the transactions begin, so that history is found without reading all before
    /// it.
    var landmarks: [Landmark] = []

    struct Landmark: Equatable {
        var revision: Revision
        var offset: UInt32
    }
    private static let landmarkSpacingBytes = 128 * 1024

    package init(fileBytes: Int) { self.fileBytes = fileBytes }

    /// Whether the record that begins at `offset` is void.
    package func isVoid(_ offset: Int) -> Bool {
        !voids.isEmpty && voids.contains(UInt32(offset))
    }

    mutating func note(put revision: Revision) {
        oldestPut = min(oldestPut ?? revision, revision)
    }

    mutating func note(transaction revision: Revision, at offset: Int) {
        revisions = min(revisions?.lowerBound ?? revision, revision)...revision
        if offset > Int(landmarks.last?.offset ?? 0) + Self.landmarkSpacingBytes {
            landmarks.append(Landmark(revision: revision, offset: UInt32(offset)))
        }
    }

    /// An offset from which every transaction since `revision` is found.
    func offset(before revision: Revision) -> Int {
        let landmark = landmarks.last { $0.revision <= revision }
        return landmark.map { Int($0.offset) } ?? SegmentHeader.byteCount
    }
}

/// All segments, by their sequence number.
struct SegmentBook {
    private(set) var uses: [UInt32: SegmentUse] = [:]
    /// Bytes that may be copied to win space. What dies pays for it, so that copying ends when clients
    /// stop, even if nothing can be won: records may lie badly in segments that are small beside them.
    private(set) var copyBytesAllowed = 0
    /// Copies that each byte that dies pays for. Four suffice to win a segment that is four fifths
    /// alive.
    private static let copiesPerDeadByte = 4

    subscript(sequence: UInt32) -> SegmentUse? {
        get { uses[sequence] }
        set { uses[sequence] = newValue }
    }

    var sequences: [UInt32] { uses.keys.sorted() }

    mutating func free(_ freed: KeySpace.Freed) {
        update(freed.place.segment) { $0.liveBytes -= freed.bytes }
        copyBytesAllowed += Self.copiesPerDeadByte * freed.bytes
    }

    /// A lease, or its end, was written to a segment, which makes an older record of it worthless; or
    /// it was copied there, which has to be paid for.
    mutating func noteLease(_ kind: RecordKind, in segment: UInt32) {
        guard kind == .leaseCopy || kind == .leaseEndCopy else {
            copyBytesAllowed += Self.copiesPerDeadByte * Self.leaseRecordBytes
            return
        }
        pay(forCopying: Self.leaseRecordBytes)
        update(segment) { $0.leaseCopies += 1 }
    }
    private static let leaseRecordBytes = RecordHeader.byteCount + 24

    mutating func pay(forCopying bytes: Int) { copyBytesAllowed -= bytes }

    /// What lies dead has not been paid for, as far as anybody knows after a start.
    mutating func allowCopies() { copyBytesAllowed = Self.copiesPerDeadByte * deadBytes }

    /// What was given back for nothing does not pay for copies later.
    mutating func limitCopies() {
        copyBytesAllowed = min(copyBytesAllowed, Self.copiesPerDeadByte * deadBytes)
    }

    /// Bytes of files that the key space does not refer to.
    private var deadBytes: Int {
        uses.values.reduce(0) { $0 + max(0, $1.fileBytes - $1.liveBytes) }
    }

    /// Counts a live change of a checkpoint. The segment may be one that the log opens later.
    mutating func count(_ bytes: Int, in sequence: UInt32) {
        uses[sequence, default: SegmentUse(fileBytes: 0)].liveBytes += bytes
    }

    /// Forgets segments that are none any more.
    mutating func keep(_ isThere: (UInt32) -> Bool) { uses = uses.filter { isThere($0.key) } }

    /// After a replay: forgets segments that turned out to be gone.
    mutating func dropUnopened() { uses = uses.filter { $0.value.fileBytes > 0 } }

    @inline(__always)
    mutating func update(_ sequence: UInt32, _ body: (inout SegmentUse) -> Void) {
        // In place: taken out and put back, its arrays would be copied.
        guard let found = uses.index(forKey: sequence) else { return }
        body(&uses.values[found])
    }
}
