import APIErrors
import Authentication
import Authorization
import Kubernetes
import Wire

// What the tests of authorization share: a cluster's first policy, with a role for reading pods
// bound to the group devs in the namespace ns.

let alice = UserInfo(name: "alice", groups: ["devs"]).authenticated

func startPolicy() -> RBACPolicy {
    var policy = RBACPolicy()
    for object in BootstrapPolicy.objects { policy.upsert(object) }
    policy.upsert(role("reader", [
        PolicyRule(verbs: ["get", "list"], apiGroups: [""], resources: ["pods", "pods/log"]),
        PolicyRule(verbs: ["get"], apiGroups: [""], resources: ["configmaps"],
                   resourceNames: ["allowed"]),
        PolicyRule(verbs: ["create"], apiGroups: ["rbac.authorization.k8s.io"],
                   resources: ["roles", "rolebindings"]),
    ]).tree)
    policy.upsert(binding("devs-read", to: "reader").tree)
    return policy
}

func role(_ name: String, _ rules: [PolicyRule]) -> RbacV1.Role {
    RbacV1.Role {
        $0.metadata.name = name
        $0.metadata.namespace = "ns"
        $0.rules = rules.map(\.view)
    }
}

func binding(
    _ name: String, to role: String, kind: String = "Role", group: String = "devs"
) -> RbacV1.RoleBinding {
    RbacV1.RoleBinding { binding in
        binding.metadata.name = name
        binding.metadata.namespace = "ns"
        binding.roleRef.kind = kind
        binding.roleRef.name = role
        binding.subjects = [RbacV1.Subject {
            $0.kind = "Group"
            $0.name = group
        }]
    }
}

/// The message of the failure of `body`, if it fails.
func failure(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return (error as? APIError)?.message ?? "\(error)"
    }
}
