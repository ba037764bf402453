public import APIErrors
public import Authentication
public import Kubernetes

/// Nobody may grant more than she holds: what writes of roles and bindings are checked for.
public struct EscalationCheck: Sendable {
    private let authorizer: Authorizer
    private let policy: RBACPolicy

    public init(authorizer: Authorizer, policy: RBACPolicy) {
        self.authorizer = authorizer
        self.policy = policy
    }

    /// Checks a write of a role. Changes that leave the rules as they are need no check.
    ///
    /// - Throws: 403 that lists the rights that `user` lacks.
    public func permit(
        role: RbacV1.Role, replacing old: RbacV1.Role? = nil, by user: UserInfo
    ) throws(APIError) {
        guard old?.rules != role.rules else { return }
        let key = RBACPolicy.RoleKey(
            namespace: role.metadata.namespace, name: role.metadata.name)
        guard !may("escalate", key, in: key.namespace, user) else { return }
        try confirm(role.rules.map(PolicyRule.init), in: key.namespace, user,
                    GroupResource(RbacV1.Role.messageType), role.metadata.name)
    }

    /// The same for a role of the cluster; one that gathers others could come to hold anything.
    public func permit(
        role: RbacV1.ClusterRole, replacing old: RbacV1.ClusterRole? = nil, by user: UserInfo
    ) throws(APIError) {
        let isUnchanged = old?.rules == role.rules && old?.aggregationRule == role.aggregationRule
        guard old == nil || !isUnchanged else { return }
        let key = RBACPolicy.RoleKey(namespace: "", name: role.metadata.name)
        guard !may("escalate", key, in: "", user) else { return }
        let resource = GroupResource(RbacV1.ClusterRole.messageType)
        if role.aggregationRule != nil, old?.aggregationRule != role.aggregationRule {
            let held = policy.rules(of: user, in: "").rules
            guard RuleCover.missing(from: held, of: PolicyRule.everything).isEmpty else {
                throw .forbidden(resource, role.metadata.name, because:
                    "must have cluster-admin privileges to use the aggregationRule")
            }
        }
        try confirm(role.rules.map(PolicyRule.init), in: "", user, resource, role.metadata.name)
    }

    /// Checks a write of a binding.
    ///
    /// - Throws: 403 as for roles; 404 if the role is not there.
    public func permit(
        binding: RbacV1.RoleBinding, replacing old: RbacV1.RoleBinding? = nil, by user: UserInfo
    ) throws(APIError) {
        if let old, old.roleRef == binding.roleRef, old.subjects == binding.subjects { return }
        try permit(binding.roleRef, in: binding.metadata.namespace, user,
                   GroupResource(RbacV1.RoleBinding.messageType), binding.metadata.name)
    }

    /// The same for a binding of the cluster.
    public func permit(
        binding: RbacV1.ClusterRoleBinding, replacing old: RbacV1.ClusterRoleBinding? = nil,
        by user: UserInfo
    ) throws(APIError) {
        if let old, old.roleRef == binding.roleRef, old.subjects == binding.subjects { return }
        try permit(binding.roleRef, in: "", user,
                   GroupResource(RbacV1.ClusterRoleBinding.messageType), binding.metadata.name)
    }

    private func permit(
        _ reference: RbacV1.RoleRef, in namespace: String, _ user: UserInfo,
        _ resource: GroupResource, _ name: String
    ) throws(APIError) {
        let key = RBACPolicy.RoleKey(
            namespace: reference.kind == "Role" ? namespace : "", name: reference.name)
        guard !may("bind", key, in: namespace, user) else { return }
        guard let role = policy.roles[key] else { throw key.notFound }
        try confirm(role.rules, in: namespace, user, resource, name)
    }

    private func may(
        _ verb: String, _ role: RBACPolicy.RoleKey, in namespace: String, _ user: UserInfo
    ) -> Bool {
        let asked = Attributes(
            user: user, verb: verb, apiGroup: "rbac.authorization.k8s.io",
            resource: role.namespace.isEmpty ? "clusterroles" : "roles",
            namespace: namespace, name: role.name)
        return authorizer.verdict(on: asked, under: policy).decision == .allow
    }

    private func confirm(
        _ rules: [PolicyRule], in namespace: String, _ user: UserInfo, _ resource: GroupResource,
        _ name: String
    ) throws(APIError) {
        let held = policy.rules(of: user, in: namespace)
        let missing = RuleCover.missing(from: held.rules, of: rules)
        guard !missing.isEmpty else { return }
        let lines = Set(RuleCover.compact(missing).map(\.description)).sorted()
        var message = "user \(user.name.quoted) (groups=\(user.groups.quotedList)) is attempting "
            + "to grant RBAC permissions not currently held:\n" + lines.joined(separator: "\n")
        if !held.faults.isEmpty {
            message += "; resolution errors: \(RBACPolicy.list(held.faults))"
        }
        throw .forbidden(resource, name, because: message)
    }
}
