import Kubernetes
import Wire

/// What an object of its own namespace a pod needs on its node: the names that its specification
/// mentions, wherever they stand.
struct PodReferences {
    private(set) var secrets: Set<String> = []
    private(set) var configMaps: Set<String> = []
    private(set) var claims: Set<String> = []
    private(set) var resourceClaims: Set<String> = []
    private(set) var serviceAccount = ""

    /// A pod that mirrors a file of its node refers to nothing: the node has made it, and must not
    /// give itself rights.
    init(_ pod: CoreV1.Pod) {
        guard pod.metadata.annotations["kubernetes.io/config.mirror"] == nil else { return }
        serviceAccount = pod.spec.serviceAccountName
        look(at: pod.spec.tree)
        for volume in pod.spec.volumes {
            if let claim = volume.volumeSource.persistentVolumeClaim {
                claims.insert(claim.claimName)
            } else if volume.volumeSource.ephemeral != nil {
                claims.insert("\(pod.metadata.name)-\(volume.name)")
            }
        }
        for claim in pod.spec.resourceClaims {
            if let name = claim.resourceClaimName { resourceClaims.insert(name) }
        }
        for status in pod.status.resourceClaimStatuses {
            if let name = status.resourceClaimName { resourceClaims.insert(name) }
        }
    }

    /// Collects secrets and config maps by the schema. A reference stands inlined in a message
    /// that says by its type what it is about; every other one in a pod is to a secret.
    private mutating func look(at message: Message) {
        message.forEachField { field, value in
            if case .string(let name) = value, field.name == "secretName" { secrets.insert(name) }
            guard case .message(let inner) = value else { return }
            guard let reference = CoreV1.LocalObjectReference(inner) else { return look(at: inner) }
            if field.isInline, message.type.kind.hasPrefix("ConfigMap") {
                configMaps.insert(reference.name)
            } else {
                secrets.insert(reference.name)
            }
        }
    }
}

/// The secrets that a node needs for a volume, by namespace and name.
struct VolumeReferences {
    struct Secret: Hashable {
        let namespace: String
        let name: String
    }

    private(set) var secrets: Set<Secret> = []

    init(_ volume: CoreV1.PersistentVolume) {
        guard let claim = volume.spec.claimRef else { return }
        look(at: volume.spec.tree, claim.namespace)
    }

    /// Secrets without a namespace are in that of the claim. Those that only controllers use are
    /// none of the node's business.
    private mutating func look(at message: Message, _ namespace: String) {
        message.forEachField { field, value in
            guard case .message(let inner) = value, field.name != "claimRef",
                !field.name.hasPrefix("controller")
            else { return }
            if let secret = CoreV1.SecretReference(inner) {
                insert(secret.namespace, secret.name, else: namespace)
            } else if let secret = CoreV1.ObjectReference(inner) {
                insert(secret.namespace, secret.name, else: namespace)
            } else if let file = CoreV1.AzureFilePersistentVolumeSource(inner) {
                insert(file.secretNamespace ?? "", file.secretName, else: namespace)
            } else {
                look(at: inner, namespace)
            }
        }
    }

    private mutating func insert(_ given: String, _ name: String, else namespace: String) {
        secrets.insert(Secret(namespace: given.isEmpty ? namespace : given, name: name))
    }
}

extension Message {
    /// Lends each field's value, and of lists each element.
    fileprivate func forEachField(_ body: (Field, Value) -> Void) {
        for (number, value) in contents {
            guard let field = type.field(number) else { continue }
            if case .list(let elements) = value {
                for element in elements { body(field, element) }
            } else {
                body(field, value)
            }
        }
    }
}
