import Kubernetes
import Wire

/// Reads the compact text that the bootstrap policy is written in.
///
///     clusterrole NAME                      starts a role; its rules follow
///     role NAMESPACE/NAME
///     controller NAME                       system:controller:NAME, bound to its service account
///       VERBS GROUPS: RESOURCES [named NAMES]
///       VERBS url: PATHS
///       events                              may write events
///       gathers LABEL                       has the rules of the roles with the label
///       label LABEL
///     bind NAME to KIND:NAME ...            the cluster role NAME, by a binding of that name
///     bind NAMESPACE/NAME of ROLE to KIND:NAME ...
///
/// Lists are joined by commas, and go on in the next line after one; `core` is the group without a
/// name; `read` and `write` stand for several verbs. The text is part of the program: a mistake in
/// it traps.
struct PolicyTextReader {
    private(set) var clusterRoles: [RbacV1.ClusterRole] = []
    private(set) var roles: [RbacV1.Role] = []
    private(set) var clusterRoleBindings: [RbacV1.ClusterRoleBinding] = []
    private(set) var roleBindings: [RbacV1.RoleBinding] = []
    private var isInRole = false

    static let group = "rbac.authorization.k8s.io"

    mutating func read(_ text: String) {
        var open = ""
        for part in text.split(separator: "\n") {
            let line = open + (open.isEmpty ? part : part.drop { $0 == " " })
            guard !line.hasSuffix(",") else {
                open = line
                continue
            }
            open = ""
            let words = line.split(separator: " ").map(String.init)
            guard let first = words.first else { continue }
            if line.first == " " { readWithinRole(words); continue }
            switch first {
            case "clusterrole": start(words[1])
            case "controller":
                let name = "system:controller:\(words[1])"
                start(name)
                bind(name, to: ["ServiceAccount:kube-system/\(words[1])"])
            case "role": startRole(words[1])
            case "bind": bind(words)
            default: preconditionFailure("bootstrap policy: \(line)")
            }
        }
    }

    private mutating func start(_ name: String) {
        isInRole = false
        clusterRoles.append(RbacV1.ClusterRole { $0.metadata = Self.metadata(name) })
    }

    private mutating func startRole(_ path: String) {
        isInRole = true
        roles.append(RbacV1.Role { $0.metadata = Self.metadata(path) })
    }

    private mutating func readWithinRole(_ words: [String]) {
        switch words[0] {
        case "gathers":
            clusterRoles[clusterRoles.count - 1].aggregationRule = RbacV1.AggregationRule {
                $0.clusterRoleSelectors = [
                    MetaV1.LabelSelector { $0.matchLabels = [Self.label(words[1]): "true"] }
                ]
            }
        case "label":
            clusterRoles[clusterRoles.count - 1].metadata.labels[Self.label(words[1])] = "true"
        case "events": add(rule: ["create,patch,update", "core,events.k8s.io:", "events"])
        default: add(rule: words)
        }
    }

    private mutating func add(rule words: [String]) {
        precondition(words.count == 3 || (words.count == 5 && words[3] == "named"),
                     "bootstrap policy: \(words)")
        let verbs = Self.list(words[0]).flatMap { Self.verbs[$0] ?? [$0] }.sorted()
        let view = RbacV1.PolicyRule { rule in
            rule.verbs = verbs
            if words[1] == "url:" {
                rule.nonResourceURLs = Self.list(words[2])
                return
            }
            rule.apiGroups = Self.list(String(words[1].dropLast())).map { $0 == "core" ? "" : $0 }
                .sorted()
            rule.resources = Self.list(words[2]).sorted()
            rule.resourceNames = words.count == 5 ? Self.list(words[4]) : []
        }
        if isInRole {
            roles[roles.count - 1].rules.append(view)
        } else {
            clusterRoles[clusterRoles.count - 1].rules.append(view)
        }
    }

    private mutating func bind(_ words: [String]) {
        guard let to = words.firstIndex(of: "to") else {
            preconditionFailure("bootstrap policy: \(words)")
        }
        let subjects = Array(words[(to + 1)...])
        guard words[2] == "of" else { return bind(words[1], to: subjects) }
        roleBindings.append(RbacV1.RoleBinding {
            $0.metadata = Self.metadata(words[1])
            $0.roleRef = Self.reference("Role", words[3])
            $0.subjects = subjects.map(Self.subject)
        })
    }

    private mutating func bind(_ name: String, to subjects: [String]) {
        clusterRoleBindings.append(RbacV1.ClusterRoleBinding {
            $0.metadata = Self.metadata(name)
            $0.roleRef = Self.reference("ClusterRole", name)
            $0.subjects = subjects.map(Self.subject)
        })
    }
}

extension PolicyTextReader {
    private static let verbs = [
        "read": ["get", "list", "watch"],
        "write": ["create", "delete", "deletecollection", "patch", "update"],
    ]

    private static func list(_ text: String) -> [String] {
        text.split(separator: ",").map(String.init)
    }

    private static func label(_ name: String) -> String { "\(group)/aggregate-to-\(name)" }

    /// Of `NAME` or `NAMESPACE/NAME`.
    private static func metadata(_ path: String) -> MetaV1.ObjectMeta {
        let parts = path.split(separator: "/", maxSplits: 1).map(String.init)
        return MetaV1.ObjectMeta {
            if parts.count > 1 { $0.namespace = parts[0] }
            $0.name = parts[parts.count - 1]
            $0.labels = ["kubernetes.io/bootstrapping": "rbac-defaults"]
            $0.annotations = [BootstrapPolicy.autoUpdate: "true"]
        }
    }

    private static func reference(_ kind: String, _ name: String) -> RbacV1.RoleRef {
        RbacV1.RoleRef {
            $0.apiGroup = group
            $0.kind = kind
            $0.name = name
        }
    }

    /// Of `Group:NAME`, `User:NAME` or `ServiceAccount:NAMESPACE/NAME`.
    private static func subject(_ text: String) -> RbacV1.Subject {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        return RbacV1.Subject {
            $0.kind = parts[0]
            guard parts[0] == "ServiceAccount" else {
                $0.apiGroup = group
                $0.name = parts[1]
                return
            }
            let account = parts[1].split(separator: "/").map(String.init)
            $0.namespace = account[0]
            $0.name = account[1]
        }
    }
}
