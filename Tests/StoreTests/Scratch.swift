import Store
import StoreCore
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A directory for one test, removed when the test ends.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/martlet-store-XXXXXX".utf8CString)
        // mkdtemp writes into the array's own bytes.
        path = try unsafe template.withUnsafeMutableBufferPointer { buffer in
            let start = try unsafe #require(buffer.baseAddress)
            return try unsafe String(cString: #require(mkdtemp(start)))
        }
    }

    deinit { Self.remove(path) }

    static func remove(_ path: String) {
        if unsafe unlink(path) == 0 { return }
        for name in (try? names(in: path)) ?? [] {
            remove(path + "/" + name)
        }
        unsafe rmdir(path)
    }

    func names() throws -> [String] { try Self.names(in: path) }

    static func names(in path: String) throws -> [String] {
        let stream = try unsafe #require(opendir(path))
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
        return names.sorted()
    }
}

extension Scratch {
    func remove(_ name: String) throws { try #require(unsafe unlink(path + "/" + name) == 0) }

    func bytes(_ name: String) throws -> [UInt8] {
        let descriptor = unsafe open(path + "/" + name, O_RDONLY)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
        // Reads at most the array's own length into it.
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
        }
        try #require(count == bytes.count)
        return bytes
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let descriptor = unsafe open(path + "/" + name, O_RDWR | O_CREAT, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        // Writes no more than the array has.
        let count = unsafe bytes.withUnsafeBytes {
            unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0)
        }
        try #require(count == bytes.count)
    }

    /// Flips a bit of a file.
    func flip(_ name: String, at offset: Int) throws {
        let descriptor = unsafe open(path + "/" + name, O_RDWR)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var byte: UInt8 = 0
        // One byte is read and written, and the variable has one.
        try #require(unsafe pread(descriptor, &byte, 1, off_t(offset)) == 1)
        byte ^= 0x10
        try #require(unsafe pwrite(descriptor, &byte, 1, off_t(offset)) == 1)
    }
}

extension [UInt8] {
    /// The UTF-8 of `text`.
    static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
}

extension StoredEntry {
    var keyText: String { String(decoding: key, as: UTF8.self) }
    var text: String { String(decoding: value, as: UTF8.self) }
}

extension Store {
    @discardableResult
    func put(
        _ key: String, _ value: String, expecting: Revision? = nil, lease: LeaseID = .none
    ) async throws(StoreError) -> Revision {
        try await put(.text(key), .text(value), expecting: expecting, lease: lease)
    }

    @discardableResult
    func delete(_ key: String, expecting: Revision? = nil) async throws(StoreError) -> Revision {
        try await delete(.text(key), expecting: expecting)
    }

    func text(_ key: String, at revision: Revision? = nil) throws(StoreError) -> String? {
        try get(.text(key), at: revision)?.text
    }

    /// All keys and values, as "a=1 b=2".
    func contents(at revision: Revision? = nil) throws(StoreError) -> String {
        try range(RangeQuery(.all, at: revision)).entries.map { "\($0.keyText)=\($0.text)" }
            .joined(separator: " ")
    }
}
