internal import Replica
internal import StoreCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// A snapshot's segments in a member's directory, while they arrive and when they take the log's
/// place:
///
///     incoming-7-SALT-SIZE-BYTES.new   a part that is being fetched
///     incoming-7-SALT-SIZE-BYTES       a part that is whole and on disk
///     installation                     says that parts are the log from now on
struct SnapshotFiles {
    let directory: Directory
    let disk: any Disk

    static let installation = "installation"

    func whole(_ part: SnapshotPart) -> String {
        directory.file("incoming-\(part.sequence)-\(part.salt)-\(part.fileBytes)-\(part.bytes)")
    }

    private func arriving(_ part: SnapshotPart) -> String { whole(part) + ".new" }

    /// Parts that an earlier attempt has left.
    func wholeParts() throws(StoreError) -> Set<SnapshotPart> {
        Set(try directory.names().compactMap(Self.part))
    }

    private static func part(_ name: String) -> SnapshotPart? {
        let numbers = name.split(separator: "-").dropFirst().map { UInt64($0) }
        guard name.hasPrefix("incoming-"), numbers.count == 4,
            let sequence = numbers[0].flatMap({ UInt32(exactly: $0) }), let salt = numbers[1],
            let fileBytes = numbers[2].flatMap({ Int(exactly: $0) }),
            let bytes = numbers[3].flatMap({ Int(exactly: $0) })
        else { return nil }
        return SnapshotPart(sequence: sequence, salt: salt, fileBytes: fileBytes, bytes: bytes)
    }

    // MARK: Arriving

    func make(_ part: SnapshotPart) throws(StoreError) {
        try disk.remove(arriving(part))
        close(try disk.create(arriving(part), bytes: part.fileBytes, isWritten: false))
    }

    func write(_ bytes: [UInt8], of part: SnapshotPart, at offset: Int) throws(StoreError) {
        try using(arriving(part)) { descriptor throws(StoreError) in
            try disk.write(bytes.raw, to: descriptor, at: offset)
        }
    }

    /// Makes the part durable, and gives it the name of a whole one.
    func keep(_ part: SnapshotPart) throws(StoreError) {
        try using(arriving(part)) { descriptor throws(StoreError) in try disk.sync(descriptor) }
        try disk.rename(arriving(part), to: whole(part))
        try disk.syncDirectory(directory.path)
    }

    func discard(_ part: SnapshotPart) throws(StoreError) {
        try disk.remove(arriving(part))
        try disk.remove(whole(part))
    }

    private func using(
        _ path: String, _ body: (Int32) throws(StoreError) -> Void
    ) throws(StoreError) {
        let descriptor = try disk.open(path)
        defer { close(descriptor) }
        try body(descriptor)
    }

    // MARK: Switching over

    /// Adds records to the end of a part, and makes them durable.
    func append(_ bytes: [UInt8], to part: SnapshotPart, at offset: Int) throws(StoreError) {
        try using(whole(part)) { descriptor throws(StoreError) in
            try disk.write(bytes.raw, to: descriptor, at: offset)
            try disk.sync(descriptor)
        }
    }

    /// From now on the parts are the log, whatever happens.
    func install(_ installation: SnapshotInstallation) throws(StoreError) {
        let path = directory.file(Self.installation)
        let bytes = installation.encoded()
        // What a crash has left of an earlier one may be longer.
        try disk.remove(path + ".new")
        let descriptor = try disk.create(path + ".new", bytes: 0, isWritten: false)
        defer { close(descriptor) }
        try disk.write(bytes.raw, to: descriptor, at: 0)
        try disk.sync(descriptor)
        try disk.rename(path + ".new", to: path)
        try disk.syncDirectory(directory.path)
    }

    /// Gives parts the names of segments, if they are the log. Begins again where it was
    /// interrupted.
    func finishInstallation() throws(StoreError) {
        let path = directory.file(Self.installation)
        guard let size = directory.fileBytes(Self.installation), size > 0 else { return }
        let file = try MappedFile(path, try disk.open(path), byteCount: size)
        guard let installation = SnapshotInstallation(file.withBytes { [UInt8]($0) }) else {
            throw .damaged(file: path, LogDamage(offset: 0, reason: .contents))
        }
        for sequence in try directory.segments() where !installation.keeps(sequence) {
            try disk.remove(directory.segmentFile(sequence))
        }
        try disk.remove(directory.file("checkpoint"))
        let arrived = try wholeParts()
        for part in installation.parts where arrived.contains(part) {
            try disk.rename(whole(part), to: directory.segmentFile(part.sequence))
        }
        try disk.syncDirectory(directory.path)
        try disk.remove(path)
        try disk.syncDirectory(directory.path)
        for part in try wholeParts() { try discard(part) }
    }
}

/// The parts of a snapshot, as if they were the log already.
struct IncomingFiles: MemberFiles {
    private let segments: [UInt32: MappedFile]
    private let parts: [SnapshotPart]
    private let files: SnapshotFiles

    init(_ parts: [SnapshotPart], _ files: SnapshotFiles) throws(StoreError) {
        var segments: [UInt32: MappedFile] = [:]
        for part in parts {
            let path = files.whole(part)
            segments[part.sequence] = try MappedFile(
                path, try files.disk.open(path), byteCount: part.fileBytes)
        }
        (self.parts, self.files, self.segments) = (parts, files, segments)
    }

    var sequences: [UInt32] { parts.map(\.sequence) }

    func name(of sequence: UInt32) -> String {
        parts.first { $0.sequence == sequence }.map(files.whole) ?? "segment \(sequence)"
    }

    func withCheckpoint(_ body: (RawSpan) -> Void) {}

    func withSegment<Result>(
        _ sequence: UInt32, _ body: (RawSpan) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        guard let file = segments[sequence] else {
            throw .damaged(
                file: name(of: sequence), LogDamage(offset: 0, reason: .missing))
        }
        return try file.withBytes(body)
    }
}
