import Store
import StoreCore

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A folder for stores that come and go. Removed with its files when it is let go.
package final class Folder: Sendable {
    package let path: String

    /// In memory, where the system has a place for that: nothing here outlives a crash anyway.
    package init() throws {
        let parent = unsafe access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/martlet-crash-XXXXXX".utf8CString)
        // mkdtemp writes into the array's own bytes.
        path = unsafe template.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress, unsafe mkdtemp(start) != nil else { return "" }
            return unsafe String(cString: start)
        }
        guard !path.isEmpty else {
            throw StoreError.system(operation: "make", file: parent, code: errno)
        }
    }

    deinit {
        for name in names() { unsafe unlink("\(path)/\(name)") }
        unsafe rmdir(path)
    }

    private func names() -> [String] {
        guard let stream = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Has the folder hold `remains` and nothing else.
    package func fill(with remains: FolderImage.Remains) throws(StoreError) {
        for name in names() { unsafe unlink("\(path)/\(name)") }
        let disk = PosixDisk()
        for (name, bytes) in remains {
            let descriptor = try disk.create("\(path)/\(name)", bytes: 0, isWritten: false)
            defer { close(descriptor) }
            // Zeros at the end take no time, nor room.
            let used = (bytes.lastIndex { $0 != 0 } ?? -1) + 1
            try disk.write(bytes.raw.extracting(0..<used), to: descriptor, at: 0)
            guard ftruncate(descriptor, off_t(bytes.count)) == 0 else {
                throw .system(operation: "truncate", file: name, code: errno)
            }
        }
    }

    package func read() throws(StoreError) -> FolderImage.Remains {
        var remains: FolderImage.Remains = [:]
        for name in names() {
            let descriptor = unsafe open("\(path)/\(name)", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw .system(operation: "open", file: name, code: errno)
            }
            defer { close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
            // Reads at most the array's own length into it.
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
            }
            guard count == bytes.count else {
                throw .system(operation: "read", file: name, code: errno)
            }
            remains[name] = bytes
        }
        return remains
    }
}
