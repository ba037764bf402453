internal import Glibc

/// Why a strategy is not used. One sentence, for the status of the SchedulingPolicy.
public struct PluginRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// The strategy's id, as it was asked for.
    public let id: String
    public let reason: String

    public var description: String { reason }
}

/// The file of a strategy: opened once, and what is loaded later is what was checked and hashed.
struct PluginFile: ~Copyable {
    /// A strategy of ours has 30 KB.
    static let bytesMax = 64 << 20
    private static let readBytes = 1 << 16

    let descriptor: Int32
    let sha256: String

    /// Opens a file and checks who could have changed it.
    ///
    /// - Throws: if it is not a regular file of root or this process's user that nobody else may
    ///   write to, or can't be read.
    init(path: String, id: String) throws(PluginRefusal) {
        func refuse(_ why: String) -> PluginRefusal {
            PluginRefusal(id: id, reason: "\(path) \(why)")
        }
        // Not to wait, should it be a pipe.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw refuse("can't be opened: \(Self.describe(errno))")
        }
        do {
            try Self.checkOwner(of: descriptor, refuse)
            sha256 = try Self.hash(descriptor, refuse)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    private static func checkOwner(
        of descriptor: Int32, _ refuse: (String) -> PluginRefusal
    ) throws(PluginRefusal) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw refuse("can't be examined: \(describe(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw refuse("is not a regular file") }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw refuse("belongs to user \(status.st_uid), not to root or the server's user")
        }
        guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
            throw refuse("may be written to by others than its owner")
        }
        guard status.st_size <= bytesMax else {
            throw refuse("is larger than \(bytesMax >> 20) MiB")
        }
    }

    private static func hash(
        _ descriptor: Int32, _ refuse: (String) -> PluginRefusal
    ) throws(PluginRefusal) -> String {
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: readBytes)
        var offset = 0
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe pread(descriptor, $0.baseAddress, $0.count, offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw refuse("can't be read: \(describe(errno))") }
            if count == 0 { return hash.finish() }
            hash.update(buffer[..<count])
            offset += count
            guard offset <= bytesMax else { throw refuse("grows while it is read") }
        }
    }

    static func describe(_ error: Int32) -> String {
        // The text is the C library's, and copied at once.
        unsafe strerror(error).map { unsafe String(cString: $0) } ?? "error \(error)"
    }
}
