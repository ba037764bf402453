internal import Raft
internal import Replica
package import StoreCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// A log that nobody writes: of a backup, or of the directory of a member that is stopped. It is
/// only read, and kept from being opened by a server meanwhile.
package final class OfflineLog: Sendable {
    package enum Source: Sendable {
        case backup(BackupHeader)
        case directory(IdentityFile)
    }

    private struct Piece: Sendable {
        var sequence: UInt32
        var file: MappedFile
        /// Which of the file's bytes are the segment.
        var range: Range<Int>
    }

    /// The backup, or the directory with the log's files.
    package let path: String
    package let source: Source
    private let pieces: [Piece]
    private let lock: FileLock?
    /// The newest segment that has been read.
    private let newest = Atomic<UInt64>(0)

    private init(_ path: String, _ source: Source, _ pieces: [Piece], _ lock: FileLock?) {
        (self.path, self.source, self.pieces, self.lock) = (path, source, pieces, lock)
    }

    /// Opens a backup, the data directory of a server, or the store's own directory in it.
    ///
    /// - Throws: ``LogProblem``. What a backup says of itself has been checked, and its length, but
    ///   not what is in it.
    package static func open(_ path: String) throws(LogProblem) -> OfflineLog {
        guard OfflineFiles.isDirectory(path) else { return try openBackup(path) }
        return try openDirectory(OfflineFiles.isDirectory(path + "/log") ? path + "/log" : path)
    }

    /// - Throws: ``LogProblem``.
    package static func openBackup(_ path: String) throws(LogProblem) -> OfflineLog {
        let (file, bytes) = try map(path)
        let header: BackupHeader
        do throws(BackupDamage) {
            header = try file.withBytes { (all) throws(BackupDamage) in
                try BackupHeader(in: all.extracting(0..<bytes))
            }
        } catch {
            throw LogProblem(error, in: path)
        }
        let pieces = zip(header.parts, header.partOffsets).map { part, offset in
            Piece(sequence: part.sequence, file: file, range: offset..<offset + part.bytes)
        }
        return OfflineLog(path, .backup(header), pieces, nil)
    }

    private static func map(_ path: String) throws(LogProblem) -> (MappedFile, bytes: Int) {
        do throws(StoreError) { return try mapWhole(path) } catch {
            guard case .damaged(_, let damage) = error, damage.reason == .header else {
                throw LogProblem(error, in: path)
            }
            throw LogProblem(BackupDamage(offset: 0, .noBackup), in: path)
        }
    }

    private static func openDirectory(_ path: String) throws(LogProblem) -> OfflineLog {
        let lock: FileLock?
        do throws(StoreError) { lock = try FileLock(path) } catch {
            throw LogProblem(error, in: path)
        }
        return try openFiles(path, lock)
    }

    /// The log of a directory that this process has locked.
    convenience init(locked directory: Directory) throws(LogProblem) {
        let opened = try Self.openFiles(directory.path, nil)
        self.init(opened.path, opened.source, opened.pieces, nil)
    }

    private static func openFiles(
        _ path: String, _ lock: FileLock?
    ) throws(LogProblem) -> OfflineLog {
        let names: [String]
        do throws(StoreError) { names = try Directory.names(in: path) } catch {
            throw LogProblem(error, in: path)
        }
        let sequences = names.compactMap { name in
            name.hasSuffix(".log") ? UInt32(name.dropLast(4)) : nil
        }.sorted()
        guard !sequences.isEmpty, !Set(names).isDisjoint(with: IdentityFiles.names) else {
            throw LogProblem(
                .unusable, path, "there is no store in this directory",
                remedy: "Name the data directory of a member, or a snapshot")
        }
        guard !names.contains(SnapshotFiles.installation) else {
            throw LogProblem(
                .unusable, path, "a log of another member was about to take its place",
                remedy: "Start this member once, which finishes that")
        }
        guard Set(names).isDisjoint(with: SalvageFolders.names) else {
            throw LogProblem(
                .unusable, path, "what was salvaged of it was about to take its place",
                remedy: "Start this member once, or call martlet store salvage, which finishes that")
        }
        do throws(StoreError) {
            let identity = try identity(in: path)
            var pieces: [Piece] = []
            for sequence in sequences {
                let (file, bytes) = try mapWhole(path + "/" + Directory.segmentName(sequence))
                pieces.append(Piece(sequence: sequence, file: file, range: 0..<bytes))
            }
            return OfflineLog(path, .directory(identity), pieces, lock)
        } catch {
            throw LogProblem(error, in: path)
        }
    }

    /// Reads the file that says whose log it is, or else the copy of it.
    static func identity(in directory: String) throws(StoreError) -> IdentityFile {
        let paths = IdentityFiles.names.map { directory + "/" + $0 }
        for path in paths where OfflineFiles.exists(path) {
            let (file, _) = try mapWhole(path)
            if let identity = file.withBytes({ IdentityFile($0) }) { return identity }
        }
        throw .damaged(file: paths[0], LogDamage(offset: 0, reason: .contents))
    }

    private static func mapWhole(_ path: String) throws(StoreError) -> (MappedFile, bytes: Int) {
        let (descriptor, bytes) = try OfflineFiles.openToRead(path)
        guard bytes > 0 else {
            close(descriptor)
            throw .damaged(file: path, LogDamage(offset: 0, reason: .header))
        }
        let file = try MappedFile(path, descriptor, byteCount: bytes)
        guard file.isReadable else {
            throw .damaged(file: path, LogDamage(offset: 0, reason: .unreadable))
        }
        file.trim()
        return (file, bytes)
    }
}

