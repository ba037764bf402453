internal import Replica
internal import StoreCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// The files of a log that is damaged, as far as the disk gives them, with what was found to be right
/// put right in memory alone.
final class SalvageFiles: SalvageableFiles, LentSegments {
    private enum Bytes {
        case mapped(MappedFile)
        case copied([UInt8])
    }

    private let directory: Directory
    let sequences: [UInt32]
    private var files: [UInt32: Bytes] = [:]
    /// The one that was read last.
    private var current: UInt32 = 0

    init(_ directory: Directory) throws(StoreError) {
        self.directory = directory
        sequences = try directory.segments()
        for sequence in sequences { files[sequence] = try Self.open(directory.segmentFile(sequence)) }
    }

    private static func open(_ path: String) throws(StoreError) -> Bytes {
        let (descriptor, count) = try OfflineFiles.openToRead(path)
        guard count > 0 else {
            close(descriptor)
            return .copied([])
        }
        let file = try MappedFile(path, descriptor, byteCount: count)
        guard !file.isReadable else {
            file.trim()
            return .mapped(file)
        }
        return .copied(
            OfflineFiles.bytes(count) { OfflineFiles.read(file.descriptor, $0, $1) })
    }

    func name(of sequence: UInt32) -> String { directory.segmentFile(sequence) }

    func withCheckpoint(_ body: (RawSpan) -> Void) {
        let path = directory.file("checkpoint")
        // One that cannot be read tells nothing.
        do throws(StoreError) {
            guard let count = directory.fileBytes("checkpoint"), count > 0 else { return }
            let (descriptor, _) = try OfflineFiles.openToRead(path)
            let file = try MappedFile(path, descriptor, byteCount: count)
            if file.isReadable { file.withBytes { body($0) } }
        } catch {}
    }

    func withSegment<Result>(
        _ sequence: UInt32, _ body: (RawSpan) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        // Reading goes from one to the next: those before need not stay in this process's memory.
        if sequence != current, case .mapped(let file) = files[current] { file.trim() }
        current = sequence
        switch files[sequence] {
        case .mapped(let file): return try file.withBytes(body)
        case .copied(let bytes): return try body(bytes.raw)
        case nil:
            throw .damaged(file: name(of: sequence), LogDamage(offset: 0, reason: .missing))
        }
    }

    func mend(_ bit: FlippedBit, in sequence: UInt32) {
        var bytes: [UInt8]
        switch files.removeValue(forKey: sequence) {
        case .mapped(let file): bytes = file.withBytes { [UInt8]($0) }
        case .copied(let copy): bytes = copy
        case nil: return
        }
        bytes[bit.offset] ^= bit.mask
        files[sequence] = .copied(bytes)
    }

    // MARK: Lending what is alive

    func withPiece(
        _ sequence: UInt32, _ body: (RawSpan) throws(LogProblem) -> Void
    ) throws(LogProblem) {
        switch files[sequence] {
        case .mapped(let file): try file.withBytes(body)
        case .copied(let bytes): try body(bytes.raw)
        case nil: throw problem(LogDamage(offset: 0, reason: .missing), in: sequence)
        }
    }

    func problem(_ damage: LogDamage, in sequence: UInt32) -> LogProblem {
        LogProblem(.damaged(file: name(of: sequence), damage), in: directory.path)
    }

    func trim() {
        for case .mapped(let file) in files.values { file.trim() }
    }
}
