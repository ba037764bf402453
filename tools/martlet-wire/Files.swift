import Glibc
import Wire

/// Files and streams by name; `-` is a standard stream.
enum Files {
    /// What is read of a file before it is refused.
    private static let fileBytesMax = Documents.fileBytesMax

    static func read(_ path: String) throws -> [UInt8] {
        let name = shown(path, "standard input")
        if path == "-" { return try readAll(STDIN_FILENO, name) }
        // The string outlives the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw cannotRead(name) }
        defer { close(descriptor) }
        return try readAll(descriptor, name)
    }

    private static func readAll(_ descriptor: Int32, _ name: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= fileBytesMax {
            // Reads at most the array's own length into it.
            let count = unsafe piece.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw cannotRead(name) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
        throw Failure(.data, "\(name) is larger than \(fileBytesMax) bytes")
    }

    private static func cannotRead(_ name: String) -> Failure {
        Failure(.noInput, "cannot read \(name): \(reason(errno))")
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        if path == "-" { return try writeAll(bytes, to: STDOUT_FILENO, "standard output") }
        // The string outlives the call.
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw cannotWrite(path) }
        let closing = Result { try writeAll(bytes, to: descriptor, path) }
        // A full disk may show only now.
        guard close(descriptor) == 0 else { throw cannotWrite(path) }
        try closing.get()
    }

    /// A line on standard error.
    static func say(_ line: String) {
        do {
            try writeAll(Array("\(line)\n".utf8), to: STDERR_FILENO, "standard error")
        } catch {
            return // nobody is left to tell
        }
    }

    static func shown(_ path: String, _ stream: String) -> String { path == "-" ? stream : path }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32, _ name: String) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            // write(2) has no safe form; the buffer outlives the call
            let written = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw cannotWrite(name) }
            rest = rest.dropFirst(written)
        }
    }

    private static func cannotWrite(_ name: String) -> Failure {
        Failure(.cannotCreate, "cannot write \(name): \(reason(errno))")
    }

    /// `no such file or directory`
    private static func reason(_ code: Int32) -> String {
        // strerror's text is copied before anything else can change it.
        let text = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
