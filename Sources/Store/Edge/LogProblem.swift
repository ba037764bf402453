package import StoreCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Why a backup or a stopped member's directory cannot be used, and what can be done about it.
package struct LogProblem: Error, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// A file holds something else than was written to it.
        case damaged
        /// A process has it open.
        case inUse
        /// It is not there, or something else, or the system refuses.
        case unusable
    }

    package var kind: Kind
    package var file: String
    /// Of the damage, in bytes from the beginning of the file.
    package var offset: Int?
    package var reason: String
    package var remedy: String

    package init(
        _ kind: Kind, _ file: String, offset: Int? = nil, _ reason: String, remedy: String
    ) {
        (self.kind, self.file, self.offset) = (kind, file, offset)
        (self.reason, self.remedy) = (reason, remedy)
    }

    /// One sentence, and what to do.
    package var description: String { "\(place): \(reason). \(remedy)" }

    package var place: String { file + (offset.map { ", offset \($0)" } ?? "") }

    /// What shows what can be read of a damaged log, and makes one of it.
    ///
    /// - Parameter path: A store's own directory, or a file in it.
    package static func salvageCommand(for path: String) -> String {
        var directory = path
        if directory.hasSuffix(".log") || IdentityFiles.names.contains(where: path.hasSuffix) {
            directory = Directory.parent(of: path)
        }
        // The command looks for it in the data directory.
        if directory.hasSuffix("/log") { directory = Directory.parent(of: directory) }
        return "martlet store salvage --data-dir \(directory)"
    }
}

extension LogProblem {
    private static let takeAnother = "Use another snapshot, or take one from another member"

    /// What is wrong with a backup.
    init(_ damage: BackupDamage, in path: String) {
        let known = LogProblem.reason(damage.reason)
        self.init(.damaged, path, offset: damage.offset, known, remedy: Self.takeAnother)
        if damage.reason == .noBackup {
            (kind, offset, remedy) = (.unusable, nil, "Name a file of martlet store snapshot")
        }
        if damage.reason == .unknownFormat {
            (kind, offset, remedy) = (.unusable, nil, "Use the program that wrote it")
        }
    }

    private static func reason(_ reason: BackupDamage.Reason) -> String {
        switch reason {
        case .noBackup: "this is no snapshot of a store"
        case .unknownFormat: "this snapshot is of a format that this program does not know"
        case .header: "what the snapshot says of itself does not agree with its checksum"
        case .cutOff(let whole): "the snapshot breaks off here, it had \(whole) bytes"
        case .tooLong(let whole): "the snapshot ends here, and something follows its \(whole) bytes"
        case .segment(let number, let damage):
            "the log is damaged in segment \(number), at its offset \(damage.offset): "
                + damage.reason.text
        case .checksum:
            "the checksum over the file does not agree, though all that is read of it is whole"
        }
    }

    /// What is wrong with a directory.
    init(_ error: StoreError, in directory: String) {
        switch error {
        case .damaged(let file, let damage):
            self.init(
                .damaged, file, offset: damage.offset, "the log is damaged: \(damage.reason.text)",
                remedy: "A member of three or more gets its log from the others when it is started; "
                    + "one that is alone is made anew of a snapshot (martlet store restore), or of "
                    + "what can be read: " + Self.salvageCommand(for: directory))
        case .locked:
            self.init(
                .inUse, directory, "a running member has this directory open",
                remedy: "Stop it first, or ask it: martlet store status, martlet store snapshot")
        case .system(let operation, let file, let code):
            let text = unsafe String(cString: strerror(code))
            self.init(
                .unusable, file, "cannot \(operation) it: \(text)", remedy: Self.remedy(of: code))
        default:
            self.init(.unusable, directory, "\(error)", remedy: "Try again")
        }
    }

    private static func remedy(of code: Int32) -> String {
        switch code {
        case ENOENT, ENOTDIR: "Check the path"
        case EACCES, EPERM, EROFS: "Run this as the user that owns it, or name another place"
        case ENOSPC, EDQUOT: "Make room on the disk"
        default: "Look at the disk"
        }
    }
}

extension LogDamage.Reason {
    /// As the end of a sentence.
    package var text: String {
        switch self {
        case .header: "its header does not agree with its checksum"
        case .unknownFormat: "it is of a format that this program does not know"
        case .record: "a record does not agree with its checksum"
        case .unsealed: "it ends too early, as a later one is in use"
        case .unknownRecord(let kind, let version):
            "it has a record of kind \(kind), version \(version), which this program does not know"
        case .contents: "a record contradicts itself or the rest of the log"
        case .missing: "it should be there and is not"
        case .gap: "an entry is missing"
        case .unreadable: "the disk cannot read it"
        }
    }
}
