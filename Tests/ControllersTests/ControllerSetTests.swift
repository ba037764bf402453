import APIClient
import APIErrors
import Controllers
import FakeAPI
import Kubernetes
import Logging
import Testing
import Wire

/// The controllers together, over an API in memory and with time that stands still.
@Suite("All controllers together")
struct ControllerSetTests {
    let time = ManualTime()
    let api: FakeAPI

    init() { api = FakeAPI(time: time) }

    func running(_ body: () async throws -> Void) async throws {
        var settings = ControllerSettings()
        settings.rootCertificates = "PEM"
        let controllers = ControllerSet(
            clients: { [api] _ in api }, time: time, logger: Logger(label: "test"),
            settings: settings)
        let task = Task { await controllers.run() }
        _ = try await api.create(namespace("default"))
        try await body()
        task.cancel()
        await task.value
    }

    func namespace(_ name: String) -> CoreV1.Namespace {
        CoreV1.Namespace {
            $0.metadata.name = name
            $0.spec.finalizers = ["kubernetes"]
            $0.status.phase = "Active"
        }
    }

    func deployment(_ replicas: Int, image: String = "v1") -> AppsV1.Deployment {
        AppsV1.Deployment {
            $0.metadata.name = "web"
            $0.metadata.namespace = "default"
            $0.spec.replicas = replicas
            $0.spec.selector = MetaV1.LabelSelector { $0.matchLabels = ["app": "web"] }
            $0.spec.template.metadata.labels = ["app": "web"]
            $0.spec.template.spec.containers = [
                CoreV1.Container {
                    $0.name = "main"
                    $0.image = image
                }
            ]
            $0.spec.strategy.rollingUpdate = AppsV1.RollingUpdateDeployment {
                $0.maxSurge = .int(1)
                $0.maxUnavailable = .int(0)
            }
            $0.spec.revisionHistoryLimit = 10
            $0.spec.progressDeadlineSeconds = 600
        }
    }

    /// Lets every pod run, as nodes would.
    func letPodsRun() async throws {
        for var pod in api.all(CoreV1.Pod.self) where pod.status.phase != "Running" {
            if pod.spec.nodeName.isEmpty {
                pod.spec.nodeName = "n1"
                pod = try await api.update(pod)
            }
            pod.status.phase = "Running"
            pod.status.podIP = "10.0.0.\(pod.metadata.name.utf8.count)"
            pod.status.conditions = [
                CoreV1.PodCondition {
                    $0.type = "Ready"
                    $0.status = "True"
                    $0.lastTransitionTime = time.now
                }
            ]
            _ = try await api.updateStatus(pod)
        }
    }

    /// Takes away the pods that are being deleted, as nodes would.
    func endPods() async throws {
        for pod in api.all(CoreV1.Pod.self) where pod.metadata.deletionTimestamp != nil {
            try await api.delete(
                CoreV1.Pod.self, namespace: "default", name: pod.metadata.name,
                DeleteOptions(gracePeriodSeconds: 0))
        }
    }

    var deployed: AppsV1.Deployment? { api.all(AppsV1.Deployment.self).first }

    @Test("bring a deployment to its pods, roll it out, and take it away")
    func deployment() async throws {
        try await running {
            _ = try await api.create(deployment(3))
            #expect(await eventually { api.all(CoreV1.Pod.self).count == 3 })
            try await letPodsRun()
            #expect(await eventually { deployed?.status.availableReplicas == 3 })

            var changed = try #require(deployed)
            changed.metadata.resourceVersion = ""
            changed.spec.template.spec.containers[0].image = "v2"
            _ = try await api.update(changed)
            for _ in 0..<4 {
                #expect(
                    await eventually {
                        api.all(CoreV1.Pod.self).contains { $0.status.phase != "Running" }
                            || isRolledOut("v2")
                    })
                try await letPodsRun()
                #expect(
                    await eventually {
                        api.all(CoreV1.Pod.self).contains { $0.metadata.deletionTimestamp != nil }
                            || isRolledOut("v2")
                    })
                try await endPods()
            }
            #expect(await eventually { isRolledOut("v2") })
            #expect(deployed?.metadata.annotations["deployment.kubernetes.io/revision"] == "2")

