public import Kubernetes

/// What the node authorizer must know of the objects that there are.
public protocol NodeRelations: Sendable {
    /// The pods of a namespace that are bound to a node.
    func pods(on node: String, in namespace: String) -> [CoreV1.Pod]
    func isPod(_ name: String, in namespace: String, on node: String) -> Bool
    func claim(_ name: String, in namespace: String) -> CoreV1.PersistentVolumeClaim?
    func volume(_ name: String) -> CoreV1.PersistentVolume?
    /// The node that a volume attachment is about.
    func node(ofAttachment name: String) -> String?
    /// The node that a resource slice is of.
    func node(ofSlice name: String) -> String?
}

/// A cluster without any objects.
public struct NoRelations: NodeRelations {
    public init() {}
    public func pods(on node: String, in namespace: String) -> [CoreV1.Pod] { [] }
    public func isPod(_ name: String, in namespace: String, on node: String) -> Bool { false }
    public func claim(_ name: String, in namespace: String) -> CoreV1.PersistentVolumeClaim? { nil }
    public func volume(_ name: String) -> CoreV1.PersistentVolume? { nil }
    public func node(ofAttachment name: String) -> String? { nil }
    public func node(ofSlice name: String) -> String? { nil }
}

/// An object that a node may have to do with.
enum NodeObject {
    case pod, secret, configMap, claim, volume, attachment, resourceClaim, serviceAccount, slice
}

extension NodeRelations {
    /// Whether an object is related to a node: bound to it, or needed by a pod that is.
    ///
    /// - Complexity: O(pods of the node in the namespace), which are decoded.
    func relates(
        _ object: NodeObject, _ namespace: String, _ name: String, to node: String
    ) -> Bool {
        switch object {
        case .pod: isPod(name, in: namespace, on: node)
        case .attachment: self.node(ofAttachment: name) == node
        case .slice: self.node(ofSlice: name) == node
        case .volume: isVolume(name, neededOn: node)
        case .secret: isSecret(name, in: namespace, neededOn: node)
        case .configMap: references(node, namespace).contains { $0.configMaps.contains(name) }
        case .claim: references(node, namespace).contains { $0.claims.contains(name) }
        case .resourceClaim:
            references(node, namespace).contains { $0.resourceClaims.contains(name) }
        case .serviceAccount: references(node, namespace).contains { $0.serviceAccount == name }
        }
    }

    private func references(_ node: String, _ namespace: String) -> [PodReferences] {
        pods(on: node, in: namespace).map(PodReferences.init)
    }

    /// A volume is needed where the claim is needed that it is bound to.
    private func isVolume(_ name: String, neededOn node: String) -> Bool {
        guard let claim = volume(name)?.spec.claimRef else { return false }
        return references(node, claim.namespace).contains { $0.claims.contains(claim.name) }
    }

    /// A secret is needed by a pod, or by a volume of one: then it is in the namespace that the
    /// volume says, which is mostly that of its claim.
    private func isSecret(_ name: String, in namespace: String, neededOn node: String) -> Bool {
        let references = references(node, namespace)
        if references.contains(where: { $0.secrets.contains(name) }) { return true }
        let wanted = VolumeReferences.Secret(namespace: namespace, name: name)
        return references.flatMap(\.claims).contains { claim in
            guard let bound = self.claim(claim, in: namespace)?.spec.volumeName,
                let volume = volume(bound), let back = volume.spec.claimRef,
                back.namespace == namespace, back.name == claim
            else { return false }
            return VolumeReferences(volume).secrets.contains(wanted)
        }
    }
}
