import APIClient
import Kubernetes
import Testing
import Wire

@testable import KubeClient

@Suite("A request over HTTP")
struct RequestTests {
    @Test("is addressed by group, namespace, resource and name")
    func paths() {
        let pod = CoreV1.Pod.messageType
        #expect(ResourceAddress(pod).path == "/api/v1/pods")
        #expect(ResourceAddress(pod, namespace: "a").path == "/api/v1/namespaces/a/pods")
        let scale = ResourceAddress(
            AppsV1.Deployment.messageType, namespace: "a", name: "b/c", subresource: "scale")
        #expect(scale.path == "/apis/apps/v1/namespaces/a/deployments/b%2Fc/scale")
    }

    @Test("has its options in the query")
    func queries() {
        let selection = Selection(labels: "app in (a,b)", fields: "spec.nodeName!=")
        let list = Query(ListOptions(selection: selection, limit: 500))
        #expect(
            list.text
                == "?labelSelector=app%20in%20%28a%2Cb%29&fieldSelector=spec.nodeName%21%3D"
                + "&limit=500")
        let watch = Query(WatchOptions(resourceVersion: ResourceVersion(7)))
        #expect(watch.text == "?watch=true&resourceVersion=7&allowWatchBookmarks=true")
        #expect(Query().text == "")
    }

    @Test("to watch is answered in frames, however the network cuts them")
    func frames() throws {
        var pod = CoreV1.Pod()
        pod.metadata.name = "web"
        pod.metadata.resourceVersion = "12"
        var writer = ByteWriter()
        for type in [WatchFrames.EventType.added, .deleted] {
            WatchFrames.appendProtobuf(type, into: &writer) { writer in
                ObjectCodec.encode(pod.tree, .protobuf, into: &writer)
            }
        }
        var reader = WatchFrameReader()
        var events: [WatchEvent] = []
        for byte in writer.array() {
            reader.append([byte])
            while let frame = try reader.next() {
                events.append(try WatchEvent(frame, CoreV1.Pod.messageType))
            }
        }
        #expect(events.count == 2)
        guard case .added(let added) = events[0], case .deleted(let deleted) = events[1] else {
            Issue.record("other events: \(events)")
            return
        }
        #expect(try added.tree() == pod.tree)
        #expect(deleted.resourceVersion == ResourceVersion(12))
    }

    @Test("with a frame beyond the limit is refused")
    func oversized() {
        var reader = WatchFrameReader()
        reader.append([0x7f, 0xff, 0xff, 0xff])
        #expect(throws: (any Error).self) { try reader.next() }
    }
}
