internal import Raft
internal import Replica
public import StoreCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// A file of the store that holds something else than was written to it, and what comes of it.
public struct StoreDamage: Sendable, Equatable {
    public enum Remedy: Sendable, Equatable {
        /// The others let this member in anew, under this number, and give it their log.
        case exchange(number: UInt64)
        /// Nobody else has the log. Reads of what is damaged fail; the rest goes on.
        case none
        /// Others have it and have given it to this member so many times, without its log having been
        /// found sound in between. It stops.
        case anotherDisk(exchanges: Int)
    }

    public var file: String
    public var damage: LogDamage
    public var remedy: Remedy
}

/// A directory whose log is damaged, or was that of a number given up.
///
/// It is set aside under other names, for whoever wants to look at it; what an earlier damage has
/// left there is removed.
struct DamagedLog {
    let directory: Directory
    let disk: any Disk

    private var identityFiles: IdentityFiles { IdentityFiles(directory: directory, disk: disk) }
    private static let prefix = "damaged-"

    // MARK: Giving up

    /// A store cannot be opened for damage. Returns whether others may let its member in again:
    /// then it can be opened anew.
    static func giveUp(
        _ path: String, _ file: String, _ damage: LogDamage, _ options: StoreOptions
    ) throws(StoreError) -> Bool {
        guard options.cluster != nil else { return false }
        let directory = try Directory(path)
        defer { directory.unlock() }
        let identity = try IdentityFiles(directory: directory, disk: options.disk).open(options)
        let log = DamagedLog(directory: directory, disk: options.disk)
        guard identity.mayBeExchanged else {
            let remedy = StoreDamage.Remedy.anotherDisk(exchanges: identity.replaced.count)
            options.onDamage(StoreDamage(file: file, damage: damage, remedy: remedy))
            return false
        }
        guard let next = try log.successor(of: identity) else { return false }
        try log.replace(by: next)
        options.onDamage(
            StoreDamage(
                file: file, damage: damage, remedy: .exchange(number: next.member.number)))
        return true
    }

    /// The directory is another number's from now on: that of `next`, which has no log yet.
    func replace(by next: IdentityFile) throws(StoreError) {
        for name in try directory.names() where name.hasPrefix(Self.prefix) {
            try disk.remove(directory.file(name))
        }
        try identityFiles.write(next)
    }

    /// What the directory's member is to be next; nil if there are no others to let it in, or too
    /// few.
    private func successor(of identity: IdentityFile) throws(StoreError) -> IdentityFile? {
        var survey = MembersSurvey(identity.founders)
        for sequence in try directory.segments() {
            let path = directory.segmentFile(sequence)
            var status = stat()
            guard unsafe stat(path, &status) == 0, status.st_size > 0 else { continue }
            let file = try MappedFile(
                path, try disk.open(path), byteCount: Int(status.st_size))
            guard file.isReadable else { continue }
            file.withBytes { survey.take(segment: $0) }
        }
        guard let contacts = survey.contacts(without: identity.member) else { return nil }
        return identity.givingUp(for: .random(), contacts: contacts)
    }

    // MARK: Setting aside

    /// Takes the log of a number given up out of the way. Begins again where it was interrupted.
    func setAside(_ identity: inout IdentityFile) throws(StoreError) {
        guard identity.log == .givenUp else { return }
        for name in try directory.names() where Self.isOfLog(name) {
            try disk.rename(directory.file(name), to: directory.file(Self.prefix + name))
        }
        try disk.syncDirectory(directory.path)
        identity.log = .awaited
        try identityFiles.write(identity)
    }

    static func isOfLog(_ name: String) -> Bool {
        name == "checkpoint" || name == SnapshotFiles.installation
            || (name.hasSuffix(".log") && UInt32(name.dropLast(4)) != nil)
    }
}

extension MemberID {
    static func random() -> MemberID { MemberID(.random(in: 1 ... .max)) }
}
