internal import StoreCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// A checkpoint on its way to the disk: under another name until it is whole, and durable.
struct CheckpointFile {
    private let directory: Directory
    private let disk: any Disk
    private var writer: CheckpointWriter?
    private var descriptor: Int32 = -1

    init(directory: Directory, disk: any Disk) { (self.directory, self.disk) = (directory, disk) }

    private var path: String { directory.file("checkpoint.new") }

    /// Writes a few more leaves. Returns whether that was all.
    mutating func writeMore(_ shared: Shared) throws(StoreError) -> Bool {
        if writer == nil { writer = try begin(shared) }
        guard var now = writer else { return false }
        writer = nil
        defer { writer = now }
        while now.next != nil, now.bytes.count < Self.stepBytes {
            shared.state.withLock { now.addLeaf(of: $0.core) }
        }
        let (bytes, offset) = now.take()
        try disk.write(bytes.raw, to: descriptor, at: offset)
        return now.next == nil
    }

    private static let stepBytes = 256 * 1024

    private mutating func begin(_ shared: Shared) throws(StoreError) -> CheckpointWriter {
        try disk.remove(path)
        descriptor = try disk.create(path, bytes: 0, isWritten: false)
        return shared.state.withLock { CheckpointWriter($0.core, at: $0.replayPosition) }
    }

    /// Gives the file its name.
    mutating func finish(_ shared: Shared) throws(StoreError) {
        guard let written = writer else { return }
        defer { giveUp() }
        let committed = shared.state.withLock { $0.publishedIndex }
        try disk.write(written.header(committed: committed).raw, to: descriptor, at: 0)
        try disk.sync(descriptor)
        try disk.rename(path, to: directory.file("checkpoint"))
        try disk.syncDirectory(directory.path)
        shared.state.withLock { $0.core.noteCheckpoint(at: written.position.segment) }
    }

    mutating func giveUp() {
        if descriptor >= 0 { close(descriptor) }
        (writer, descriptor) = (nil, -1)
    }
}

extension KeeperWork {
    mutating func considerCheckpoint(bytesMin: Int) {
        guard case .none = checkpointing else { return }
        guard bytesSinceCheckpoint > bytesMin else { return }
        checkpointing = .writing
    }
}

extension Keeper {
    func write(_ checkpoint: inout CheckpointFile, _ propose: @escaping Propose) {
        do throws(StoreError) {
            guard try checkpoint.writeMore(shared) else { return }
        } catch {
            return giveUp(&checkpoint)
        }
        change { $0.checkpointing = .waiting }
        let work = work
        // Proposals are carried out in order: after this one, all that was seen is durable.
        propose(.barrier) { result in
            guard case .success = result else { return }
            work.change { work in
                work.checkpointing = .ready
                return ((), wake: true)
            }
        }
    }

    func finish(_ checkpoint: inout CheckpointFile) {
        do throws(StoreError) { try checkpoint.finish(shared) } catch { return giveUp(&checkpoint) }
        change { work in
            (work.checkpointing, work.bytesSinceCheckpoint) = (.none, 0)
        }
    }

    /// A disk that has no room for a checkpoint may have some next time; the log has it all.
    private func giveUp(_ checkpoint: inout CheckpointFile) {
        checkpoint.giveUp()
        change { work in
            (work.checkpointing, work.bytesSinceCheckpoint) = (.none, 0)
        }
    }

    /// The writer has stopped and all is durable: a checkpoint now makes the next start fast.
    func writeLast(_ checkpoint: inout CheckpointFile) {
        let isWanted = work.change { work in
            (work.bytesSinceCheckpoint > lastCheckpointBytesMin && !work.hasFailed, wake: false)
        }
        guard isWanted else { return }
        checkpoint.giveUp()
        do throws(StoreError) {
            while try !checkpoint.writeMore(shared) {}
            try checkpoint.finish(shared)
        } catch {
            checkpoint.giveUp()
        }
    }
}
