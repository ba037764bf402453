internal import StoreCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// A store that was made of what could be read of the one in a directory, and how it takes its place:
///
///     salvaging          it is being made, and means nothing
///     salvaged           it is the store from now on; what was there before is being put aside
///     salvaged-moving    that is done; its files are being moved to where they belong
///     before-salvage-1   what was there before: a store's directory, like any other
///
/// The folder's name is the step that is to be done next. Each step can be done again, so that whoever
/// opens the directory after an interruption finishes them.
struct SalvageFolders {
    let directory: Directory
    let disk: any Disk

    static let working = "salvaging"
    private static let whole = "salvaged"
    private static let moving = "salvaged-moving"
    private static let asidePrefix = "before-salvage-"
    private static let lock = "lock"
    /// Those that say that a step is to be done.
    static let names = [whole, moving]

    var workingPath: String { directory.file(Self.working) }

    /// Makes the folder for what is there, with a copy of the files that say whose it is.
    func makeAside() throws(StoreError) {
        var number = try asideNumbers().max() ?? 0
        // One without a log was made by an attempt that came to nothing.
        let there = number == 0 ? [] : try Directory.names(in: aside(number))
        if number == 0 || there.contains(where: DamagedLog.isOfLog) { number += 1 }
        let path = aside(number)
        try OfflineFiles.makeDirectory(path)
        for name in IdentityFiles.names {
            guard let bytes = directory.fileBytes(name), bytes > 0 else { continue }
            let (source, _) = try OfflineFiles.openToRead(directory.file(name))
            let text = OfflineFiles.bytes(bytes) { OfflineFiles.read(source, $0, $1) }
            close(source)
            try disk.remove(path + "/" + name)
            let copy = try disk.create(path + "/" + name, bytes: 0, isWritten: false)
            defer { close(copy) }
            try disk.write(text.raw, to: copy, at: 0)
            try disk.sync(copy)
        }
        try disk.syncDirectory(path)
        try disk.syncDirectory(directory.path)
    }

    private func aside(_ number: Int) -> String {
        directory.file("\(Self.asidePrefix)\(number)")
    }

    private func asideNumbers() throws(StoreError) -> [Int] {
        try directory.names().compactMap { name in
            name.hasPrefix(Self.asidePrefix) ? Int(name.dropFirst(Self.asidePrefix.count)) : nil
        }
    }

    /// Where what was there before is.
    func asidePath() throws(StoreError) -> String { aside(try asideNumbers().max() ?? 1) }

    /// From now on what was made is the store, whatever happens.
    func decide() throws(StoreError) {
        try disk.remove(workingPath + "/" + Self.lock)
        try disk.syncDirectory(workingPath)
        try disk.rename(workingPath, to: directory.file(Self.whole))
        try disk.syncDirectory(directory.path)
    }

    /// Does the steps that are left. Begins again where it was interrupted.
    func finish() throws(StoreError) {
        let (whole, moving) = (directory.file(Self.whole), directory.file(Self.moving))
        if OfflineFiles.exists(whole) {
            let aside = try asidePath()
            for name in try directory.names() where DamagedLog.isOfLog(name) {
                try disk.rename(directory.file(name), to: aside + "/" + name)
            }
            // Where they are to be found has to be on disk before where they were is anything else.
            try disk.syncDirectory(aside)
            try disk.syncDirectory(directory.path)
            try disk.rename(whole, to: moving)
            try disk.syncDirectory(directory.path)
        }
        guard OfflineFiles.exists(moving) else { return }
        for name in try Directory.names(in: moving) where name != Self.lock {
            try disk.rename(moving + "/" + name, to: directory.file(name))
        }
        try disk.syncDirectory(directory.path)
        try disk.remove(moving + "/" + Self.lock)
        try OfflineFiles.removeEmptyDirectory(moving)
        try disk.syncDirectory(directory.path)
    }
}
