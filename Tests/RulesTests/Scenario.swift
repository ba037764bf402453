import Foundation
import Wire
import Yams

/// One of the scenarios that a real server has answered, with its answers.
struct Scenario {
    /// A request and its recorded answer.
    struct Step {
        let name: String
        let method: String
        let path: String
        let contentType: String
        let body: String?
        let status: Int
        /// nil if only the status was compared.
        let answer: Value?
    }

    let name: String
    let steps: [Step]

    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "shared/conformance")
    static var isThere: Bool {
        FileManager.default.fileExists(atPath: folder.appending(path: "cases").path)
    }

    init(_ name: String) throws {
        self.name = name
        let cases = try String(
            contentsOf: Self.folder.appending(path: "cases/\(name).yaml"), encoding: .utf8)
        let answers = try Data(contentsOf: Self.folder.appending(path: "recorded/\(name).json"))
        guard case .list(let recorded) = try Value(json: Array(answers)),
            let node = try Yams.compose(yaml: cases), case .list(let requests) = Value(node)
        else { throw ScenarioError.unreadable(name) }
        steps = try zip(requests, recorded).map { try Step($0, $1) }
    }
}

enum ScenarioError: Error {
    case unreadable(String)
}

extension Scenario.Step {
    init(_ request: Value, _ recorded: Value) throws {
        name = request["name"]?.text ?? ""
        method = ["GET", "POST", "PUT", "PATCH", "DELETE"].first { request[$0] != nil } ?? "GET"
        path = request[method]?.text ?? ""
        contentType = request["headers"]?["Content-Type"]?.text ?? "application/json"
        body = request["yaml"]?.text ?? request["text"]?.text
            ?? request["json"].map { String(decoding: $0.json, as: UTF8.self) }
        status = recorded["status"]?.int ?? 0
        let answer = recorded["body"]
        self.answer = answer == .null ? nil : answer
    }
}

extension Value {
    /// A node of a scenario file, which Python reads: `n` and `y` are no truth values there.
    init(_ node: Node) {
        switch node {
        case .scalar(let scalar): self = Value(plain: scalar)
        case .sequence(let nodes): self = .list(nodes.map(Value.init))
        case .mapping(let pairs):
            self = .map(ValueMap(pairs.map { ($0.key.string ?? "", Value($0.value)) }))
        case .alias: self = .null
        }
    }

    private init(plain scalar: Node.Scalar) {
        let text = scalar.string
        switch text {
        case _ where scalar.style != .plain: self = .string(text)
        case "", "~", "null": self = .null
        case "true", "false": self = .bool(text == "true")
        default:
            self = Int64(text).map(Value.int) ?? Double(text).map(Value.double) ?? .string(text)
        }
    }

    /// What a document of YAML says, as the API reads it.
    init(yaml text: String) throws {
        let bytes = Array(text.utf8)
        unsafe try self.init(json: YAMLAsJSON.first(of: bytes.span.bytes).json) // no padding
    }

    subscript(key: String) -> Value? {
        guard case .map(let map) = self else { return nil }
        return map[key]
    }
    var int: Int? {
        guard case .int(let int) = self else { return nil }
        return Int(int)
    }
    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }
}