// MARK: Reading

extension OfflineLog: MemberFiles {
    var sequences: [UInt32] { pieces.map(\.sequence) }

    func name(of sequence: UInt32) -> String {
        guard case .directory = source else { return "segment \(sequence)" }
        return path + "/" + Directory.segmentName(sequence)
    }

    /// A checkpoint saves time at a start, and tells nothing that the log does not.
    func withCheckpoint(_ body: (RawSpan) -> Void) {}

    func withSegment<Result>(
        _ sequence: UInt32, _ body: (RawSpan) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        guard let piece = piece(sequence) else {
            throw .damaged(file: name(of: sequence), LogDamage(offset: 0, reason: .missing))
        }
        trimBefore(piece)
        return try piece.file.withBytes { (bytes) throws(StoreError) in
            try body(bytes.extracting(piece.range))
        }
    }

    /// Reading goes from one segment to the next: those before are looked at again here and there
    /// only, and need not stay in this process's memory.
    private func trimBefore(_ piece: Piece) {
        let current = UInt64(piece.sequence)
        let last = newest.load(ordering: .relaxed)
        guard current > last else { return }
        newest.store(current, ordering: .relaxed)
        if last > 0 { trim() }
    }

    private func piece(_ sequence: UInt32) -> Piece? {
        var (low, high) = (0, pieces.count)
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low < pieces.count && pieces[low].sequence == sequence ? pieces[low] : nil
    }

    /// Bytes of all segments.
    package var bytes: Int { pieces.reduce(0) { $0 + $1.range.count } }

    /// Gives back the memory that reading has mapped.
    package func trim() {
        // The segments of a backup lie in one file.
        if case .backup = source { pieces.first?.file.trim() } else {
            for piece in pieces { piece.file.trim() }
        }
    }

    /// What was found to be wrong, as an operator may want to know it.
    func problem(_ error: StoreError) -> LogProblem {
        guard case .backup(let header) = source, case .damaged(let file, let damage) = error else {
            return LogProblem(error, in: path)
        }
        let places = zip(header.parts, header.partOffsets)
        guard let place = places.first(where: { name(of: $0.0.sequence) == file }) else {
            return LogProblem(BackupDamage(offset: 0, .header), in: path)
        }
        let damaged = BackupDamage(
            offset: place.1 + damage.offset, .segment(place.0.sequence, damage))
        return LogProblem(damaged, in: path)
    }

    /// Reads all of it, as a start does, but without a checkpoint. Of a backup everything counts
    /// that the member knew to be committed; a member that has nobody to ask takes all it has.
    ///
    /// - Parameter takesAll: Whether everything in a directory's log counts.
    func replayed(takesAll: Bool = false) throws(LogProblem) -> RecoveredFiles {
        do throws(StoreError) {
            switch source {
            case .backup(let header):
                let nobody = ClusterMembers(cluster: header.cluster, membership: .none)
                let identity = IdentityFile(member: MemberID(header.member), founders: nobody)
                let found = try LogRecovery(
                    of: identity, committed: LogIndex(header.committed)
                ).run(self)
                try checkEnd(of: header, found.log)
                return found
            case .directory(let identity):
                if takesAll { return try LogRecovery(of: identity, committed: .limit).run(self) }
                let found = try LogRecovery(of: identity).run(self)
                let membership = found.log.members.membership
                let isAlone = membership.voters == [identity.member] && !membership.isJoint
                guard isAlone, found.log.committed < found.log.log.lastIndex else { return found }
                return try LogRecovery(of: identity, committed: .limit).run(self)
            }
        } catch {
            throw problem(error)
        }
    }

    /// A backup says how far its log goes: what breaks off before is no torn tail.
    private func checkEnd(
        of header: BackupHeader, _ log: RecoveredLog
    ) throws(StoreError) {
        guard let last = header.parts.last else { return }
        let end = log.position
        guard end.segment == last.sequence, end.offset == last.bytes else {
            throw .damaged(
                file: name(of: end.segment), LogDamage(offset: end.offset, reason: .record))
        }
        guard log.log.lastIndex >= LogIndex(header.committed) else {
            throw .damaged(
                file: name(of: end.segment), LogDamage(offset: end.offset, reason: .gap))
        }
    }

    /// Compares a backup with the checksum at its end.
    ///
    /// - Throws: ``LogProblem``.
    package func checkChecksum() throws(LogProblem) {
        guard case .backup(let header) = source, let file = pieces.first?.file else { return }
        do throws(BackupDamage) {
            try file.withBytes { (bytes) throws(BackupDamage) in
                try header.checkEnd(of: bytes, pausing: { file.trim() })
            }
        } catch {
            throw LogProblem(error, in: path)
        }
    }

    /// A number that tells one backup from another; 0 for a directory.
    package var fingerprint: UInt64 {
        guard case .backup(let header) = source, let file = pieces.first?.file else { return 0 }
        return file.withBytes { header.fingerprint(of: $0) }
    }
}
