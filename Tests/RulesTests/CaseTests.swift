import CaseFiles
import Kubernetes
import Testing
import Wire

@testable import Rules

@Suite("Rules") struct CaseTests {
    private static let context = RulesContext(now: Timestamp(seconds: 1_714_979_289), uid: "u")

    @Test("fill in defaults", arguments: try Case.load("defaults"))
    func defaults(_ example: Case) throws {
        var object = try Self.object(example.script.map(\.text))
        Rules.applyDefaults(to: &object)
        let expected = try Value(yaml: example.expected.joined(separator: "\n"))
        let answer = try Value(json: ObjectCodec.encode(object, .json))
        #expect(answer.jsonText == expected.jsonText)
        let once = object
        Rules.applyDefaults(to: &object)
        #expect(object == once, "defaults are given once")
    }

    @Test("refuse what may not be created", arguments: try Case.load("creates"))
    func creates(_ example: Case) throws {
        var object = try Self.object(example.script.map(\.text))
        Rules.applyDefaults(to: &object)
        Rules.prepareForCreate(&object, Self.context)
        let errors = Rules.validate(object, old: nil, Self.context)
        #expect(errors.map(\.description) == example.expected)
    }

    @Test("hold updates against what is stored", arguments: try Case.load("updates"))
    func updates(_ example: Case) throws {
        let lines = example.script.map(\.text)
        let split = try #require(lines.firstIndex { $0.hasPrefix("---") })
        let subresource = lines[split].split(separator: " ").dropFirst().first.map(String.init)
        var old = try Self.object(Array(lines[..<split]))
        Rules.applyDefaults(to: &old)
        var new = try Self.object(Array(lines[(split + 1)...]))
        Rules.applyDefaults(to: &new)
        new.modify("metadata") { (metadata: inout MetaV1.ObjectMeta) in
            metadata.resourceVersion = "1"
        }
        Rules.prepareForUpdate(&new, old: old, subresource: subresource, Self.context)
        let errors = Rules.validate(new, old: old, subresource: subresource, Self.context)
        let answers = errors.isEmpty
            ? ["generation \(Rules.metadata(of: new).generation)"]
            : errors.map { String($0.description.split(separator: "\n")[0]) }
        #expect(answers == example.expected)
    }

    private static func object(_ lines: [String]) throws -> Message {
        try ObjectCodec.decode(Array(lines.joined(separator: "\n").utf8), .yaml).object
    }
}
