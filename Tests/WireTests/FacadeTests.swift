import Kubernetes
import Testing
import Wire

@Suite("The typed facade over a tree")
struct FacadeTests {
    @Test("reads what was set, two levels down")
    func nested() {
        var pod = CoreV1.Pod()
        pod.spec.nodeName = "n1"
        pod.metadata.labels = ["app": "web"]
        #expect(pod.spec.nodeName == "n1")
        #expect(pod.metadata.labels == ["app": "web"])
        #expect(pod.spec.tree[10] == .string("n1"))
    }

    @Test("keeps no zero value where empty and absent are one")
    func zeros() {
        var pod = CoreV1.Pod()
        pod.spec.nodeName = "n1"
        pod.spec.nodeName = ""
        #expect(pod == CoreV1.Pod())
    }

    @Test("tells zero from absent where Kubernetes does")
    func optionals() {
        var deployment = AppsV1.Deployment()
        #expect(deployment.spec.replicas == nil)
        deployment.spec.replicas = 0
        #expect(deployment.spec.replicas == 0)
    }

    @Test("knows every message, resource and kind of proto/")
    func schema() {
        #expect(Schema.messageTypes.count > 650)
        #expect(Schema.resourceTypes.count == 69)
        #expect(Schema.kind("apps/v1", "Deployment") === AppsV1.Deployment.messageType)
        #expect(Schema.kind("apps/v1", "DeleteOptions") === MetaV1.DeleteOptions.messageType)
    }
}
