internal import APIErrors
public import Authentication
public import Kubernetes

/// What a node may write: of nodes itself, and not what steers pods to it; of pods those that
/// mirror its files, and the status of those bound to it.
///
/// - Source: Kubernetes' admission plugin NodeRestriction, whose words the refusals are.
public struct NodeRestriction: Sendable {
    /// Why a write is refused, in words for a 403.
    public typealias Refusal = String

    public let node: String

    /// Nil if a user is no node.
    public init?(of user: UserInfo) {
        guard let node = user.nodeName else { return nil }
        self.node = node
    }

    /// - Parameter name: Of the request's path; of what is created, its own.
    public func refusal(
        of new: CoreV1.Node, replacing old: CoreV1.Node?, named name: String
    ) -> Refusal? {
        guard name == node else {
            return "node \(node.quoted) is not allowed to modify node \(name.quoted)"
        }
        let changed = Self.changes(new.metadata.labels, old?.metadata.labels ?? [:])
            .filter { !Self.isNodesOwn(label: $0) }.sorted().joined(separator: ", ")
        guard let old else {
            return changed.isEmpty ? nil
                : "node \(node.quoted) is not allowed to set the following labels: \(changed)"
        }
        if new.spec.taints != old.spec.taints {
            return "node \(node.quoted) is not allowed to modify taints"
        }
        return changed.isEmpty ? nil : "is not allowed to modify labels: \(changed)"
    }

    /// A pod that a node creates mirrors one of its files, belongs to it and refers to nothing.
    ///
    /// - Parameter uid: Of the node.
    public func refusal(of pod: CoreV1.Pod, uid: String) -> Refusal? {
        let mine = "node \(node.quoted)"
        let mirror = "kubernetes.io/config.mirror"
        guard pod.metadata.annotations[mirror] != nil else {
            return "pod does not have \(mirror.quoted) annotation, "
                + "\(mine) can only create mirror pods"
        }
        guard pod.spec.nodeName == node else {
            return "\(mine) can only create pods with spec.nodeName set to itself"
        }
        let owners = pod.metadata.ownerReferences
        guard owners.count <= 1 else {
            return "\(mine) can only create pods with a single owner reference set to itself"
        }
        guard let owner = owners.first, owner.apiVersion == "v1", owner.kind == "Node",
            owner.name == node
        else { return "\(mine) can only create pods with an owner reference set to itself" }
        guard owner.controller == true else {
            return "\(mine) can only create pods with a controller owner reference set to itself"
        }
        if owner.blockOwnerDeletion == true {
            return "\(mine) must not set blockOwnerDeletion on an owner reference"
        }
        if owner.uid != uid {
            return "node \(node) UID mismatch: expected \(owner.uid) got \(uid)"
        }
        return Self.reference(of: pod).map { "\(mine) can not create pods that reference \($0)" }
    }

    /// What a pod refers to though it must not.
    private static func reference(of pod: CoreV1.Pod) -> String? {
        var plain = pod
        plain.metadata.annotations = [:]
        let references = PodReferences(plain)
        if !references.serviceAccount.isEmpty { return "a service account" }
        if !references.secrets.isEmpty { return "secrets" }
        if !references.configMaps.isEmpty { return "configmaps" }
        let sources = pod.spec.volumes.flatMap { $0.volumeSource.projected?.sources ?? [] }
        let bundles = sources.compactMap(\.clusterTrustBundle)
        if !bundles.isEmpty { return "clustertrustbundles" }
        return references.claims.isEmpty ? nil : "persistentvolumeclaims"
    }

    public func refusal(ofStatus new: CoreV1.Pod, replacing old: CoreV1.Pod) -> Refusal? {
        guard old.spec.nodeName == node else {
            return "node \(node.quoted) can only update pod status for pods with spec.nodeName "
                + "set to itself"
        }
        guard old.metadata.labels == new.metadata.labels else {
            return "node \(node.quoted) cannot update labels through pod status"
        }
        return old.status.resourceClaimStatuses == new.status.resourceClaimStatuses ? nil
            : "node \(node.quoted) cannot update resource claim statues"
    }

    public func refusal(ofDeleting pod: CoreV1.Pod) -> Refusal? {
        pod.spec.nodeName == node ? nil
            : "node \(node.quoted) can only delete pods with spec.nodeName set to itself"
    }

    public func refusal(ofEvicting pod: CoreV1.Pod) -> Refusal? {
        pod.spec.nodeName == node ? nil
            : "node \(node) can only evict pods with spec.nodeName set to itself"
    }

    static let leaseNamespace = "kube-node-lease"
    static let otherLeaseNamespace =
        "can only access leases in the \(leaseNamespace.quoted) system namespace"
    static let otherLease = "can only access node lease with the same name as the requesting node"
    static let otherCSINode = "can only access CSINode with the same name as the requesting node"

    /// A lease or CSINode that a node creates has its name.
    public func refusal(ofLease name: String, in namespace: String) -> Refusal? {
        if namespace != Self.leaseNamespace { return Self.otherLeaseNamespace }
        return name == node ? nil : Self.otherLease
    }

    public func refusal(ofCSINode name: String) -> Refusal? {
        name == node ? nil : Self.otherCSINode
    }

    /// A token that a node asks for is bound to a pod of its own.
    ///
    /// - Parameter pod: The pod of that name, if there is one.
    public func refusal(
        ofTokenBoundTo bound: AuthenticationV1.BoundObjectReference?, pod: CoreV1.Pod?
    ) -> Refusal? {
        guard let bound, bound.apiVersion == "v1", bound.kind == "Pod", !bound.name.isEmpty else {
            return "node requested token not bound to a pod"
        }
        if bound.uid.isEmpty { return "node requested token with a pod binding without a uid" }
        guard let pod else { return nil }  // Which is 404.
        if bound.uid != pod.metadata.uid {
            return "the UID in the bound object reference (\(bound.uid)) does not match the UID in "
                + "record. The object might have been deleted and then recreated"
        }
        return pod.spec.nodeName == node ? nil
            : "node requested token bound to a pod scheduled on a different node"
    }

    // MARK: Labels

    private static func changes(_ new: [String: String], _ old: [String: String]) -> Set<String> {
        Set(new.keys).union(old.keys).filter { new[$0] != old[$0] }
    }

    /// Whether a node may set a label on itself: any but Kubernetes', of which it has some.
    private static func isNodesOwn(label: String) -> Bool {
        let parts = label.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let domain = parts.count == 2 ? String(parts[0]) : ""
        func isWithin(_ other: String) -> Bool { domain == other || domain.hasSuffix(".\(other)") }
        if isWithin("node-restriction.kubernetes.io") { return false }
        guard isWithin("kubernetes.io") || isWithin("k8s.io") else { return true }
        return ownLabels.contains(label) || isWithin("kubelet.kubernetes.io")
            || isWithin("node.kubernetes.io")
    }

    private static let ownLabels: Set<String> = [
        "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch",
        "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
        "node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type",
        "beta.kubernetes.io/os", "beta.kubernetes.io/arch",
    ]
}

extension UserInfo {
    /// The node that this user is; nil if it is none, empty if it does not say which.
    var nodeName: String? {
        guard groups.contains(Group.nodes), name.hasPrefix(Name.nodePrefix) else { return nil }
        return String(name.dropFirst(Name.nodePrefix.utf8.count))
    }
}
