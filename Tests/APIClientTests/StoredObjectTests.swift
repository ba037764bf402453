import APIClient
import Kubernetes
import Testing
import Wire

@Suite("A stored object")
struct StoredObjectTests {
    let pod = CoreV1.Pod {
        $0.metadata.name = "web"
        $0.metadata.labels = ["app": String(repeating: "x", count: 300)]
        $0.metadata.resourceVersion = "12"
        $0.spec.nodeName = "n1"
    }

    @Test("is the same as tree and as bytes")
    func packed() throws {
        let packed = StoredObject(pod.tree).packed
        #expect(try packed.tree() == pod.tree)
        #expect(try packed.metadata() == pod.metadata)
        #expect(packed.resourceVersion == ResourceVersion(12))
    }

    @Test("takes its revision from outside of its bytes")
    func revision() throws {
        let bytes = ObjectCodec.bytes(pod.tree)
        let stored = StoredObject(
            CoreV1.Pod.messageType, protobuf: bytes, at: ResourceVersion(99))
        #expect(try stored.tree().objectMeta.resourceVersion == "99")
        #expect(try stored.metadata().resourceVersion == "99")
    }

    @Test("of bytes that are no object is an error", arguments: [
        [0x0a, 0xff], [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0xff], [0x0a, 0x05, 0x0a, 0x09],
    ])
    func broken(_ bytes: [UInt8]) {
        let stored = StoredObject(
            CoreV1.Pod.messageType, protobuf: bytes, at: ResourceVersion(1))
        #expect(throws: (any Error).self) { try stored.tree() }
        _ = try? stored.metadata()
    }
}
