import APIErrors
public import Authentication

/// An authorizer's answer.
public struct Verdict: Hashable, Sendable {
    public enum Decision: Hashable, Sendable { case allow, deny, noOpinion }
    public let decision: Decision
    /// In words, for reviews and for the answer to a request that is refused. May be empty.
    public let reason: String

    public init(_ decision: Decision, reason: String = "") {
        self.decision = decision
        self.reason = reason
    }
}

extension RBACPolicy {
    /// Calls `body` for each grant that is about `user` in `namespace`, until it returns false.
    func forEachGrant(
        of user: borrowing UserInfo, in namespace: String, _ body: (Grant) -> Bool
    ) {
        if !forEachGrant(of: user, among: clusterGrants, body) { return }
        guard !namespace.isEmpty, let grants = namespaceGrants[namespace] else { return }
        _ = forEachGrant(of: user, among: grants, body)
    }

    private func forEachGrant(
        of user: borrowing UserInfo, among grants: Grants, _ body: (Grant) -> Bool
    ) -> Bool {
        if let own = grants[.user(user.name)] {
            for grant in own where !body(grant) { return false }
        }
        for group in user.groups {
            guard let own = grants[.group(group)] else { continue }
            for grant in own where !body(grant) { return false }
        }
        return true
    }

    /// Whether a role that the user holds allows what is asked. O(rules that the user holds).
    public func allows(_ asked: borrowing Attributes) -> Bool { deciding(asked).grant != nil }

    /// The answer with its reason: which binding allows it, or which roles could not be found.
    public func verdict(on asked: borrowing Attributes) -> Verdict {
        let (grant, missing) = deciding(asked)
        if let grant { return Verdict(.allow, reason: "RBAC: allowed by \(grant.description)") }
        guard !missing.isEmpty else { return Verdict(.noOpinion) }
        return Verdict(.noOpinion, reason: "RBAC: \(Self.list(missing.map(\.notFound.message)))")
    }

    private func deciding(_ asked: borrowing Attributes) -> (grant: Grant?, missing: [RoleKey]) {
        var allowing: Grant?
        var missing: [RoleKey] = []
        let request = copy asked
        forEachGrant(of: request.user, in: request.namespace) { grant in
            guard let role = roles[grant.role] else {
                if !missing.contains(grant.role) { missing.append(grant.role) }
                return true
            }
            guard role.matchers.contains(where: { $0.allows(request) }) else { return true }
            allowing = grant
            return false
        }
        return (allowing, missing)
    }

    /// All rules that `user` holds in `namespace`, and the roles that are bound but not there.
    public func rules(
        of user: UserInfo, in namespace: String
    ) -> (rules: [PolicyRule], faults: [String]) {
        var rules: [PolicyRule] = []
        var faults: [String] = []
        forEachGrant(of: user, in: namespace) { grant in
            if let role = roles[grant.role] {
                rules += role.rules
            } else {
                faults.append(grant.role.notFound.message)
            }
            return true
        }
        return (rules, faults)
    }

    /// Several faults as Go joins them.
    static func list(_ faults: [String]) -> String {
        faults.count == 1 ? faults[0] : "[\(faults.joined(separator: ", "))]"
    }
}

extension RBACPolicy.RoleKey {
    var notFound: APIError {
        let resource = namespace.isEmpty ? "clusterrole" : "role"
        return .notFound(
            GroupResource(group: "rbac.authorization.k8s.io", resource: resource), name)
    }
}

extension RBACPolicy.Grant {
    fileprivate var description: String {
        let binding = binding.namespace.isEmpty
            ? "ClusterRoleBinding \(binding.name.quoted)"
            : "RoleBinding \("\(binding.name)/\(binding.namespace)".quoted)"
        let kind = role.namespace.isEmpty ? "ClusterRole" : "Role"
        return "\(binding) of \(kind) \(role.name.quoted) to \(subjectDescription)"
    }
}
