import APIClient
import APIErrors
import FakeAPI
import Kubernetes
import Logging
@testable import Scheduler
import Testing
import Wire

@Suite("The scheduler, a client like others")
struct SchedulerTests {
    let time = ManualTime()
    let api: FakeAPI
    let scheduler: Scheduler

    init() {
        api = FakeAPI(time: time)
        scheduler = Scheduler(
            client: api, time: time, pluginDirectory: "/nowhere", logger: Logger(label: "test"))
    }

    func pod(_ name: String) -> CoreV1.Pod {
        CoreV1.Pod {
            $0.metadata.name = name
            $0.metadata.namespace = "default"
            $0.spec.containers = [CoreV1.Container { $0.name = "main" }]
        }
    }

    func node(_ name: String, pods: Int) -> CoreV1.Node {
        CoreV1.Node {
            $0.metadata.name = name
            $0.status.allocatable = [
                "cpu": Quantity(64), "memory": Quantity(64 << 30), "pods": Quantity(pods),
            ]
        }
    }

    func running(_ body: () async throws -> Void) async throws {
        let task = Task { await scheduler.run() }
        try await body()
        task.cancel()
        await task.value
    }

    func count(_ condition: (CoreV1.Pod) -> Bool) -> Int {
        api.all(CoreV1.Pod.self).count(where: condition)
    }

    @Test("tells every pod that it fits nowhere, and binds it once it does")
    func rejectsAndBinds() async throws {
        let many = Scheduler.writesMax + 50
        for number in 0..<many { _ = try await api.create(pod("p\(number)")) }
        try await running {
            #expect(await eventually { count(\.isToldToWait) == many })
            _ = try await api.create(node("n1", pods: many - 1))
            #expect(await eventually {
                time.advance(by: .seconds(1))
                return count { $0.spec.nodeName == "n1" } == many - 1
            })
            try await api.delete(CoreV1.Node.self, name: "n1")
            _ = try await api.create(node("n2", pods: 1))
            #expect(await eventually {
                time.advance(by: .seconds(1))
                return count { $0.spec.nodeName == "n2" } == 1
            })
        }
    }

    @Test("forgets a pod that was deleted while it did not watch")
    func relists() async throws {
        _ = try await api.create(node("n1", pods: 1))
        _ = try await api.create(pod("a"))
        try await running {
            #expect(await eventually { count { $0.spec.nodeName == "n1" } == 1 })
            api.failNext("watch", "pods", with: .serviceUnavailable("restarting"))
            api.breakWatches()
            #expect(await eventually { time.sleeperCount > 0 })
            try await api.delete(
                CoreV1.Pod.self, namespace: "default", name: "a",
                DeleteOptions(gracePeriodSeconds: 0))
            api.compact()
            _ = try await api.create(pod("b"))
            #expect(await eventually {
                time.advance(by: .seconds(1))
                return count { $0.metadata.name == "b" && $0.spec.nodeName == "n1" } == 1
            })
        }
    }
}

extension CoreV1.Pod {
    fileprivate var isToldToWait: Bool {
        status.conditions.contains { $0.type == "PodScheduled" && $0.reason == "Unschedulable" }
    }
}
