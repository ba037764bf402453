import Foundation
import Testing

/// One example: what is told to the engine, and what it answers.
struct Case: Sendable, CustomTestStringConvertible {
    let title: String
    let script: [String]
    let expected: [String]

    var testDescription: String { title }

    /// Reads Cases/`name`.txt beside this file. A case is a title, marked by `#`, lines of
    /// script, a line `----`, and the expected answers; cases are separated by a line `====`.
    static func load(_ name: String) throws -> [Case] {
        let text = try #require(Bundle.module.path(forResource: "Cases/\(name)", ofType: "txt"))
        return try String(contentsOfFile: text, encoding: .utf8)
            .components(separatedBy: "====\n").map(parse)
    }

    private static func parse(_ text: String) throws -> Case {
        let lines = text.split(separator: "\n").map(String.init)
        let split = try #require(lines.firstIndex(of: "----"), "no line ---- in: \(text)")
        let titles = lines[..<split].filter { $0.hasPrefix("#") }
        return Case(title: titles.map { $0.drop { $0 == "#" || $0 == " " } }.joined(separator: " "),
                    script: lines[..<split].filter { !$0.hasPrefix("#") },
                    expected: Array(lines[(split + 1)...]))
    }
}
