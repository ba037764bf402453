public import APIErrors
import Authentication

/// Decides whether a request may be carried out: asks each mode in turn until one has an opinion.
public struct Authorizer: Sendable {
    /// The modes of `--authorization-mode`.
    public enum Mode: String, Sendable, CaseIterable {
        case rbac = "RBAC"
        /// Nodes may do what concerns themselves and their pods.
        case node = "Node"
        case alwaysAllow = "AlwaysAllow"
        case alwaysDeny = "AlwaysDeny"
    }

    public let modes: [Mode]
    private let nodes: NodeAuthorizer

    /// - Parameter relations: What nodes have to do with the objects that there are.
    public init(modes: [Mode] = [.node, .rbac], relations: any NodeRelations = NoRelations()) {
        self.modes = modes
        nodes = NodeAuthorizer(relations: relations)
    }

    /// The same modes in a cluster of other objects.
    public func knowing(_ relations: any NodeRelations) -> Authorizer {
        Authorizer(modes: modes, relations: relations)
    }

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
            case .node: if nodes.verdict(on: asked).decision == .allow { return true }
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
        case .node: nodes.verdict(on: asked)
        case .alwaysAllow: Verdict(.allow)
        case .alwaysDeny: Verdict(.noOpinion, reason: "Everything is forbidden.")
        }
    }
}

extension UserInfo {
    /// Beyond all rules: the cluster's administrators.
    var isMaster: Bool { groups.contains(Group.masters) }
}
