import Store
import Synchronization

/// The real disk, of which one call fails, and all after it, as at a loss of power.
final class CountingDisk: Disk {
    private let disk = PosixDisk()
    private let failingAt: Int
    private let calls = Mutex(0)

    init(failingAt: Int) { self.failingAt = failingAt }

    /// Whether a call has failed.
    var hasFailed: Bool { calls.withLock { $0 > failingAt } }

    private func count(_ operation: String) throws(StoreError) {
        let number = calls.withLock { calls in
            defer { calls += 1 }
            return calls
        }
        guard number >= failingAt else { return }
        throw .system(operation: operation, file: "a failing disk", code: 5)
    }

    func create(_ path: String, bytes: Int, isWritten: Bool) throws(StoreError) -> Int32 {
        try count("allocate")
        return try disk.create(path, bytes: bytes, isWritten: isWritten)
    }
    func open(_ path: String) throws(StoreError) -> Int32 {
        try count("open")
        return try disk.open(path)
    }
    func write(_ bytes: RawSpan, to descriptor: Int32, at offset: Int) throws(StoreError) {
        try count("write")
        try disk.write(bytes, to: descriptor, at: offset)
    }
    func sync(_ descriptor: Int32) throws(StoreError) {
        try count("sync")
        try disk.sync(descriptor)
    }
    func rename(_ path: String, to other: String) throws(StoreError) {
        try count("rename")
        try disk.rename(path, to: other)
    }
    func remove(_ path: String) throws(StoreError) {
        try count("remove")
        try disk.remove(path)
    }
    func syncDirectory(_ path: String) throws(StoreError) {
        try count("sync")
        try disk.syncDirectory(path)
    }
}
