import Store
import StoreCore
import Synchronization

/// The real disk, which keeps a record of what it was asked to do, in order, and of what was said
/// meanwhile.
///
/// One call is carried out at a time, so that the order is one that a crash can cut.
package final class RecordingDisk: Disk {
    /// Names are relative to the folder; files have numbers, as they are renamed.
    package enum Step: Sendable {
        /// The file has `bytes` bytes at least afterwards. It may have been there.
        case create(name: String, file: Int, bytes: Int)
        case write(file: Int, offset: Int, bytes: [UInt8])
        case sync(file: Int)
        case rename(name: String, to: String)
        case remove(name: String)
        case syncFolder
        case note(Note)
    }

    /// What somebody was told, or was about to ask.
    package enum Note: Sendable {
        case proposed(Int)
        case acknowledged(Int)
        /// A member told its leader that it has the log up to here on disk.
        case accepted(through: UInt64)
        /// A member has voted, or taken entries, in this term: it may do so in none before it.
        case term(UInt64)
    }

    fileprivate struct Record: Sendable {
        var steps: [Step] = []
        /// Files by name, and by open descriptor.
        var names: [String: Int]
        var descriptors: [Int32: Int] = [:]
        var nextFile: Int
    }

    private let disk = PosixDisk()
    private let folder: String
    private let record: Mutex<Record>

    /// - Parameter image: What is in the folder already.
    package init(folder: String, with image: FolderImage = FolderImage()) {
        self.folder = folder
        record = Mutex(Record(names: image.names, nextFile: image.files.count))
    }

    package var steps: [Step] { record.withLock { $0.steps } }

    package func note(_ note: Note) { record.withLock { $0.steps.append(.note(note)) } }

    private func name(_ path: String) -> String { String(path.dropFirst(folder.utf8.count + 1)) }

    package func create(
        _ path: String, bytes: Int, isWritten: Bool
    ) throws(StoreError) -> Int32 {
        let name = name(path)
        return try record.withLock { record throws(StoreError) in
            let descriptor = try disk.create(path, bytes: bytes, isWritten: isWritten)
            let file = record.names[name] ?? record.nextFile
            record.nextFile = max(record.nextFile, file + 1)
            record.names[name] = file
            record.descriptors[descriptor] = file
            record.steps.append(.create(name: name, file: file, bytes: bytes))
            return descriptor
        }
    }

    package func open(_ path: String) throws(StoreError) -> Int32 {
        let name = name(path)
        return try record.withLock { record throws(StoreError) in
            let descriptor = try disk.open(path)
            record.descriptors[descriptor] = record.names[name]
            return descriptor
        }
    }

    package func write(
        _ bytes: RawSpan, to descriptor: Int32, at offset: Int
    ) throws(StoreError) {
        let copy = [UInt8](bytes)
        try record.withLock { record throws(StoreError) in
            try disk.write(bytes, to: descriptor, at: offset)
            let file = record.file(descriptor)
            record.steps.append(.write(file: file, offset: offset, bytes: copy))
        }
    }

    package func sync(_ descriptor: Int32) throws(StoreError) {
        try record.withLock { record throws(StoreError) in
            try disk.sync(descriptor)
            record.steps.append(.sync(file: record.file(descriptor)))
        }
    }

    package func rename(_ path: String, to other: String) throws(StoreError) {
        let (from, to) = (name(path), name(other))
        try record.withLock { record throws(StoreError) in
            try disk.rename(path, to: other)
            record.names[to] = record.names.removeValue(forKey: from)
            record.steps.append(.rename(name: from, to: to))
        }
    }

    package func remove(_ path: String) throws(StoreError) {
        let name = name(path)
        try record.withLock { record throws(StoreError) in
            try disk.remove(path)
            record.names[name] = nil
            record.steps.append(.remove(name: name))
        }
    }

    package func syncDirectory(_ path: String) throws(StoreError) {
        try record.withLock { record throws(StoreError) in
            try disk.syncDirectory(path)
            record.steps.append(.syncFolder)
        }
    }
}

extension RecordingDisk.Record {
    fileprivate func file(_ descriptor: Int32) -> Int {
        guard let file = descriptors[descriptor] else {
            preconditionFailure("descriptor \(descriptor) was opened by other means")
        }
        return file
    }
}
