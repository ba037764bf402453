internal import Raft
internal import Replica
internal import StoreCore
internal import StoreSimulator

/// A member's files on a simulated disk.
///
///     segment-1           a segment of the log, by its sequence number
///     spare-7             a file to become a segment, or once one
///     reserve-1           a file to become a segment when the disk is full
///     member, member.copy who this is (``IdentityFile``)
///     damaged-...         what was the log of a number given up
///     checkpoint          the key space as it was some time ago
struct SimulatedFiles: MemberFiles {
    let disk: SimulatedDisk
    /// Sequence numbers of the segments in use.
    var sequences: [UInt32] = []

    init(_ disk: SimulatedDisk) {
        self.disk = disk
        sequences = disk.names.compactMap(Self.sequence).sorted()
    }

    static let identities = ["member", "member.copy"]
    static let setAside = "damaged-"
    static let checkpoint = "checkpoint"
    static let reserves = ["reserve-1", "reserve-2"]
    static func segment(_ sequence: UInt32) -> String {
        sequence < firstSegments.count ? firstSegments[Int(sequence)] : "segment-\(sequence)"
    }
    /// A change that is read is looked for by its segment's name.
    private static let firstSegments = (0..<512).map { "segment-\($0)" }
    static func spare(_ sequence: UInt32) -> String { "spare-\(sequence)" }
    static func sequence(_ name: String) -> UInt32? {
        name.hasPrefix("segment-") ? UInt32(name.dropFirst("segment-".count)) : nil
    }

    /// Whether a file goes aside when a number is given up.
    static func isOfLog(_ name: String) -> Bool {
        name == checkpoint || name == installation || sequence(name) != nil
    }

    func name(of sequence: UInt32) -> String { Self.segment(sequence) }

    func withCheckpoint(_ body: (RawSpan) -> Void) {
        disk.withBytes(of: Self.checkpoint) { body($0.raw) }
    }

    func withSegment<Result>(
        _ sequence: UInt32, _ body: (RawSpan) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let result: Result? = try disk.withBytes(of: name(of: sequence)) {
            bytes throws(StoreError) in try body(bytes.raw)
        }
        guard let result else {
            throw .damaged(
                file: name(of: sequence), LogDamage(offset: 0, reason: .missing))
        }
        return result
    }

    /// The header of a segment that has been read before.
    func header(of sequence: UInt32) throws(StoreError) -> SegmentHeader {
        try withSegment(sequence) { bytes throws(StoreError) in
            do throws(LogDamage) { return try SegmentHeader(in: bytes) } catch {
                throw StoreError.damaged(file: name(of: sequence), error)
            }
        }
    }
}
