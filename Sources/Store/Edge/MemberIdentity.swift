internal import Raft
internal import StoreCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Who a member is, and its cluster as it began: what its directory says, so that nobody else's log
/// passes for its own.
typealias MemberIdentity = IdentityFile

/// The file that says who a member is, and a copy of it: without either, nobody could tell whose
/// the log is. What the first one says counts; the copy stands in if that is damaged or lost.
struct IdentityFiles {
    let directory: Directory
    let disk: any Disk

    static let names = ["member", "member.copy"]

    /// Reads the directory's identity, or gives it a new one. Mends what is damaged.
    ///
    /// - Throws: ``StoreError/damaged(file:_:)`` if there is a log of nobody, or neither file is
    ///   what was written.
    func open(_ options: StoreOptions) throws(StoreError) -> IdentityFile {
        let texts = try Self.names.map { name throws(StoreError) in try bytes(name) }
        let found = texts.map { $0.flatMap { IdentityFile($0.raw) } }
        if let identity = found[0] ?? found[1] {
            if found[0] == nil || texts[0] != texts[1] { try write(identity) }
            return identity
        }
        let path = directory.file(Self.names[0])
        guard texts.allSatisfy({ $0 == nil }) else {
            throw .damaged(file: path, LogDamage(offset: 0, reason: .contents))
        }
        guard try directory.segments().isEmpty else {
            throw .damaged(file: path, LogDamage(offset: 0, reason: .missing))
        }
        let identity = options.cluster?.identity ?? .alone()
        try write(identity)
        return identity
    }

    /// Nil if there is no such file, or an empty one.
    private func bytes(_ name: String) throws(StoreError) -> [UInt8]? {
        guard let count = directory.fileBytes(name), count > 0 else { return nil }
        let path = directory.file(name)
        let file = try MappedFile(path, try disk.open(path), byteCount: count)
        return file.withBytes { [UInt8]($0) }
    }

    /// Puts both files in place, each at once or not at all. Which of them a crash in between
    /// leaves as it was does not matter: nobody has been told of the new identity yet.
    func write(_ identity: IdentityFile) throws(StoreError) {
        for name in Self.names { try write(identity.encoded(), to: directory.file(name)) }
        try disk.syncDirectory(directory.path)
    }

    private func write(_ bytes: [UInt8], to path: String) throws(StoreError) {
        // What a crash has left of an earlier attempt may be longer.
        try disk.remove(path + ".new")
        let descriptor = try disk.create(path + ".new", bytes: 0, isWritten: false)
        defer { close(descriptor) }
        try disk.write(bytes.raw, to: descriptor, at: 0)
        try disk.sync(descriptor)
        try disk.rename(path + ".new", to: path)
    }
}

extension IdentityFile {
    /// A cluster of one.
    fileprivate static func alone() -> IdentityFile {
        let member = MemberID(.random(in: 1 ... .max))
        return IdentityFile(
            member: member,
            founders: ClusterMembers(
                cluster: .random(in: 1 ... .max), membership: Membership(voters: [member])))
    }
}
