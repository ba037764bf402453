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

extension IdentityFile {
    static let fileName = "member"

    /// Reads the directory's identity, or gives it a new one.
    ///
    /// - Throws: ``StoreError/damaged(file:_:)`` if there is a log of nobody, or the file is not
    ///   what was written.
    init(of directory: Directory, _ options: StoreOptions) throws(StoreError) {
        let path = directory.file(Self.fileName)
        if let bytes = directory.fileBytes(Self.fileName), bytes > 0 {
            let file = try MappedFile(path, try options.disk.open(path), byteCount: bytes)
            guard let read = file.withBytes({ IdentityFile($0) }) else {
                throw .damaged(file: path, LogDamage(offset: 0, reason: .contents))
            }
            self = read
            return
        }
        guard try directory.segments().isEmpty else {
            throw .damaged(file: path, LogDamage(offset: 0, reason: .missing))
        }
        self = options.cluster?.identity ?? .alone()
        try write(to: directory, options.disk)
    }

    /// A cluster of one.
    private static func alone() -> IdentityFile {
        let member = MemberID(.random(in: 1 ... .max))
        return IdentityFile(
            member: member,
            founders: ClusterMembers(
                cluster: .random(in: 1 ... .max), membership: Membership(voters: [member])))
    }

    /// Puts the file in place, at once or not at all.
    func write(to directory: Directory, _ disk: any Disk) throws(StoreError) {
        let path = directory.file(Self.fileName)
        let descriptor = try disk.create(path + ".new", bytes: 0, isWritten: false)
        defer { close(descriptor) }
        try disk.write(encoded().raw, to: descriptor, at: 0)
        try disk.sync(descriptor)
        try disk.rename(path + ".new", to: path)
        try disk.syncDirectory(directory.path)
    }
}
