internal import StoreCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// The store's directory, which one process at a time may have open.
///
///     0000000001.log   a segment of the log, by its sequence number
///     spare-7          a file to become a segment or once one; its contents mean nothing
///     reserve-1        the same, kept for when the disk is full
///     checkpoint       the key space as it was some time ago, to start faster
///     lock             locked while a process has the directory open
final class Directory: Sendable {
    let path: String
    /// The lock file's descriptor; -1 once given up.
    private let lock: Atomic<Int32>

    /// Makes the directory if need be, with mode 0700, and locks it.
    ///
    /// - Throws: ``StoreError/locked(directory:)`` if another process has it open.
    init(_ path: String) throws(StoreError) {
        self.path = path
        try Self.make(path)
        let lockPath = path + "/lock"
        let descriptor = unsafe open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("open", lockPath) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            if code == EWOULDBLOCK { throw .locked(directory: path) }
            throw .system(operation: "lock", file: lockPath, code: code)
        }
        lock = Atomic(descriptor)
    }

    deinit { unlock() }

    /// Lets others open the directory.
    func unlock() {
        let descriptor = lock.exchange(-1, ordering: .acquiringAndReleasing)
        guard descriptor >= 0 else { return }
        // A process that is about to become another program may hold the lock as well: closing the
        // descriptor here would leave it there.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    private static func make(_ path: String) throws(StoreError) {
        var end = path.startIndex
        while end < path.endIndex {
            end = path[path.index(after: end)...].firstIndex(of: "/") ?? path.endIndex
            let parent = String(path[..<end])
            if unsafe mkdir(parent, 0o700) != 0 && errno != EEXIST { throw .last("make", parent) }
        }
    }

    /// The directory in which a path stands.
    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    func file(_ name: String) -> String { path + "/" + name }

    func segmentFile(_ sequence: UInt32) -> String { file(Self.segmentName(sequence)) }

    static func segmentName(_ sequence: UInt32) -> String {
        let digits = String(sequence)
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits + ".log"
    }

    /// The file's size; nil if it is not there.
    func fileBytes(_ name: String) -> Int? {
        var status = stat()
        guard unsafe stat(file(name), &status) == 0 else { return nil }
        return Int(status.st_size)
    }

    /// The sequence numbers of the segments that are there.
    func segments() throws(StoreError) -> [UInt32] {
        try names().compactMap { name in
            name.hasSuffix(".log") ? UInt32(name.dropLast(4)) : nil
        }.sorted()
    }

    func names() throws(StoreError) -> [String] { try Self.names(in: path) }

    static func names(in path: String) throws(StoreError) -> [String] {
        guard let stream = unsafe opendir(path) else { throw .last("read", path) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            // The name ends in a zero byte, within the entry, until the next call.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
