import Kubernetes
import Testing
import Wire

@Suite("Label selectors")
struct LabelSelectorTests {
    @Test("choose as Kubernetes does", arguments: try Case.load("label-selectors"))
    func chooses(_ example: Case) throws {
        let text = try #require(example.lines("select").first)
        var answers: [String] = []
        do {
            let selector = try LabelSelector(parsing: text)
            answers = example.lines("labels").map { selector.matches(labels($0)) ? "yes" : "no" }
        } catch {
            answers = [error.description]
        }
        #expect(answers == example.expected)
    }

    private func labels(_ line: String) -> [String: String] {
        var labels: [String: String] = [:]
        for pair in line.split(separator: " ") {
            let parts = pair.split(separator: "=", omittingEmptySubsequences: false)
            labels[String(parts[0])] = String(parts[1])
        }
        return labels
    }

    @Test("find labels in bytes, maps and trees alike")
    func sources() throws {
        let selector = try LabelSelector(parsing: "app in (web,api)")
        let bytes = [(key: Array("app".utf8), value: Array("web".utf8))]
        #expect(selector.matches(LabelPairs(bytes)))
        #expect(selector.matches(ValueMap([(key: "app", value: .string("api"))])))
        let pod = CoreV1.Pod { $0.metadata.labels = ["app": "web"] }
        #expect(selector.matches(pod.tree))
        #expect(!selector.matches(CoreV1.Pod().tree))
    }

    @Test("are compiled from objects; an absent one chooses nothing, an empty one all")
    func objects() throws {
        let object = MetaV1.LabelSelector {
            $0.matchLabels = ["app": "web"]
            $0.matchExpressions = [MetaV1.LabelSelectorRequirement {
                $0.key = "tier"
                $0.operator = "NotIn"
                $0.values = ["b", "a"]
            }]
        }
        let selector = try LabelSelector(object: object.tree)
        #expect(selector.description == "app=web,tier notin (a,b)")
        #expect(selector.exactValue(of: "app") == "web")
        #expect(try LabelSelector(object: nil) == .nothing)
        #expect(try LabelSelector(object: MetaV1.LabelSelector().tree) == .everything)
        #expect(!LabelSelector.nothing.matches([:]))
    }

    @Test("say what is wrong with an object")
    func brokenObjects() {
        func compile(_ operator: String, _ values: [String]) throws -> LabelSelector {
            let object = MetaV1.LabelSelector {
                $0.matchExpressions = [MetaV1.LabelSelectorRequirement {
                    $0.key = "a"
                    $0.operator = `operator`
                    $0.values = values
                }]
            }
            return try LabelSelector(object: object.tree)
        }
        #expect(throws: SelectorError(#""Like" is not a valid label selector operator"#)) {
            try compile("Like", [])
        }
        let empty = "for 'in', 'notin' operators, values set can't be empty"
        #expect(throws: SelectorError("values: Invalid value: null: \(empty)")) {
            try compile("In", [])
        }
    }
}
