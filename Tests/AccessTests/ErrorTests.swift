import APIErrors
import Kubernetes
import Testing
import Wire

@Suite("Failures are worded as Kubernetes words them")
struct ErrorTests {
    private static let deployments = GroupResource(group: "apps", resource: "deployments")
    private static let pods = GroupResource(resource: "pods")

    @Test("about an object", arguments: [
        (APIError.notFound(pods, "web"), 404, #"pods "web" not found"#),
        (.notFound(deployments, "web"), 404, #"deployments.apps "web" not found"#),
        (.alreadyExists(pods, "web"), 409, #"pods "web" already exists"#),
        (.conflict(pods, "web"), 409,
         #"Operation cannot be fulfilled on pods "web": the object has been modified; "#
            + "please apply your changes to the latest version and try again"),
        (.forbidden(pods, "", because: "no"), 403, "pods is forbidden: no"),
        (.forbidden(pods, "a\"b", because: "no"), 403, #"pods "a\"b" is forbidden: no"#),
        (.forbidden(GroupResource(resource: ""), "", because: "no"), 403, "forbidden: no"),
    ])
    func aboutObjects(_ error: APIError, _ code: Int, _ message: String) {
        #expect(error.code == code)
        #expect(error.message == message)
        #expect(error.status.details != nil)
    }

    @Test("an invalid object names each fault once, and every cause")
    func invalid() {
        let fault = APIError.Cause(
            reason: "FieldValueRequired", message: "Required value", field: "spec.selector")
        let kind = GroupKind(group: "apps", kind: "Deployment")
        let one = APIError.invalid(kind, "web", causes: [fault, fault])
        #expect(one.message == #"Deployment.apps "web" is invalid: spec.selector: Required value"#)
        #expect(one.status.details?.causes.count == 2)
        var other = fault
        other.field = "spec.template"
        #expect(APIError.invalid(kind, "web", causes: [fault, other]).message
            == #"Deployment.apps "web" is invalid: "#
            + "[spec.selector: Required value, spec.template: Required value]")
    }

    @Test("an unknown path has empty details, an unauthorized request none")
    func details() {
        let unknown = APIError.unknownPath.status
        #expect(unknown.details == MetaV1.StatusDetails())
        #expect(unknown.status == "Failure")
        #expect(unknown.reason == "NotFound")
        #expect(APIError.unauthorized.status.details == nil)
    }

    @Test("names are quoted as Go quotes them")
    func quoting() {
        #expect("a\tb\u{1}ü\u{200b}".quoted == #""a\tb\x01ü\u200b""#)
    }
}
