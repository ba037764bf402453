import APIErrors
import Authentication
import Kubernetes
public import Wire

/// All roles and bindings of a cluster, arranged by who they are about.
///
/// A value: whoever holds a copy sees one state of the policy. Changes come one object at a time
/// and touch only what that object says.
public struct RBACPolicy: Sendable {
    /// A ClusterRole (namespace empty) or Role.
    struct RoleKey: Hashable, Sendable {
        let namespace: String
        let name: String
    }

    /// A ClusterRoleBinding (namespace empty) or RoleBinding.
    struct BindingKey: Hashable, Sendable {
        let namespace: String
        let name: String
    }

    /// Whom a binding names. Service accounts are users, by their full names.
    enum Subject: Hashable, Sendable {
        case user(String)
        case group(String)
    }

    /// That a binding gives a role to a subject.
    final class Grant: Sendable {
        let binding: BindingKey
        let role: RoleKey
        let subject: Subject
        /// As messages name it: `Group "devs"`.
        let subjectDescription: String

        init(_ binding: BindingKey, _ role: RoleKey, _ subject: Subject, _ description: String) {
            self.binding = binding
            self.role = role
            self.subject = subject
            subjectDescription = description
        }
    }

    /// A role's rules, to be shown and to be asked.
    final class RoleRules: Sendable {
        let rules: [PolicyRule]
        let matchers: [RuleMatcher]

        init(_ rules: [PolicyRule]) {
            self.rules = rules
            matchers = rules.map(RuleMatcher.init)
        }
    }

    typealias Grants = [Subject: [Grant]]

    private(set) var roles: [RoleKey: RoleRules] = [:]
    private var subjects: [BindingKey: [Subject]] = [:]
    private(set) var clusterGrants: Grants = [:]
    private(set) var namespaceGrants: [String: Grants] = [:]

    public init() {}

    /// Takes over a Role, ClusterRole, RoleBinding or ClusterRoleBinding; ignores anything else.
    public mutating func upsert(_ object: Message) {
        if let role = RbacV1.ClusterRole(object) {
            let key = RoleKey(namespace: "", name: role.metadata.name)
            roles[key] = RoleRules(role.rules.map(PolicyRule.init))
        } else if let role = RbacV1.Role(object) {
            let key = RoleKey(namespace: role.metadata.namespace, name: role.metadata.name)
            roles[key] = RoleRules(role.rules.map(PolicyRule.init))
        } else if let binding = RbacV1.ClusterRoleBinding(object) {
            bind(BindingKey(namespace: "", name: binding.metadata.name),
                 binding.roleRef, binding.subjects)
        } else if let binding = RbacV1.RoleBinding(object) {
            bind(BindingKey(namespace: binding.metadata.namespace, name: binding.metadata.name),
                 binding.roleRef, binding.subjects)
        }
    }

    /// Forgets an object of one of the four kinds; ignores any other.
    public mutating func delete(_ type: MessageType, namespace: String, name: String) {
        switch type {
        case RbacV1.ClusterRole.messageType: roles[RoleKey(namespace: "", name: name)] = nil
        case RbacV1.Role.messageType: roles[RoleKey(namespace: namespace, name: name)] = nil
        case RbacV1.ClusterRoleBinding.messageType: unbind(BindingKey(namespace: "", name: name))
        case RbacV1.RoleBinding.messageType:
            unbind(BindingKey(namespace: namespace, name: name))
        default: break
        }
    }

    private mutating func bind(
        _ binding: BindingKey, _ reference: RbacV1.RoleRef, _ subjects: [RbacV1.Subject]
    ) {
        unbind(binding)
        let role = RoleKey(
            namespace: reference.kind == "Role" ? binding.namespace : "", name: reference.name)
        for view in subjects {
            guard let subject = Subject(view, in: binding.namespace) else { continue }
            let grant = Grant(binding, role, subject, view.description(in: binding.namespace))
            change(binding.namespace) { $0[subject, default: []].append(grant) }
            self.subjects[binding, default: []].append(subject)
        }
    }

    private mutating func unbind(_ binding: BindingKey) {
        guard let subjects = subjects.removeValue(forKey: binding) else { return }
        change(binding.namespace) { grants in
            for subject in subjects {
                grants[subject]?.removeAll { $0.binding == binding }
                if grants[subject]?.isEmpty == true { grants[subject] = nil }
            }
        }
        if namespaceGrants[binding.namespace]?.isEmpty == true {
            namespaceGrants[binding.namespace] = nil
        }
    }

    private mutating func change(_ namespace: String, _ body: (inout Grants) -> Void) {
        if namespace.isEmpty {
            body(&clusterGrants)
        } else {
            body(&namespaceGrants[namespace, default: [:]])
        }
    }
}

extension RBACPolicy.Subject {
    /// Nil if `view` names nobody.
    fileprivate init?(_ view: RbacV1.Subject, in namespace: String) {
        switch view.kind {
        case "User": self = .user(view.name)
        case "Group": self = .group(view.name)
        case "ServiceAccount":
            let own = view.namespace.isEmpty ? namespace : view.namespace
            guard !own.isEmpty else { return nil }
            self = .user("\(UserInfo.Name.serviceAccountPrefix)\(own):\(view.name)")
        default: return nil
        }
    }
}

extension RbacV1.Subject {
    fileprivate func description(in bindingNamespace: String) -> String {
        guard kind == "ServiceAccount" else { return "\(kind) \(name.quoted)" }
        let own = namespace.isEmpty ? bindingNamespace : namespace
        return "\(kind) \("\(name)/\(own)".quoted)"
    }
}
