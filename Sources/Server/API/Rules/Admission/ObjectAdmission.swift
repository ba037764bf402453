internal import Kubernetes
public import Wire

/// What Kubernetes' built-in admission adds to other kinds than pods when they are created.
public enum ObjectAdmission {
    /// Protects volumes and claims that are in use, and marks a new node as not ready.
    public static func applyOnCreate(to tree: inout Message) {
        switch tree.type {
        case CoreV1.PersistentVolume.messageType:
            addFinalizer("kubernetes.io/pv-protection", to: &tree)
        case CoreV1.PersistentVolumeClaim.messageType:
            addFinalizer("kubernetes.io/pvc-protection", to: &tree)
        case CoreV1.Node.messageType: addNotReadyTaint(to: &tree)
        default: break
        }
    }

    private static func addFinalizer(_ name: String, to tree: inout Message) {
        tree.modify("metadata") { (metadata: inout MetaV1.ObjectMeta) in
            if !metadata.finalizers.contains(name) { metadata.finalizers.append(name) }
        }
    }

    private static func addNotReadyTaint(to tree: inout Message) {
        tree.modify("spec") { (spec: inout CoreV1.NodeSpec) in
            let taint = CoreV1.Taint {
                $0.key = "node.kubernetes.io/not-ready"
                $0.effect = "NoSchedule"
            }
            let isThere = spec.taints.contains { $0.key == taint.key && $0.effect == taint.effect }
            if !isThere { spec.taints.append(taint) }
        }
    }
}
