internal import StoreCore
internal import StoreHistory

/// One member's disk: files in one directory, what of them is durable, and what a crash may take.
///
/// A write reaches the cache in sectors of 512 bytes; until the file is synced, a loss of power may
/// leave each sector as it was after any of the writes since the last sync, or before them. Names
/// are lost from the newest on.
package final class SimulatedDisk {
    static let sectorBytes = 512

    final class File {
        var bytes: [UInt8]
        /// Sectors written since the last sync, in order: what they held before each write.
        var unsynced: [(sector: Int, before: [UInt8])] = []
        /// Sectors whose sync failed: no later sync will bring them to the disk.
        var stale: [Int: [UInt8]] = [:]
        var isSizeDurable = false
        /// The end of what was ever written.
        var writtenEnd = 0
        /// The last write since the file has its name, and the last one that was synced.
        var lastWrite = 0..<0
        var lastSynced = 0..<0

        init(bytes: Int) { self.bytes = [UInt8](repeating: 0, count: bytes) }
    }

    /// What a crash takes.
    enum Loss {
        /// The process alone: the cache stays.
        case nothing
        /// Everything that was not synced.
        case unsynced
        /// Some sectors and not others.
        case torn
    }

    private var files: [String: File] = [:] {
        didSet { recent.removeAll(keepingCapacity: true) }
    }
    /// Files that were read lately: a few names are asked for again and again.
    private var recent: [(name: String, file: File)] = []
    private var recentNext = 0
    private static let recentMax = 8
    private var durableFiles: [String: File] = [:]
    private var unsyncedNames: [NameChange] = []
    /// Where something was written last.
    private var newest: String?
    private enum NameChange {
        case add(String, File)
        /// At once, whatever happens, as journals of file systems see to.
        case move(String, to: String, File)
        case remove(String)
    }

    // What is wrong with it at the moment; the world sets it.
    var isFull = false
    var failsNextWrite = false
    var failsNextSync = false
    var losesNextWrite = false
    var misdirectsNextWrite = false

    /// A write that can be read already, as in a system's cache, and has not come to be.
    private var shown: (file: File, offset: Int, before: [UInt8])?

    package init() {}

    // MARK: Reading

    /// Shows the bytes of a write that is about to be carried out to whoever reads, until it is or
    /// the process ends. One at a time.
    package func show(_ name: String, _ offset: Int, _ bytes: [UInt8]) {
        hide()
        guard let file = file(name), offset + bytes.count <= file.bytes.count else { return }
        let place = offset..<offset + bytes.count
        shown = (file, offset, Array(file.bytes[place]))
        file.bytes.replaceSubrange(place, with: bytes)
    }

    /// What was shown is gone again.
    func hide() {
        guard let (file, offset, before) = shown else { return }
        shown = nil
        file.bytes.replaceSubrange(offset..<offset + before.count, with: before)
    }

    /// What a sync of the directory has to do: nothing, or to make names durable, of new files or of
    /// old ones that had others.
    var unsyncedNamesKind: UnsyncedNames {
        let isMoved = unsyncedNames.contains { change in
            guard case .move(_, _, let file) = change else { return false }
            return durableFiles.contains { $0.value === file }
        }
        return isMoved ? .moved : unsyncedNames.isEmpty ? .none : .new
    }
    enum UnsyncedNames { case none, new, moved }

    package var names: [String] { files.keys.sorted() }

    private func file(_ name: String) -> File? {
        for place in recent.indices where recent[place].name == name {
            return recent[place].file
        }
        guard let file = files[name] else { return nil }
        if recent.count < Self.recentMax {
            recent.append((name, file))
        } else {
            recent[recentNext] = (name, file)
            recentNext = (recentNext + 1) % Self.recentMax
        }
        return file
    }

    package func byteCount(of name: String) -> Int? { file(name)?.bytes.count }

    /// Lends a file's bytes. Do not keep a copy: the next write would have to copy it all.
    package func withBytes<Result, Failure: Error>(
        of name: String, _ body: ([UInt8]) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard let file = file(name) else { return nil }
        return try body(file.bytes)
    }

    /// A part of a file; nil if it has no such part.
    package func read(_ name: String, _ range: Range<Int>) -> [UInt8]? {
        guard let file = file(name), range.upperBound <= file.bytes.count else { return nil }
        return Array(file.bytes[range])
    }

    /// Whether a part of a file is there, and reads so.
    package func holds(_ bytes: [UInt8], in name: String, at offset: Int) -> Bool {
        file(name)?.bytes.holds(bytes, at: offset) ?? false
    }

    // MARK: Commands

    /// Returns what came of a command, and which planted fault struck it.
    func carryOut(
        _ command: DiskCommand, _ random: inout SeededRandom
    ) -> (result: DiskResult, struck: FaultKind?) {
        switch command {
        case .create(let name, let bytes):
            guard !isFull else { return (.failed(.noSpace), .diskFull) }
            let file = File(bytes: bytes)
            files[name] = file
            unsyncedNames.append(.add(name, file))
        case .write(let name, let offset, let bytes):
            if let shown, shown.file === file(name), shown.offset == offset { hide() }
            return write(name, offset, bytes, &random)
        case .sync(let name): return sync(name)
        case .rename(let name, let new):
            guard let file = files.removeValue(forKey: name) else {
                return (.failed(.missing), nil)
            }
            files[new] = file
            (file.lastWrite, file.lastSynced) = (0..<0, 0..<0)
            unsyncedNames.append(.move(name, to: new, file))
        case .remove(let name):
            guard files.removeValue(forKey: name) != nil else { return (.failed(.missing), nil) }
            unsyncedNames.append(.remove(name))
        case .syncDirectory:
            durableFiles = files
            unsyncedNames.removeAll()
        }
        return (.done, nil)
    }

    private func write(
        _ name: String, _ offset: Int, _ bytes: [UInt8], _ random: inout SeededRandom
    ) -> (result: DiskResult, struck: FaultKind?) {
        guard let file = file(name), offset >= 0, offset + bytes.count <= file.bytes.count else {
            return (.failed(.missing), nil)
        }
        if failsNextWrite {
            failsNextWrite = false
            file.put(bytes.prefix(random.below(bytes.count + 1)), at: offset)
            return (.failed(.io), .writeFails)
        }
        if losesNextWrite {
            losesNextWrite = false
            return (.done, .lostWrite)
        }
        if misdirectsNextWrite {
            let places = (-16...16).map { offset + $0 * Self.sectorBytes }.filter {
                $0 != offset && $0 >= 0 && $0 + bytes.count <= file.bytes.count
            }
            if !places.isEmpty {
                misdirectsNextWrite = false
                let place = random.pick(places)
                file.put(bytes[...], at: place)
                return (.done, .misdirectedWrite)
            }
        }
        file.put(bytes[...], at: offset)
        newest = name
        return (.done, nil)
    }

    private func sync(_ name: String) -> (result: DiskResult, struck: FaultKind?) {
        guard let file = file(name) else { return (.failed(.missing), nil) }
        if failsNextSync {
            failsNextSync = false
            for (sector, before) in file.unsynced where file.stale[sector] == nil {
                file.stale[sector] = before
            }
            file.unsynced.removeAll()
            return (.failed(.io), .syncFails)
        }
        file.unsynced.removeAll(keepingCapacity: true)
        file.lastSynced = file.lastWrite
        file.isSizeDurable = true
        return (.done, nil)
    }

    // MARK: Faults

    /// Leaves what a crash leaves. `underway` was being carried out. Returns whether a single
    /// write or several were torn: some of their sectors are there and others are not.
    func crash(_ loss: Loss, underway: DiskCommand?, _ random: inout SeededRandom) -> Bool {
        (failsNextWrite, failsNextSync) = (false, false)
        hide()
        if case .write(let name, let offset, let bytes)? = underway, let file = files[name],
            offset >= 0, offset + bytes.count <= file.bytes.count
        {
            // The process alone may have been cut off in the middle as well.
            let kept = loss == .nothing ? random.below(bytes.count + 1) : bytes.count
            file.put(bytes.prefix(kept), at: offset)
        }
        guard loss != .nothing else { return false }
        loseNames(loss, &random)
        var isTorn = false
        for name in files.keys.sorted() {
            guard let file = files[name] else { continue }
            isTorn = file.crash(loss, &random) || isTorn
        }
        return isTorn
    }

    private func loseNames(_ loss: Loss, _ random: inout SeededRandom) {
        let kept = loss == .torn ? random.below(unsyncedNames.count + 1) : 0
        files = durableFiles
        for change in unsyncedNames.prefix(kept) {
            switch change {
            case .add(let name, let file): files[name] = file
            case .move(let name, let new, let file): (files[name], files[new]) = (nil, file)
            case .remove(let name): files[name] = nil
            }
        }
        durableFiles = files
        unsyncedNames.removeAll()
    }

    func wipe() {
        shown = nil
        (files, durableFiles) = ([:], [:])
        unsyncedNames.removeAll()
        (losesNextWrite, misdirectsNextWrite) = (false, false)
    }

    /// Flips a bit of what was written and synced. Returns where, if there is anything.
    ///
    /// It spares what was written to a file last, unless that was all of it: rot in the last batch of
    /// a member that crashed cannot be told from a torn write (decision 7), so no member could be
    /// expected to find it.
    func rot(_ random: inout SeededRandom) -> (file: String, offset: Int)? {
        let names = files.keys.sorted().filter { (files[$0]?.writtenEnd ?? 0) > 0 }
        guard !names.isEmpty else { return nil }
        var name = random.pick(names)
        var depth = Int.max
        if let newest, (files[newest]?.writtenEnd ?? 0) > 0, random.chance(permille: 500) {
            (name, depth) = (newest, 16 * 1024)
        }
        guard let file = files[name] else { return nil }
        let offset = file.writtenEnd - 1 - random.below(min(depth, file.writtenEnd))
        let sector = offset / Self.sectorBytes
        guard !file.unsynced.contains(where: { $0.sector == sector }),
            !file.lastWrite.contains(offset), !file.lastSynced.contains(offset)
        else { return nil }
        file.bytes[offset] ^= 1 << UInt8(random.below(8))
        return (name, offset)
    }
}

