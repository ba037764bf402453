import Foundation
import Kubernetes
import Testing
import Wire

@testable import Rules

/// What a real server answered to creates and updates, and what the rules make of the same.
@Suite(.enabled(if: Scenario.isThere, "needs ../shared/conformance"))
struct RecordedTests {
    /// How many steps of a file the rules alone do not answer as the server did: those that need
    /// options, tokens, controllers, CEL or an allocator. All others they do.
    static let known: [String: Int] = [
        "access-reviews": 6, "admission-policies": 4, "classes": 1, "dry-run": 1,
        "field-validation": 6, "limit-ranges": 2, "serviceaccounts": 4, "services": 1,
        "statefulsets": 3, "tables-more": 1, "wrong-requests": 1,
    ]

    static var names: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(
                atPath: Scenario.folder.appending(path: "cases").path)
                .filter { $0.hasSuffix(".yaml") && !$0.hasPrefix("zz-") }
                .map { String($0.dropLast(5)) }.sorted()
        }
    }

    @Test(arguments: try names)
    func agreesWithTheServer(name: String) throws {
        var world = World()
        var (matched, tried) = (0, 0)
        var misses: [String] = []
        for step in try Scenario(name).steps {
            let outcome = world.perform(step)
            if let problem = Self.difference(outcome, step) {
                if problem != "untried" {
                    tried += 1
                    misses.append("\(name): \(step.name)\n    \(problem)")
                }
            } else {
                tried += 1
                matched += 1
            }
            world.learn(step)
        }
        if tried > 0 { print("RECORDED \(name): \(matched)/\(tried)") }
        #expect(misses.count <= Self.known[name, default: 0], "\(misses.joined(separator: "\n"))")
    }

    /// nil if outcome and recording agree.
    static func difference(_ outcome: World.Outcome, _ step: Scenario.Step) -> String? {
        switch (outcome, step.status) {
        case (.untried, _), (_, 400), (_, 404), (_, 409), (_, 405), (_, 415): return "untried"
        case (.invalid(let message), 422):
            guard let want = step.answer?["message"]?.text else { return nil }
            let got = placeholders(message)
            return got == want ? nil : "want \(want)\n    got  \(got)"
        case (.forbidden(let message), 403):
            let want = step.answer?["message"]?.text ?? ""
            return want.hasSuffix(": " + placeholders(message)) ? nil
                : "want \(want)\n    got  \(placeholders(message))"
        case (_, 403): return "untried"
        case (.object(let object), 200...201):
            guard let answer = step.answer else { return nil }
            // What controllers have written to the status since is not in an update's request.
            let isStatusKnown = step.method == "POST" || step.path.hasSuffix("/status")
            return difference(answer, object, without: isStatusKnown ? [] : ["status"])
        default: return "want \(step.status) \(step.answer?["message"]?.text ?? ""), got \(outcome)"
        }
    }

    private static func difference(
        _ answer: Value, _ object: Message, without unknown: Set<String>
    ) -> String? {
        let json = ObjectCodec.encode(object, .json)
        let text = placeholders(String(decoding: json, as: UTF8.self))
        guard let got = try? Value(json: Array(text.utf8)) else { return "not JSON: \(text)" }
        return compare("", stripped(answer, unknown), stripped(got, unknown)).first
    }

    private static func compare(_ path: String, _ want: Value?, _ got: Value?) -> [String] {
        if want == got { return [] }
        if case .map(let wants)? = want, case .map(let gots)? = got {
            let keys = Set(wants.entries.map(\.key) + gots.entries.map(\.key)).sorted()
            return keys.flatMap { compare("\(path).\($0)", wants[$0], gots[$0]) }
        }
        if case .list(let wants)? = want, case .list(let gots)? = got, wants.count == gots.count {
            return wants.indices.flatMap { compare("\(path)[\($0)]", wants[$0], gots[$0]) }
        }
        func show(_ value: Value?) -> String {
            value.map { String(decoding: $0.json, as: UTF8.self) } ?? "nothing"
        }
        return ["\(path): want \(show(want)), got \(show(got))"]
    }

    /// Without what only a store, an allocator or a controller knows.
    private static func stripped(_ value: Value, _ unknown: Set<String>) -> Value {
        switch value {
        case .map(let map):
            return .map(ValueMap(
                map.entries.filter {
                    !unknown.contains($0.key) && !neverKnown.contains($0.key)
                }.map { ($0.key, stripped($0.value, [])) }))
        case .list(let list): return .list(list.map { stripped($0, []) })
        default: return value
        }
    }

    private static let neverKnown: Set<String> = [
        "resourceVersion", "managedFields", "clusterIP", "clusterIPs", "nodePort",
        "healthCheckNodePort", "observedGeneration",
    ]

    /// The words of a recording in the place of what differs from run to run.
    static func placeholders(_ text: String) -> String {
        text.replacingOccurrences(of: World.uid, with: "<uid>")
            .replacing(/[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}/, with: "<uid>")
            .replacingOccurrences(of: World.namespace, with: "{ns}")
            .replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/, with: "<time>")
            .replacingOccurrences(of: "kube-api-access-abcde", with: "kube-api-access-<generated>")
            .replacingOccurrences(of: "5d4f8c7b9", with: "<hash>")
            .replacing(/[a-z0-9-]+-abcde\b/, with: "<generated>")
    }
}
