import Kubernetes
import Testing
import Wire

@Suite("Fields that hold a time")
struct TimeFieldTests {
    @Test("are read and set as a point in time, also in meta/v1, which has a Timestamp of its own")
    func times() {
        var pod = CoreV1.Pod()
        pod.metadata.creationTimestamp = Timestamp(seconds: 5)
        #expect(pod.metadata.creationTimestamp == Timestamp(seconds: 5))
        #expect(pod.metadata.tree["creationTimestamp"] == .timestamp(Timestamp(seconds: 5)))
    }
}
