import FoundationEssentials
import Glibc

/// Files and streams by name; `-` is a standard stream.
enum Files {
    static func read(_ path: String) throws -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(filePath: path == "-" ? "/dev/stdin" : path)))
        } catch {
            let name = shown(path, "standard input")
            throw Failure(.noInput, "cannot read \(name): \(reason(error))")
        }
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        guard path != "-" else { return try writeAll(bytes, to: STDOUT_FILENO) }
        do {
            try Data(bytes).write(to: URL(filePath: path))
        } catch {
            throw Failure(.cannotCreate, "cannot write \(path): \(reason(error))")
        }
    }

    /// A line on standard error.
    static func say(_ line: String) {
        do {
            try writeAll(Array("\(line)\n".utf8), to: STDERR_FILENO)
        } catch {
            return // nobody is left to tell
        }
    }

    static func shown(_ path: String, _ stream: String) -> String { path == "-" ? stream : path }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? CocoaError else { return "\(error)" }
        switch error.code {
        case .fileReadNoSuchFile, .fileNoSuchFile: return "there is no such file"
        case .fileReadNoPermission, .fileWriteNoPermission: return "permission denied"
        default: return "\(error)"
        }
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            // write(2) has no safe form; the buffer outlives the call
            let written = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                throw Failure(.cannotCreate, "cannot write: error \(errno)")
            }
            rest = rest.dropFirst(written)
        }
    }
}
