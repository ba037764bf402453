import Foundation

/// One example: what is told to the engine, and what it answers.
public struct Case: Sendable, CustomStringConvertible {
    public let description: String
    public let script: [String]
    public let expected: [String]

    struct Malformed: Error {
        let text: String
    }

    /// Reads Cases/`name`.txt beside the file of a test. A case is a title, marked by `#`, lines
    /// of script, a line `----`, and the expected answers; a line `====` is between two cases.
    public static func load(_ name: String, beside test: String = #filePath) throws -> [Case] {
        let file = URL(fileURLWithPath: test).deletingLastPathComponent()
            .appendingPathComponent("Cases/\(name).txt")
        return try String(contentsOf: file, encoding: .utf8)
            .components(separatedBy: "====\n").map(parse)
    }

    private static func parse(_ text: String) throws -> Case {
        let lines = text.split(separator: "\n").map(String.init)
        guard let split = lines.firstIndex(of: "----") else { throw Malformed(text: text) }
        let titles = lines[..<split].filter { $0.hasPrefix("#") }
        return Case(
            description: titles.map { $0.drop { $0 == "#" || $0 == " " } }.joined(separator: " "),
            script: lines[..<split].filter { !$0.hasPrefix("#") },
            expected: Array(lines[(split + 1)...]))
    }
}
