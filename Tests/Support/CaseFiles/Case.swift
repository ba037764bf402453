import Foundation

/// One readable example: lines that are told, and the lines that are answered.
public struct Case: Sendable, CustomStringConvertible {
    public let title: String
    public let script: [Line]
    public let expected: [String]

    public var description: String { title }

    /// Reads Cases/`name`.txt beside the test that asks. A case is a title marked by `#`, lines of
    /// script, a line `----`, and the expected answers; a line `====` stands between cases.
    public static func load(_ name: String, beside test: String = #filePath) throws -> [Case] {
        let folder = URL(fileURLWithPath: test).deletingLastPathComponent()
        let text = try String(
            contentsOf: folder.appendingPathComponent("Cases/\(name).txt"), encoding: .utf8)
        return try text.components(separatedBy: "====\n").map(parse)
    }

    private static func parse(_ text: String) throws -> Case {
        let lines = text.split(separator: "\n").map(String.init)
        guard let split = lines.firstIndex(of: "----") else { throw CaseError(text: text) }
        let titles = lines[..<split].filter { $0.hasPrefix("#") }
        return Case(
            title: titles.map { $0.drop { "# ".contains($0) } }.joined(separator: " "),
            script: lines[..<split].filter { !$0.hasPrefix("#") }.map(Line.init),
            expected: Array(lines[(split + 1)...]))
    }
}

/// A case without a line `----`.
public struct CaseError: Error {
    let text: String
}

/// A line of a script: words, and settings `key=value`.
public struct Line: Sendable {
    /// The line as it stands.
    public let text: String
    public let words: [String]
    public let settings: [String: String]

    init(_ text: String) {
        self.text = text
        let parts = text.split(separator: " ").map(String.init)
        words = parts.filter { !$0.contains("=") }
        let pairs = parts.filter { $0.contains("=") }.map { part in
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(pair[0]), String(pair[1]))
        }
        settings = Dictionary(pairs) { _, last in last }
    }

    /// The first word, which says what the line is about.
    public var verb: String { words.first ?? "" }
    /// The second word.
    public var name: String { words.count > 1 ? words[1] : "" }
    /// Whether a word stands in the line.
    public func says(_ word: String) -> Bool { words.contains(word) }
    public subscript(key: String) -> String? { settings[key] }
    public func int(_ key: String) -> Int? { settings[key].flatMap { Int($0) } }
    /// The parts of a setting `key=a,b,c`.
    public func list(_ key: String) -> [String] {
        (settings[key] ?? "").split(separator: ",").map(String.init)
    }
}