            try await api.delete(
                AppsV1.Deployment.self, namespace: "default", name: "web",
                DeleteOptions(propagation: .background))
            #expect(await eventually { api.all(AppsV1.ReplicaSet.self).isEmpty })
            #expect(
                await eventually {
                    api.all(CoreV1.Pod.self).allSatisfy { $0.metadata.deletionTimestamp != nil }
                })
        }
    }

    func isRolledOut(_ image: String) -> Bool {
        let pods = api.all(CoreV1.Pod.self)
        return pods.count == 3 && pods.allSatisfy { $0.spec.containers[0].image == image }
            && deployed?.status.updatedReplicas == 3
    }

    @Test("give a namespace its account and certificates, and empty it in the end")
    func namespaces() async throws {
        try await running {
            #expect(await eventually { api.all(CoreV1.ServiceAccount.self).count == 1 })
            #expect(await eventually { api.all(CoreV1.ConfigMap.self).count == 1 })
            _ = try await api.create(
                CoreV1.Secret {
                    $0.metadata.name = "s"
                    $0.metadata.namespace = "default"
                })
            try await api.delete(CoreV1.Namespace.self, name: "default")
            #expect(
                await eventually {
                    if time.sleeperCount > 0 { time.advance(by: .seconds(1)) }
                    return api.all(CoreV1.Namespace.self).isEmpty
                })
            #expect(api.all(CoreV1.Secret.self).isEmpty)
            #expect(api.all(CoreV1.ConfigMap.self).isEmpty)
        }
    }

    func owned(_ name: String, by owner: CoreV1.ConfigMap, blocks: Bool = false) -> CoreV1.Secret {
        CoreV1.Secret {
            $0.metadata.name = name
            $0.metadata.namespace = "default"
            $0.metadata.ownerReferences = [
                MetaV1.OwnerReference {
                    $0.apiVersion = "v1"
                    $0.kind = "ConfigMap"
                    $0.name = owner.metadata.name
                    $0.uid = owner.metadata.uid
                    $0.blockOwnerDeletion = blocks
                }
            ]
        }
    }

    func owner() async throws -> CoreV1.ConfigMap {
        try await api.create(
            CoreV1.ConfigMap {
                $0.metadata.name = "owner"
                $0.metadata.namespace = "default"
            })
    }

    @Test("delete what is owned before its owner, if asked to wait")
    func foreground() async throws {
        try await running {
            let owner = try await owner()
            _ = try await api.create(owned("a", by: owner, blocks: true))
            try await api.delete(
                CoreV1.ConfigMap.self, namespace: "default", name: "owner",
                DeleteOptions(propagation: .foreground))
            #expect(await eventually { api.all(CoreV1.Secret.self).isEmpty })
            #expect(
                await eventually {
                    api.all(CoreV1.ConfigMap.self).allSatisfy { $0.metadata.name != "owner" }
                })
            let log = api.log.filter { $0.hasPrefix("delete secrets") || $0.contains("owner") }
            #expect(
                log.suffix(2) == ["delete secrets default/a", "update configmaps default/owner"])
        }
    }

    @Test("leave orphans, if asked to")
    func orphans() async throws {
        try await running {
            let owner = try await owner()
            _ = try await api.create(owned("a", by: owner))
            try await api.delete(
                CoreV1.ConfigMap.self, namespace: "default", name: "owner",
                DeleteOptions(propagation: .orphan))
            #expect(
                await eventually {
                    api.all(CoreV1.ConfigMap.self).allSatisfy { $0.metadata.name != "owner" }
                })
            #expect(api.all(CoreV1.Secret.self).first?.metadata.ownerReferences.isEmpty == true)
        }
    }

    @Test("take away what is owned by something that never was")
    func astray() async throws {
        try await running {
            var never = CoreV1.ConfigMap()
            never.metadata.name = "never"
            never.metadata.uid = "uid-0"
            _ = try await api.create(owned("a", by: never))
            #expect(await eventually { api.all(CoreV1.Secret.self).isEmpty })
        }
    }

    @Test("adopt a pod that a replica set selects")
    func adoption() async throws {
        try await running {
            _ = try await api.create(
                CoreV1.Pod {
                    $0.metadata.name = "lonely"
                    $0.metadata.namespace = "default"
                    $0.metadata.labels = ["app": "web"]
                })
            _ = try await api.create(
                AppsV1.ReplicaSet {
                    $0.metadata.name = "web"
                    $0.metadata.namespace = "default"
                    $0.spec.replicas = 1
                    $0.spec.selector = MetaV1.LabelSelector { $0.matchLabels = ["app": "web"] }
                    $0.spec.template.metadata.labels = ["app": "web"]
                })
            #expect(
                await eventually {
                    api.all(AppsV1.ReplicaSet.self).first?.status.replicas == 1
                })
            let pods = api.all(CoreV1.Pod.self)
            #expect(pods.map(\.metadata.name) == ["lonely"])
            #expect(pods.first?.metadata.ownerReferences.first?.name == "web")
        }
    }
}
