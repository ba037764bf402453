import APIClient
import FakeAPI
import Kubernetes
import Logging
import Testing
import Wire

@testable import SimulatedNodes

@Suite("Simulated nodes")
struct SimulatedNodesTests {
    let time = ManualTime()
    let api: FakeAPI

    init() { api = FakeAPI(time: time) }

    func running(_ count: Int, _ body: () async throws -> Void) async throws {
        let nodes = SimulatedNodes(
            count: count, clients: { [api] _ in api }, time: time, logger: Logger(label: "test"))
        let task = Task { await nodes.run() }
        try await body()
        task.cancel()
        await task.value
    }

    func pod(_ name: String, on node: String) -> CoreV1.Pod {
        CoreV1.Pod {
            $0.metadata.name = name
            $0.metadata.namespace = "default"
            $0.spec.nodeName = node
            $0.spec.containers = [CoreV1.Container { $0.name = "main" }]
            $0.status.phase = "Pending"
        }
    }

    @Test("register with what they have, and keep their leases")
    func registration() async throws {
        try await running(3) {
            #expect(await eventually { api.all(CoordinationV1.Lease.self).count == 3 })
            let nodes = api.all(CoreV1.Node.self)
            #expect(nodes.map(\.metadata.name) == ["node-1", "node-2", "node-3"])
            #expect(nodes[0].status.allocatable["memory"]?.text == "32Gi")
            #expect(nodes[0].status.conditions.last?.type == "Ready")
            let zones = nodes.map { $0.metadata.labels["topology.kubernetes.io/zone"] }
            #expect(zones == ["zone-1", "zone-2", "zone-3"])
            let first = api.all(CoordinationV1.Lease.self)[0].spec.renewTime
            #expect(await eventually { time.sleeperCount > 0 })
            time.advance(by: .seconds(10))
            #expect(
                await eventually {
                    api.all(CoordinationV1.Lease.self).allSatisfy { $0.spec.renewTime != first }
                })
        }
    }

    @Test("take over the leases of a run before, at once")
    func restart() async throws {
        try await running(2) {
            #expect(await eventually { api.all(CoordinationV1.Lease.self).count == 2 })
        }
        time.advance(by: .seconds(5))
        try await running(2) {
            #expect(
                await eventually {
                    api.all(CoordinationV1.Lease.self).allSatisfy { $0.spec.renewTime == time.now }
                })
        }
    }

    @Test("run the pods bound to them, and no others")
    func pods() async throws {
        try await running(2) {
            let nodes = ["a": "node-1", "b": "node-1", "c": "node-2", "d": "other"]
            for (name, node) in nodes {
                _ = try await api.create(pod(name, on: node))
            }
            #expect(
                await eventually {
                    api.all(CoreV1.Pod.self).count { $0.status.phase == "Running" } == 3
                })
            let pods = api.all(CoreV1.Pod.self)
            #expect(Set(pods.prefix(3).map(\.status.podIP)).count == 3)
            #expect(pods[2].status.podIP.hasPrefix("10.128.1."))
            #expect(pods[3].status.phase == "Pending")
        }
    }

    @Test("take deleted pods away")
    func deletion() async throws {
        try await running(1) {
            _ = try await api.create(pod("a", on: "node-1"))
            #expect(
                await eventually { api.all(CoreV1.Pod.self).first?.status.phase == "Running" })
            try await api.delete(CoreV1.Pod.self, namespace: "default", name: "a")
            #expect(await eventually { api.all(CoreV1.Pod.self).isEmpty })
        }
    }
}
