/// A folder as the operating system has it, and as the disk does: what a crash may leave follows
/// from both.
///
/// Of what was not synced any part may be on the disk: any 512-byte sector, any change of a name.
package struct FolderImage: Sendable {
    package struct File: Sendable {
        var bytes: [UInt8] = []
        /// What is on the disk whatever happens.
        var synced: [UInt8] = []
        /// Where the two may differ.
        var unsynced: [Range<Int>] = []
    }

    private struct Renaming: Sendable {
        /// Files by name; nil where the name goes away.
        var names: [(name: String, file: Int?)]
    }

    package private(set) var files: [File] = []
    /// The files by name, as the process sees them.
    package private(set) var names: [String: Int] = [:]
    private var syncedNames: [String: Int] = [:]
    private var renamings: [Renaming] = []

    package static let sectorBytes = 512

    package init() {}

    /// Whether a loss of power takes nothing that a crash of the process leaves.
    package var isSynced: Bool {
        renamings.isEmpty && names.values.allSatisfy { files[$0].unsynced.isEmpty }
    }

    // MARK: What happens

    package mutating func apply(_ step: RecordingDisk.Step) {
        switch step {
        case .create(let name, let file, let bytes): create(name, file, bytes)
        case .write(let file, let offset, let bytes): write(bytes[...], to: file, at: offset)
        case .sync(let file): files[file].sync()
        case .rename(let name, let to):
            let file = names.removeValue(forKey: name)
            names[to] = file
            renamings.append(Renaming(names: [(name, nil), (to, file)]))
        case .remove(let name):
            if names.removeValue(forKey: name) != nil {
                renamings.append(Renaming(names: [(name, nil)]))
            }
        case .syncFolder: (syncedNames, renamings) = (names, [])
        case .note: break
        }
    }

    mutating func create(_ name: String, _ file: Int, _ bytes: Int) {
        while files.count <= file { files.append(File()) }
        files[file].extend(to: bytes)
        guard names[name] == nil else { return }
        names[name] = file
        renamings.append(Renaming(names: [(name, file)]))
    }

    mutating func write(_ bytes: ArraySlice<UInt8>, to file: Int, at offset: Int) {
        files[file].write(bytes, at: offset)
    }

    // MARK: What a crash leaves

    /// What is left in the folder, by name.
    package typealias Remains = [String: [UInt8]]

    /// What ended.
    package enum Crash: Sendable {
        /// The process: the system writes all it has.
        case process
        /// Power: nothing is there but what was synced, with the names before the last sync of the
        /// folder, or after all that happened.
        case power(namesAreKept: Bool)
        /// Power: of what was not synced some sectors and names are on the disk, by chance.
        case powerInParts
    }

    package func left(
        by crash: Crash, using generator: inout some RandomNumberGenerator
    ) -> Remains {
        switch crash {
        case .process: names.mapValues { files[$0].bytes }
        case .power(let namesAreKept):
            (namesAreKept ? names : syncedNames).mapValues { files[$0].synced }
        case .powerInParts: leftInParts(using: &generator)
        }
    }

    private func leftInParts(using generator: inout some RandomNumberGenerator) -> Remains {
        var left = syncedNames
        for renaming in renamings where Bool.random(using: &generator) {
            for (name, file) in renaming.names { left[name] = file }
        }
        var remains: Remains = [:]
        for (name, file) in left.sorted(by: { $0.key < $1.key }) {
            remains[name] = files[file].left(by: &generator)
        }
        return remains
    }

    /// The same folder, of which the disk has what `remains` says.
    package init(left remains: Remains) {
        for (name, bytes) in remains.sorted(by: { $0.key < $1.key }) {
            names[name] = files.count
            files.append(File(bytes: bytes, synced: bytes))
        }
        syncedNames = names
    }
}

extension FolderImage.File {
    mutating func extend(to count: Int) {
        guard bytes.count < count else { return }
        unsynced.append(bytes.count..<count)
        bytes += [UInt8](repeating: 0, count: count - bytes.count)
    }

    mutating func write(_ new: ArraySlice<UInt8>, at offset: Int) {
        extend(to: offset + new.count)
        bytes.replaceSubrange(offset..<offset + new.count, with: new)
        unsynced.append(offset..<offset + new.count)
    }

    mutating func sync() {
        synced += [UInt8](repeating: 0, count: bytes.count - synced.count)
        for range in unsynced { synced.replaceSubrange(range, with: bytes[range]) }
        unsynced = []
    }

    /// Some sectors of what was not synced are there, and the file is longer or not.
    fileprivate func left(by generator: inout some RandomNumberGenerator) -> [UInt8] {
        guard !unsynced.isEmpty else { return bytes }
        var left = synced
        if left.count < bytes.count, Bool.random(using: &generator) {
            left += [UInt8](repeating: 0, count: bytes.count - left.count)
        }
        for range in unsynced {
            let sector = FolderImage.sectorBytes
            var start = range.lowerBound
            while start < min(range.upperBound, left.count) {
                let end = min(range.upperBound, left.count, (start / sector + 1) * sector)
                if Bool.random(using: &generator) {
                    left.replaceSubrange(start..<end, with: bytes[start..<end])
                }
                start = end
            }
        }
        return left
    }
}
