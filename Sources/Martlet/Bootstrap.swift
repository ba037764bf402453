import API
import APIClient
import APIErrors
import Authorization
import Kubernetes
import SimulatedNodes
import Wire

/// What a cluster has from its first moment on, put there by the server itself.
struct Bootstrap {
    let client: any APIClient
    let kubernetesService: String
    let securePort: Int

    /// Namespaces of the system; `kube-node-lease` is where nodes keep theirs.
    private static let namespaces = ["default", "kube-system", "kube-public", "kube-node-lease"]

    /// Makes what is missing, and leaves alone what is there.
    func run() async throws(APIError) {
        for name in Self.namespaces {
            try await ensure(CoreV1.Namespace { $0.metadata.name = name })
        }
        for (name, value, text) in Self.priorities {
            try await ensure(SchedulingV1.PriorityClass {
                $0.metadata.name = name
                $0.value = value
                $0.description = text
            })
        }
        try await ensure(MartletSchedulingV1.SchedulingPolicy {
            $0.metadata.name = "default"
            $0.spec.strategy = "spread"
        })
        try await ensure(service)
        for object in BootstrapPolicy.objects + simulatedNodes { try await ensureOrMend(object) }
    }

    /// What the one who watches for all simulated nodes may do, beside what each node may.
    private var simulatedNodes: [Message] {
        let name = "martlet:simulated-nodes"
        let role = RbacV1.ClusterRole {
            $0.metadata.name = name
            $0.rules = [
                RbacV1.PolicyRule {
                    $0.apiGroups = [""]
                    $0.resources = ["pods", "nodes"]
                    $0.verbs = ["get", "list", "watch"]
                },
                RbacV1.PolicyRule {
                    $0.apiGroups = ["", "events.k8s.io"]
                    $0.resources = ["events"]
                    $0.verbs = ["create", "patch", "update"]
                },
            ]
        }
        let binding = RbacV1.ClusterRoleBinding {
            $0.metadata.name = name
            $0.roleRef.apiGroup = "rbac.authorization.k8s.io"
            $0.roleRef.kind = "ClusterRole"
            $0.roleRef.name = name
            $0.subjects = [RbacV1.Subject {
                $0.apiGroup = "rbac.authorization.k8s.io"
                $0.kind = "User"
                $0.name = SimulatedNodes.watcher.user
            }]
        }
        return [role.tree, binding.tree]
    }

    /// Makes a role or binding, or gives it back what it lacks of what a cluster starts with. Looks
    /// first: a store whose disk is full takes no writes.
    private func ensureOrMend(_ object: Message) async throws(APIError) {
        let address = ResourceAddress(of: object)
        do throws(APIError) {
            let stored = try await client.get(address)
            guard let mended = BootstrapPolicy.mended(stored, for: object) else { return }
            do throws(APIError) {
                _ = try await client.update(mended, at: address, WriteOptions())
            } catch where error.reason == .conflict { return }  // Another member was first.
        } catch where error.reason == .notFound {
            do throws(APIError) {
                _ = try await client.create(
                    object, at: ResourceAddress(object.type, namespace: address.namespace),
                    WriteOptions())
            } catch where error.reason == .alreadyExists { return }  // Another member was first.
        }
    }

    /// The classes that Kubernetes' own parts run in.
    private static let priorities = [
        ("system-cluster-critical", 2_000_000_000,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary."),
        ("system-node-critical", 2_000_001_000,
            "Used for system critical pods that must not be moved from their current node."),
    ]

    /// The service by which pods reach the API.
    private var service: CoreV1.Service {
        CoreV1.Service {
            $0.metadata.name = "kubernetes"
            $0.metadata.namespace = "default"
            $0.metadata.labels = ["component": "apiserver", "provider": "kubernetes"]
            $0.spec.clusterIP = kubernetesService
            $0.spec.type = "ClusterIP"
            $0.spec.ports = [CoreV1.ServicePort {
                $0.name = "https"
                $0.port = 443
                $0.protocol = "TCP"
                $0.targetPort = .int(securePort)
            }]
        }
    }

    /// Looks before it creates: a service that is there holds the address that it would ask for.
    private func ensure(_ object: some MessageView) async throws(APIError) {
        do throws(APIError) { _ = try await client.get(ResourceAddress(of: object.tree)) } catch
            where error.reason == .notFound {
            do throws(APIError) { _ = try await client.create(object) } catch
                where error.reason == .alreadyExists { return }  // Another member was first.
        }
    }
}
