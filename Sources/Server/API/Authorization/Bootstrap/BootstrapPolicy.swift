import Kubernetes
public import Wire

/// The roles and bindings that a cluster starts with.
public enum BootstrapPolicy {
    /// All of them, as trees: ClusterRoles, ClusterRoleBindings, Roles, RoleBindings. Roles that
    /// gather others hold the gathered rules already.
    public static let objects: [Message] = {
        var reader = PolicyTextReader()
        for text in [userRoles, editorRoles, componentRoles, controllerRoles, moreControllerRoles,
                     bindings] {
            reader.read(text)
        }
        let gathered = gathering(reader.clusterRoles)
        return gathered.map(\.tree) + reader.clusterRoleBindings.map(\.tree)
            + reader.roles.map(\.tree) + reader.roleBindings.map(\.tree)
    }()

    /// Fills in the rules of roles that gather others, some of which gather others themselves: edit
    /// is part of admin, view of edit.
    private static func gathering(_ roles: [RbacV1.ClusterRole]) -> [RbacV1.ClusterRole] {
        let gathered = roles.map { role in
            var role = role
            role.rules = RoleAggregation.rules(
                of: role, among: roles, matches: matchesLabels) ?? role.rules
            return role
        }
        return gathered == roles ? roles : gathering(gathered)
    }

    /// The rules of one of the cluster roles; none if there is no such role.
    static func rules(ofClusterRole name: String) -> [PolicyRule] {
        objects.lazy.compactMap { RbacV1.ClusterRole($0) }
            .first { $0.metadata.name == name }?.rules.map(PolicyRule.init) ?? []
    }

    private static func matchesLabels(
        _ selector: MetaV1.LabelSelector, _ labels: [String: String]
    ) -> Bool {
        selector.matchLabels.allSatisfy { labels[$0.key] == $0.value }
    }

    static let autoUpdate = "rbac.authorization.kubernetes.io/autoupdate"

    /// What to write so that a stored object holds at least what a cluster starts with; nil if it
    /// does, or if somebody has asked for it to be left alone.
    ///
    /// Rules and subjects that were added stay; a binding to another role is left as it is.
    public static func mended(_ stored: Message, for wanted: Message) -> Message? {
        if var stored = RbacV1.ClusterRole(stored), let wanted = RbacV1.ClusterRole(wanted) {
            guard stored.metadata.annotations[autoUpdate] != "false" else { return nil }
            let old = stored
            if let aggregation = wanted.aggregationRule {
                stored.aggregationRule = stored.aggregationRule ?? aggregation
            } else {
                stored.rules = mended(stored.rules, for: wanted.rules)
            }
            return stored == old ? nil : stored.tree
        }
        if var stored = RbacV1.Role(stored), let wanted = RbacV1.Role(wanted) {
            guard stored.metadata.annotations[autoUpdate] != "false" else { return nil }
            let old = stored
            stored.rules = mended(stored.rules, for: wanted.rules)
            return stored == old ? nil : stored.tree
        }
        if var stored = RbacV1.ClusterRoleBinding(stored),
            let wanted = RbacV1.ClusterRoleBinding(wanted) {
            guard stored.metadata.annotations[autoUpdate] != "false",
                stored.roleRef == wanted.roleRef
            else { return nil }
            let missing = wanted.subjects.filter { !stored.subjects.contains($0) }
            stored.subjects += missing
            return missing.isEmpty ? nil : stored.tree
        }
        if var stored = RbacV1.RoleBinding(stored), let wanted = RbacV1.RoleBinding(wanted) {
            guard stored.metadata.annotations[autoUpdate] != "false",
                stored.roleRef == wanted.roleRef
            else { return nil }
            let missing = wanted.subjects.filter { !stored.subjects.contains($0) }
            stored.subjects += missing
            return missing.isEmpty ? nil : stored.tree
        }
        return nil
    }

    private static func mended(
        _ stored: [RbacV1.PolicyRule], for wanted: [RbacV1.PolicyRule]
    ) -> [RbacV1.PolicyRule] {
        let held = stored.map(PolicyRule.init)
        return stored + wanted.filter {
            !RuleCover.missing(from: held, of: [PolicyRule($0)]).isEmpty
        }
    }
}
