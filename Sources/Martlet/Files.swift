import Glibc

/// What the operating system said to a call on a file.
struct FileError: Error, CustomStringConvertible {
    let operation: String
    let path: String
    let code: Int32

    init(_ operation: String, _ path: String) {
        self.operation = operation
        self.path = path
        code = errno
    }

    var isDiskFull: Bool { code == ENOSPC || code == EDQUOT }

    var description: String {
        let reason = unsafe String(cString: strerror(code))
        return "cannot \(operation) \(path): \(reason)"
    }
}

/// Small whole files: certificates, keys, configuration.
enum Files {
    /// No file that is read whole is larger.
    private static let bytesMax = 16 * 1024 * 1024

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Makes a directory and those above it, readable by the owner alone.
    static func makeDirectory(_ path: String) throws(FileError) {
        if isDirectory(path) { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeDirectory(String(path[..<slash]))
        }
        // Somebody may have made it meanwhile.
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST && isDirectory(path) else {
            throw FileError("make directory", path)
        }
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func read(_ path: String) throws(FileError) -> [UInt8] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileError("read", path) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < bytesMax {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw FileError("read", path) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
        errno = EFBIG
        throw FileError("read", path)
    }

    /// Writes a file whole or not at all: beside its place first, synced, then renamed.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(FileError) {
        let temporary = path + ".new"
        let file = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw FileError("write", temporary) }
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(file, $0.baseAddress! + offset, $0.count - offset)
            }
            guard count > 0 else {
                close(file)
                throw FileError("write", temporary)
            }
            offset += count
        }
        guard fsync(file) == 0, close(file) == 0, unsafe rename(temporary, path) == 0 else {
            throw FileError("write", path)
        }
    }

    static func remove(_ path: String) throws(FileError) {
        guard unsafe unlink(path) == 0 else { throw FileError("remove", path) }
    }

    /// An absolute form of a path, so that what is printed can be used from anywhere.
    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        guard let here = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(here) }
        let trimmed = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        return unsafe String(cString: here) + "/" + trimmed
    }

    /// The addresses of this machine's network interfaces; none if the kernel does not tell.
    static var hostAddresses: [String] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&first) == 0 else { return [] }
        defer { unsafe freeifaddrs(first) }
        var found: [String] = []
        var next = unsafe first
        while let interface = unsafe next {
            // The list is ours until it is freed, and each address as long as its family says.
            if let text = unsafe interface.pointee.ifa_addr.flatMap({ unsafe numeric($0) }) {
                found.append(text)
            }
            unsafe next = interface.pointee.ifa_next
        }
        return found
    }

    /// `192.0.2.1` or `2001:db8::1`; nil for what is neither, and for addresses of a link only.
    private static func numeric(_ address: UnsafeMutablePointer<sockaddr>) -> String? {
        let bytes: Int
        switch unsafe Int32(address.pointee.sa_family) {
        case AF_INET: bytes = MemoryLayout<sockaddr_in>.size
        case AF_INET6: bytes = MemoryLayout<sockaddr_in6>.size
        default: return nil
        }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let failed = unsafe getnameinfo(
            address, socklen_t(bytes), &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        guard failed == 0 else { return nil }
        let bytesOfText = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let host = String(decoding: bytesOfText, as: UTF8.self)
        return host.contains("%") ? nil : host
    }

    /// The directory of the running program.
    static var programDirectory: String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe buffer.withUnsafeMutableBytes {
            unsafe readlink("/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        guard count > 0 else { return "." }
        let path = String(decoding: buffer[..<count], as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
