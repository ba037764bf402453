import Foundation
import Testing

/// One example: what is given, and what comes of it.
struct Case: Sendable, CustomTestStringConvertible {
    let title: String
    let given: [String]
    let expected: [String]

    var testDescription: String { title }

    /// Reads Cases/`name`.txt. A case is a title, marked by `#`, the lines given, a line `----` and
    /// the lines expected; a line `====` stands between cases.
    static func load(_ name: String) throws -> [Case] {
        let path = try #require(Bundle.module.path(forResource: "Cases/\(name)", ofType: "txt"))
        return try String(contentsOfFile: path, encoding: .utf8)
            .components(separatedBy: "\n====\n").map(parse)
    }

    private static func parse(_ text: String) throws -> Case {
        let lines = text.split(separator: "\n").map(String.init)
        let divide = try #require(lines.firstIndex(of: "----"), "no line ---- in: \(text)")
        let title = lines[..<divide].filter { $0.hasPrefix("# ") }.map { $0.dropFirst(2) }
        return Case(
            title: title.joined(separator: " "),
            given: lines[..<divide].filter { !$0.hasPrefix("# ") },
            expected: Array(lines[(divide + 1)...]))
    }

    /// The lines that start with `word` and a space, without it.
    func lines(_ word: String) -> [String] {
        given.filter { $0 == word || $0.hasPrefix("\(word) ") }
            .map { String($0.dropFirst(word.count + 1)) }
    }
}
