import Store
import StoreCore
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

extension BackupStream {
    /// All of it.
    func collect() throws(StoreError) -> [UInt8] {
        var (rest, bytes) = (self, [UInt8]())
        while let chunk = try rest.next() { bytes += chunk }
        return bytes
    }
}

extension Scratch {
    /// Writes a file, whole, and returns its path.
    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> String {
        let file = path + "/" + name
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        // The array's own bytes are written.
        try PosixDisk().write(bytes.raw, to: descriptor, at: 0)
        return file
    }

    /// A backup of a store, in a file here.
    func backup(of store: Store, as name: String = "backup") throws -> String {
        try write(try store.backup(takenAt: 1_000).collect(), to: name)
    }
}

extension OfflineLog {
    /// All keys and values that are there at the end, as "a=1 b=2".
    func text(at revision: Revision? = nil) throws -> String {
        let contents = try contents()
        var entries: [String] = []
        try contents.forEachEntry(at: revision) { key, value, _ in
            entries.append(
                String(decoding: [UInt8](key), as: UTF8.self) + "="
                    + String(decoding: [UInt8](value), as: UTF8.self))
        }
        return entries.joined(separator: " ")
    }
}

extension Store {
    /// A store with small segments, so that a few writes make several.
    static func openSmall(_ directory: String) throws(StoreError) -> Store {
        var options = StoreOptions()
        options.segmentBytesMin = 64 * 1024
        options.segmentBytesMax = 64 * 1024
        return try open(directory: directory, options: options)
    }
}
