public import StoreCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// What the log asks of the operating system. Tests put failing disks in its place.
///
/// Every call either does all that it was asked, or throws
/// ``StoreError/system(operation:file:code:)``.
public protocol Disk: Sendable {
    /// Makes the file `path`, of `bytes` bytes, which are reserved; if `isWritten`, they have also
    /// been written, so that overwriting them changes no metadata. Returns its descriptor, yet to
    /// be synced.
    func create(_ path: String, bytes: Int, isWritten: Bool) throws(StoreError) -> Int32
    func open(_ path: String) throws(StoreError) -> Int32
    func write(_ bytes: RawSpan, to descriptor: Int32, at offset: Int) throws(StoreError)
    /// Returns when everything written to the file is on the disk.
    func sync(_ descriptor: Int32) throws(StoreError)
    func rename(_ path: String, to other: String) throws(StoreError)
    func remove(_ path: String) throws(StoreError)
    func syncDirectory(_ path: String) throws(StoreError)
}

/// The real disk.
public struct PosixDisk: Disk {
    public init() {}

    private static let zeros = [UInt8](repeating: 0, count: 256 * 1024)
    private static let unsyncedBytesMax = 1024 * 1024

    public func create(
        _ path: String, bytes: Int, isWritten: Bool
    ) throws(StoreError) -> Int32 {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("open", path) }
        do throws(StoreError) {
            let code = bytes == 0 ? 0 : posix_fallocate(descriptor, 0, off_t(bytes))
            guard code == 0 else { throw .system(operation: "allocate", file: path, code: code) }
            var offset = 0
            while isWritten, offset < bytes {
                let count = min(Self.zeros.count, bytes - offset)
                let chunk = Self.zeros.raw.extracting(0..<count)
                try write(chunk, to: descriptor, at: offset)
                offset += count
                // In small steps, as the log's own syncs queue behind.
                if offset % Self.unsyncedBytesMax == 0 { try sync(descriptor) }
            }
        } catch {
            close(descriptor)
            unsafe unlink(path)
            throw error
        }
        return descriptor
    }

    public func open(_ path: String) throws(StoreError) -> Int32 {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open", path) }
        return descriptor
    }

    public func write(
        _ bytes: RawSpan, to descriptor: Int32, at offset: Int
    ) throws(StoreError) {
        var done = 0
        while done < bytes.byteCount {
            // The kernel reads at most the bytes of the span, while it is borrowed.
            let count = unsafe bytes.extracting(done..<bytes.byteCount).withUnsafeBytes {
                unsafe pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset + done))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .last("write", "descriptor \(descriptor)") }
            done += count
        }
    }

    public func sync(_ descriptor: Int32) throws(StoreError) {
        guard fdatasync(descriptor) == 0 else { throw .last("sync", "descriptor \(descriptor)") }
    }

    public func rename(_ path: String, to other: String) throws(StoreError) {
        guard unsafe Glibc.rename(path, other) == 0 else { throw .last("rename", path) }
    }

    public func remove(_ path: String) throws(StoreError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw .last("remove", path) }
    }

    public func syncDirectory(_ path: String) throws(StoreError) {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("sync", path) }
    }
}

extension StoreError {
    /// What the system call just made reports.
    static func last(_ operation: String, _ file: String) -> StoreError {
        .system(operation: operation, file: file, code: errno)
    }

    var isDiskFull: Bool {
        guard case .system(_, _, let code) = self else { return false }
        return code == ENOSPC || code == EDQUOT
    }
}
