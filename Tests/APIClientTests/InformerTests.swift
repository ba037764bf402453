import APIClient
import APIErrors
import FakeAPI
import Kubernetes
import Logging
import Synchronization
import Testing
import Wire

@Suite("An informer")
struct InformerTests {
    let time = ManualTime()
    let api: FakeAPI
    let informer: Informer

    init() {
        api = FakeAPI(time: time)
        informer = Informer(
            CoreV1.Pod.messageType, client: api, time: time, logger: Logger(label: "test"))
    }

    func pod(_ name: String, owner: String? = nil) -> CoreV1.Pod {
        CoreV1.Pod {
            $0.metadata.name = name
            $0.metadata.namespace = "default"
            guard let owner else { return }
            $0.metadata.ownerReferences = [
                MetaV1.OwnerReference {
                    $0.uid = owner
                    $0.controller = true
                }
            ]
        }
    }

    func running(_ body: () async throws -> Void) async throws {
        let task = Task { await informer.run() }
        await informer.waitUntilSynced()
        try await body()
        task.cancel()
        await task.value
    }

    @Test("shows what was there and what came after")
    func follows() async throws {
        _ = try await api.create(pod("a"))
        try await running {
            let b = try await api.create(pod("b"))
            await informer.waitUntil(ResourceVersion(b.metadata.resourceVersion)!)
            #expect(informer.count == 2)
            try await api.delete(CoreV1.Pod.self, namespace: "default", name: "a")
            let a = ObjectKey(namespace: "default", name: "a")
            await informer.waitUntilDoomed(a, uid: "uid-101")
            #expect(informer.keys.map(\.name) == ["b"])
        }
    }

    @Test("reads lists of many pages")
    func pages() async throws {
        for number in 0..<1201 { _ = try await api.create(pod("p\(number)")) }
        try await running { #expect(informer.count == 1201) }
    }

    @Test("finds objects by an index, also by one that came later")
    func indexes() async throws {
        informer.keep(.controller)
        _ = try await api.create(pod("a", owner: "o1"))
        try await running {
            let b = try await api.create(pod("b", owner: "o2"))
            let c = try await api.create(pod("c"))
            await informer.waitUntil(ResourceVersion(c.metadata.resourceVersion)!)
            informer.keep(.uncontrolled)
            #expect(informer.objects(.controller, "o1").map(\.objectMeta.name) == ["a"])
            #expect(informer.objects(.controller, "o2").map(\.objectMeta.name) == ["b"])
            #expect(informer.objects(.uncontrolled, "default").map(\.objectMeta.name) == ["c"])
            var changed = b
            changed.metadata.ownerReferences = []
            changed = try await api.update(changed)
            await informer.waitUntil(ResourceVersion(changed.metadata.resourceVersion)!)
            #expect(informer.objects(.controller, "o2").isEmpty)
            #expect(informer.objects(.uncontrolled, "default").count == 2)
        }
    }

    @Test("tells its handlers the old and the new state, and in the end the last one")
    func handlers() async throws {
        let told = Mutex<[String]>([])
        informer.onChange { change in
            let phases = [change.old, change.new].map { pod in
                pod.flatMap(CoreV1.Pod.init)?.status.phase ?? "-"
            }
            let line = phases.joined(separator: " to ")
            told.withLock { $0.append(line) }
        }
        try await running {
            var a = try await api.create(pod("a"))
            a.status.phase = "Running"
            _ = try await api.updateStatus(a)
            try await api.delete(CoreV1.Pod.self, namespace: "default", name: "a")
            #expect(await eventually { informer.count == 0 && told.withLock { $0.count } == 3 })
        }
        #expect(told.withLock { $0 } == ["- to ", " to Running", "Running to -"])
    }

    @Test("lists again when its revision is gone, and tells what it missed")
    func compaction() async throws {
        _ = try await api.create(pod("a"))
        try await running {
            #expect(await eventually { informer.count == 1 })
            api.failNext("watch", "pods", with: .serviceUnavailable("restarting"))
            api.breakWatches()
            #expect(await eventually { time.sleeperCount == 1 })
            try await api.delete(CoreV1.Pod.self, namespace: "default", name: "a")
            _ = try await api.create(pod("b"))
            api.compact()
            time.advance(by: .seconds(1))
            #expect(await eventually { time.sleeperCount == 1 })
            time.advance(by: .seconds(2))
            #expect(await eventually { time.sleeperCount == 1 })
            time.advance(by: .seconds(4))
            #expect(await eventually { informer.keys.map(\.name) == ["b"] })
        }
    }

    @Test("does not stop for errors of the server")
    func errors() async throws {
        _ = try await api.create(pod("a"))
        api.failNext("list", "pods", with: .serviceUnavailable("starting"))
        let task = Task { await informer.run() }
        #expect(await eventually { time.sleeperCount == 1 })
        time.advance(by: .milliseconds(800))
        #expect(await eventually { informer.count == 1 })
        task.cancel()
        await task.value
    }
}
