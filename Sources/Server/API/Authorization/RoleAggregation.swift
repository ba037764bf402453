public import Kubernetes
import Wire

/// The rules of cluster roles that gather others by label.
public enum RoleAggregation {
    /// The rules that `role` should have, or nil if it gathers none.
    ///
    /// - Parameters:
    ///   - matches: Whether a selector selects labels.
    /// - Complexity: O(selectors x roles).
    public static func rules(
        of role: RbacV1.ClusterRole, among roles: [RbacV1.ClusterRole],
        matches: (MetaV1.LabelSelector, [String: String]) -> Bool
    ) -> [RbacV1.PolicyRule]? {
        guard let aggregation = role.aggregationRule else { return nil }
        let sorted = roles.sorted { $0.metadata.name.precedes($1.metadata.name) }
        var rules: [RbacV1.PolicyRule] = []
        var seen: Set<RbacV1.PolicyRule> = []
        for selector in aggregation.clusterRoleSelectors {
            for other in sorted where other.metadata.name != role.metadata.name
                && matches(selector, other.metadata.labels) {
                for rule in other.rules where seen.insert(rule).inserted { rules.append(rule) }
            }
        }
        return rules
    }
}
