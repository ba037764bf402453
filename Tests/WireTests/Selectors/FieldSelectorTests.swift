import Kubernetes
import Testing
import Wire

@Suite("Field selectors")
struct FieldSelectorTests {
    let pods = SelectableFields(of: CoreV1.Pod.messageType)
    let pod = CoreV1.Pod {
        $0.metadata.name = "web"
        $0.spec.nodeName = "n1"
        $0.status.phase = "Running"
        $0.status.podIPs = [CoreV1.PodIP { $0.ip = "10.0.0.1" }]
    }

    @Test("choose by the fields that the kind offers", arguments: [
        ("metadata.name=web", true), ("metadata.name!=web", false), ("spec.nodeName==n1", true),
        ("status.phase=Running,spec.nodeName=n2", false), ("status.podIP=10.0.0.1", true),
        ("spec.restartPolicy=", true), ("spec.hostNetwork=false", true), ("", true), (",", true),
    ])
    func chooses(text: String, expected: Bool) throws {
        let selector = try FieldSelector(parsing: text)
        try pods.check(selector)
        #expect(pods.matches(selector, pod.tree) == expected)
    }

    @Test("refuse other fields in Kubernetes' words")
    func unknownFields() throws {
        let selector = try FieldSelector(parsing: "data.a=b")
        #expect(throws: SelectorError("field label not supported: data.a")) {
            try pods.check(selector)
        }
        let text = #""data.a" is not a known field selector: "#
            + #"only "metadata.name", "metadata.namespace""#
        #expect(throws: SelectorError(text)) {
            try SelectableFields(of: CoreV1.ConfigMap.messageType).check(selector)
        }
    }

    @Test("say what is wrong with a text", arguments: [
        ("metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"),
        (#"a=\x"#, #"invalid field selector: invalid escape sequence: \x"#),
        (#"a=b\"#, #"invalid field selector: invalid escape sequence: \"#),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
    ])
    func refused(text: String, reason: String) {
        #expect(throws: SelectorError(reason)) { try FieldSelector(parsing: text) }
    }

    @Test("escape what would end a value")
    func escapes() throws {
        let selector = try FieldSelector(parsing: #"a=b\,c\=d\\e,f!=g"#)
        #expect(selector.exactValue(of: "a") == #"b,c=d\e"#)
        #expect(selector.exactValue(of: "f") == nil)
        #expect(try FieldSelector(parsing: selector.description) == selector)
    }

    @Test("end a condition at a comma, also in front of an accent")
    func accents() throws {
        let selector = try FieldSelector(parsing: "a=b,\u{301}c=d")
        #expect(selector.requirements.map(\.field) == ["a", "\u{301}c"])
    }

    @Test("know all the fields that they offer")
    func tables() {
        let event = CoreV1.Event { $0.source.component = "kubelet" }
        let events = SelectableFields(of: CoreV1.Event.messageType)
        #expect(events.matches(
            FieldSelector([.init(field: "source", value: "kubelet")]), event.tree))
        let job = BatchV1.Job { $0.status.succeeded = 2 }
        let jobs = SelectableFields(of: BatchV1.Job.messageType)
        #expect(jobs.matches(
            FieldSelector([.init(field: "status.successful", value: "2")]), job.tree))
    }
}
