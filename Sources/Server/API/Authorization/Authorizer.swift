public import APIErrors
import Authentication

/// Decides whether a request may be carried out: asks each mode in turn until one has an opinion.
public struct Authorizer: Sendable {
    /// The modes of `--authorization-mode`.
    public enum Mode: String, Sendable, CaseIterable {
        case rbac = "RBAC"
        /// Nodes may do what the role `system:node` allows.
        case node = "Node"
        case alwaysAllow = "AlwaysAllow"
        case alwaysDeny = "AlwaysDeny"
    }

    public let modes: [Mode]

    public init(modes: [Mode] = [.node, .rbac]) { self.modes = modes }

    /// The answer with its reason. Members of `system:masters` may do anything.
    public func verdict(on asked: Attributes, under policy: RBACPolicy) -> Verdict {
        if asked.user.isMaster { return Verdict(.allow) }
        var reasons: [String] = []
        for mode in modes {
            let verdict = verdict(of: mode, on: asked, under: policy)
            guard verdict.decision == .noOpinion else { return verdict }
            if !verdict.reason.isEmpty { reasons.append(verdict.reason) }
        }
        return Verdict(.noOpinion, reason: reasons.joined(separator: "\n"))
    }

    /// Lets the request pass, or fails with 403. The way without words for what is allowed.
    ///
    /// - Complexity: O(rules that the user holds); about a microsecond for a user with few roles.
    public func permit(_ asked: Attributes, under policy: RBACPolicy) throws(APIError) {
        if allows(asked, under: policy) { return }
        throw asked.forbidden(reason: verdict(on: asked, under: policy).reason)
    }

    private func allows(_ asked: Attributes, under policy: RBACPolicy) -> Bool {
        if asked.user.isMaster { return true }
        for mode in modes {
            switch mode {
            case .rbac: if policy.allows(asked) { return true }
            case .node: if NodeRules.allow(asked) { return true }
            case .alwaysAllow: return true
            case .alwaysDeny: break
            }
        }
        return false
    }

    private func verdict(
        of mode: Mode, on asked: Attributes, under policy: RBACPolicy
    ) -> Verdict {
        switch mode {
        case .rbac: policy.verdict(on: asked)
        case .node: Verdict(NodeRules.allow(asked) ? .allow : .noOpinion)
        case .alwaysAllow: Verdict(.allow)
        case .alwaysDeny: Verdict(.noOpinion, reason: "Everything is forbidden.")
        }
    }
}

extension UserInfo {
    /// Beyond all rules: the cluster's administrators.
    var isMaster: Bool { groups.contains(Group.masters) }
}

/// What nodes may do: the rules of the bootstrap role `system:node`, for all of their kinds.
///
/// Kubernetes narrows this down to the objects that a node's own pods need; here a node may use the
/// rules for any object.
enum NodeRules {
    static func allow(_ asked: Attributes) -> Bool {
        guard asked.user.groups.contains(UserInfo.Group.nodes),
            asked.user.name.hasPrefix(UserInfo.Name.nodePrefix)
        else { return false }
        return matchers.contains { $0.allows(asked) }
    }

    private static let matchers = BootstrapPolicy.rules(ofClusterRole: "system:node")
        .map(RuleMatcher.init)
}
