import APIErrors
import Authentication
import Wire

/// What nodes may do: of objects that pods need, those which their own pods need; of nodes, leases
/// and the like, their own; of everything else what the bootstrap role `system:node` allows.
///
/// - Source: Kubernetes' node authorizer, whose words the reasons are.
struct NodeAuthorizer {
    let relations: any NodeRelations

    func verdict(on asked: Attributes) -> Verdict {
        guard let node = asked.user.nodeName else { return Verdict(.noOpinion) }
        guard !node.isEmpty else {
            return .refuse("unknown node for user \(asked.user.name.quoted)")
        }
        if asked.isResourceRequest, let verdict = special(asked, node) { return verdict }
        return Self.matchers.contains { $0.allows(asked) } ? .allow : .refuse("")
    }

    private static let matchers = BootstrapPolicy.rules(ofClusterRole: "system:node")
        .map(RuleMatcher.init)

    /// Nil for resources on which all nodes have the same rights.
    private func special(_ asked: Attributes, _ node: String) -> Verdict? {
        switch (asked.apiGroup, asked.resource) {
        case ("", "secrets"): read(.secret, asked, node)
        case ("", "configmaps"): read(.configMap, asked, node)
        case ("", "persistentvolumeclaims"):
            asked.subresource == "status" ? updateStatus(asked, node) : get(.claim, asked, node)
        case ("", "persistentvolumes"): get(.volume, asked, node)
        case ("", "serviceaccounts"): account(asked, node)
        case ("", "nodes"): ownNode(asked, node)
        case ("", "pods"): pod(asked, node)
        case ("coordination.k8s.io", "leases"): lease(asked, node)
        case ("storage.k8s.io", "volumeattachments"): get(.attachment, asked, node)
        case ("storage.k8s.io", "csinodes"): csiNode(asked, node)
        case ("resource.k8s.io", "resourceclaims"): get(.resourceClaim, asked, node)
        case ("resource.k8s.io", "resourceslices"): slice(asked, node)
        default: nil
        }
    }

    private func related(_ object: NodeObject, _ asked: Attributes, _ node: String) -> Verdict {
        guard !asked.name.isEmpty else { return .refuse("No Object name found") }
        guard relations.relates(object, asked.namespace, asked.name, to: node) else {
            return .refuse("no relationship found between node '\(node)' and this object")
        }
        return .allow
    }

    private func get(_ object: NodeObject, _ asked: Attributes, _ node: String) -> Verdict {
        guard asked.verb == "get" else {
            return .refuse("can only get individual resources of this type")
        }
        guard asked.subresource.isEmpty else { return .refuse("cannot get subresource") }
        return related(object, asked, node)
    }

    private func read(_ object: NodeObject, _ asked: Attributes, _ node: String) -> Verdict {
        guard asked.isRead else { return .refuse("can only read resources of this type") }
        guard asked.subresource.isEmpty else { return .refuse("cannot read subresource") }
        guard !asked.namespace.isEmpty else {
            return .refuse("can only read namespaced object of this type")
        }
        return related(object, asked, node)
    }

    private func updateStatus(_ asked: Attributes, _ node: String) -> Verdict {
        guard ["update", "patch"].contains(asked.verb) else {
            return .refuse("can only get/update/patch this type")
        }
        return related(.claim, asked, node)
    }

    private func account(_ asked: Attributes, _ node: String) -> Verdict {
        if asked.verb == "get", asked.subresource.isEmpty {
            return get(.serviceAccount, asked, node)
        }
        guard asked.verb == "create", !asked.name.isEmpty else {
            return .refuse("can only create tokens for individual service accounts")
        }
        guard asked.subresource == "token" else {
            return .refuse("can only create token subresource of serviceaccount")
        }
        return related(.serviceAccount, asked, node)
    }

    /// Whether the node that is written is its own is looked at when it is: see
    /// ``NodeRestriction``. Names are compared, so that a node can look for itself before it is
    /// there.
    private func ownNode(_ asked: Attributes, _ node: String) -> Verdict {
        switch (asked.subresource, asked.verb) {
        case ("", "create"), ("", "update"), ("", "patch"), ("status", "update"),
            ("status", "patch"): .allow
        case ("", _) where asked.isRead:
            switch asked.name {
            case node: .allow
            case "": .refuse("node '\(node)' cannot read all nodes, only its own Node object")
            default:
                .refuse("node '\(node)' cannot read '\(asked.name)', only its own Node object")
            }
        default: .refuse("")
        }
    }

    private func pod(_ asked: Attributes, _ node: String) -> Verdict {
        switch (asked.subresource, asked.verb) {
        case ("", "create"), ("", "delete"), ("status", "update"), ("status", "patch"),
            ("eviction", "create"): .allow
        case ("", "get"): get(.pod, asked, node)
        case ("", "list"), ("", "watch"):
            if asked.selects("spec.nodeName", node) {
                .allow
            } else if !asked.name.isEmpty {
                related(.pod, asked, node)
            } else {
                .refuse("can only list/watch pods with spec.nodeName field selector")
            }
        default: .refuse("")
        }
    }

    private func lease(_ asked: Attributes, _ node: String) -> Verdict {
        guard asked.isOwnWrite else {
            return .refuse("can only get, create, update, patch, or delete a node lease")
        }
        guard asked.namespace == NodeRestriction.leaseNamespace else {
            return .refuse(NodeRestriction.otherLeaseNamespace)
        }
        // The name of what is created is not known yet.
        guard asked.verb == "create" || asked.name == node else {
            return .refuse(NodeRestriction.otherLease)
        }
        return .allow
    }

    private func csiNode(_ asked: Attributes, _ node: String) -> Verdict {
        guard asked.isOwnWrite else {
            return .refuse("can only get, create, update, patch, or delete a CSINode")
        }
        guard asked.subresource.isEmpty else {
            return .refuse("cannot authorize CSINode subresources")
        }
        guard asked.verb == "create" || asked.name == node else {
            return .refuse(NodeRestriction.otherCSINode)
        }
        return .allow
    }

    private func slice(_ asked: Attributes, _ node: String) -> Verdict {
        guard asked.subresource.isEmpty else {
            return .refuse("cannot authorize ResourceSlice subresources")
        }
        switch asked.verb {
        case "create": return .allow
        case "get", "update", "patch", "delete": return related(.slice, asked, node)
        case "watch", "list", "deletecollection":
            return asked.selects("nodeName", node) ? .allow : .refuse(
                "can only list/watch/deletecollection resourceslices with nodeName field selector")
        default:
            return .refuse("only the following verbs are allowed for a ResourceSlice: get, watch, "
                + "list, create, update, patch, delete, deletecollection")
        }
    }
}

extension Verdict {
    fileprivate static let allow = Verdict(.allow)

    fileprivate static func refuse(_ reason: String) -> Verdict {
        Verdict(.noOpinion, reason: reason)
    }
}

extension Attributes {
    fileprivate var isRead: Bool { ["get", "list", "watch"].contains(verb) }

    fileprivate var isOwnWrite: Bool {
        ["get", "create", "update", "patch", "delete"].contains(verb)
    }

    /// Whether only objects are asked for of which a field has this value.
    fileprivate func selects(_ field: String, _ value: String) -> Bool {
        fieldRequirements.contains { $0.field == field && $0.value == value && !$0.isNegated }
    }
}