extension SimulatedDisk.File {
    private func sector(_ number: Int) -> Range<Int> {
        let start = number * SimulatedDisk.sectorBytes
        return start..<min(start + SimulatedDisk.sectorBytes, bytes.count)
    }

    fileprivate func put(_ new: ArraySlice<UInt8>, at offset: Int) {
        guard !new.isEmpty else { return }
        let first = offset / SimulatedDisk.sectorBytes
        let last = (offset + new.count - 1) / SimulatedDisk.sectorBytes
        for number in first...last {
            if !stale.isEmpty, let durable = stale.removeValue(forKey: number) {
                unsynced.append((number, durable))
            }
            unsynced.append((number, Array(bytes[sector(number)])))
        }
        bytes.replaceSubrange(offset..<offset + new.count, with: new)
        lastWrite = offset..<offset + new.count
        writtenEnd = max(writtenEnd, offset + new.count)
    }

    /// Returns whether some sectors kept what others lost.
    fileprivate func crash(_ loss: SimulatedDisk.Loss, _ random: inout SeededRandom) -> Bool {
        for number in stale.keys.sorted() {
            guard let old = stale[number] else { continue }
            bytes.replaceSubrange(sector(number), with: old)
        }
        var (kept, lost) = (0, 0)
        let sectors = Dictionary(grouping: unsynced, by: \.sector).sorted { $0.key < $1.key }
        for (number, writes) in sectors {
            let versions = writes.map(\.before)
            let choice = loss == .torn ? random.below(versions.count + 1) : 0
            if choice == versions.count {
                kept += 1
            } else {
                lost += 1
                bytes.replaceSubrange(sector(number), with: versions[choice])
            }
        }
        stale.removeAll()
        unsynced.removeAll()
        if !isSizeDurable, loss == .unsynced || random.chance(permille: 500) { bytes.removeAll() }
        isSizeDurable = true
        writtenEnd = min(writtenEnd, bytes.count)
        return kept > 0 && lost > 0
    }
}
