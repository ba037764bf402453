public import Foundation

/// One readable case: what is given, and what comes of it.
public struct Example: Sendable, CustomStringConvertible {
    public let title: String
    /// The lines before `----`.
    public let given: String
    /// The lines after it.
    public let expected: String

    public var description: String { title }

    /// Reads `Cases/NAME.txt` beside a test. A case is a title, marked by `#`, the lines given, a
    /// line `----` and the lines expected; a line `====` stands between cases.
    public static func load(_ name: String, beside test: String = #filePath) throws -> [Example] {
        let file = URL(filePath: test).deletingLastPathComponent()
            .appending(path: "Cases/\(name).txt")
        return try String(contentsOf: file, encoding: .utf8)
            .components(separatedBy: "\n====\n").map(parse)
    }

    private static func parse(_ text: String) throws -> Example {
        let lines = text.split(separator: "\n").map(String.init)
        guard let divide = lines.firstIndex(of: "----") else { throw NoDivide(text: text) }
        let before = lines[..<divide]
        return Example(
            title: before.filter { $0.hasPrefix("# ") }.map { $0.dropFirst(2) }
                .joined(separator: " "),
            given: before.filter { !$0.hasPrefix("# ") }.joined(separator: "\n"),
            expected: lines[(divide + 1)...].joined(separator: "\n"))
    }
}

/// A case without the line `----`.
public struct NoDivide: Error {
    public let text: String
}

/// Facts about Kubernetes that lie beside the package, where they are there.
public enum SharedFacts {
    /// `../shared/PATH` as seen from the package.
    public static func file(_ path: String, from source: String = #filePath) -> URL {
        var folder = URL(filePath: source).deletingLastPathComponent()
        while folder.pathComponents.count > 1 {
            let package = folder.appending(path: "Package.swift")
            let shared = folder.deletingLastPathComponent().appending(path: "shared")
            if FileManager.default.fileExists(atPath: package.path) {
                return shared.appending(path: path)
            }
            folder.deleteLastPathComponent()
        }
        return URL(filePath: "/nowhere")
    }

    public static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: file(path)))
    }

    /// Whether a file is there; tests that need it are else skipped.
    public static func has(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: file(path).path)
    }
}
