internal import StoreCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// What reading a log that nobody has open asks of the operating system.
enum OfflineFiles {
    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Returns a descriptor and the file's size.
    static func openToRead(_ path: String) throws(StoreError) -> (Int32, bytes: Int) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open", path) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            let error = StoreError.last("read", path)
            close(descriptor)
            throw error
        }
        return (descriptor, Int(status.st_size))
    }

    /// Reads what the disk gives. What it does not becomes zeros, which no record is made of.
    ///
    /// - Parameter piece: Bytes at an offset, `count` or fewer; nil if the disk does not give them.
    static func bytes(
        _ byteCount: Int, readingAround piece: (_ offset: Int, _ count: Int) -> [UInt8]?
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        while bytes.count < byteCount {
            let count = min(sectorBytes, byteCount - bytes.count)
            let found = (piece(bytes.count, count) ?? []).prefix(count)
            bytes += found
            bytes.append(contentsOf: repeatElement(0, count: count - found.count))
        }
        return bytes
    }

    /// What a disk gives or does not give as one.
    static let sectorBytes = 4096

    static func read(_ descriptor: Int32, _ offset: Int, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        // Reads at most the array's own length into it.
        let found = unsafe bytes.withUnsafeMutableBytes {
            unsafe pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
        }
        return found < 0 ? nil : Array(bytes.prefix(found))
    }

    /// Makes a directory for whom it belongs to alone, if it is not there.
    static func makeDirectory(_ path: String) throws(StoreError) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .last("make", path) }
    }

    static func removeEmptyDirectory(_ path: String) throws(StoreError) {
        guard unsafe rmdir(path) == 0 || errno == ENOENT else { throw .last("remove", path) }
    }
}

/// Keeps a server from opening a directory, without writing anything into it.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// Nil if the directory was never locked: no member has opened it.
    ///
    /// - Throws: ``StoreError/locked(directory:)`` if a process has it open.
    init?(_ directory: String) throws(StoreError) {
        let path = directory + "/lock"
        // The property is set last: once it is, a failing init ends with deinit, which closes as well.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw .last("open", path) }
            return nil
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            if code == EWOULDBLOCK { throw .locked(directory: directory) }
            throw .system(operation: "lock", file: path, code: code)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
