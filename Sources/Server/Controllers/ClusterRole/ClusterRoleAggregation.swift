import APIClient
import APIErrors
import Kubernetes
import Wire

/// Gives cluster roles with an aggregation rule the rules of the roles that it selects.
public struct ClusterRoleAggregation: Controller {
    public static let name = "clusterrole-aggregation-controller"

    private let loop: ControllerLoop
    private let writer: Writer
    private let roles: Informer
    private static let aggregated = ObjectIndex("aggregated") { role in
        RbacV1.ClusterRole(role)?.aggregationRule == nil ? [] : [""]
    }

    public init(_ context: ControllerContext) {
        loop = ControllerLoop(context)
        writer = Writer(context)
        let roles = context.informers.informer(RbacV1.ClusterRole.messageType, Self.aggregated)
        self.roles = roles
        loop.follow(roles) { _ in
            roles.objects(Self.aggregated, "").map { ObjectKey(of: $0) }
        }
    }

    public func run() async {
        await loop.run { key throws(APIError) in
            guard let role = roles.view(RbacV1.ClusterRole.self, key) else { return nil }
            let others = roles.objects().compactMap(RbacV1.ClusterRole.init)
            try await writer.perform(try Self.writes(role, among: others))
            return nil
        }
    }

    /// The rules of all selected roles, by name of the role, each once.
    static func writes(
        _ role: RbacV1.ClusterRole, among roles: [RbacV1.ClusterRole]
    ) throws(APIError) -> [Write] {
        guard let aggregation = role.aggregationRule else { return [] }
        var rules: [RbacV1.PolicyRule] = []
        for selector in aggregation.clusterRoleSelectors {
            let selector = try LabelSelector(checked: selector)
            let selected = roles
                .filter { $0 != role && selector.matches($0.metadata.labels) }
                .sorted { $0.metadata.name < $1.metadata.name }
            for rule in selected.flatMap(\.rules) where !rules.contains(rule) {
                rules.append(rule)
            }
        }
        guard rules != role.rules else { return [] }
        var updated = role
        updated.rules = rules
        return [.update(updated.tree)]
    }
}
