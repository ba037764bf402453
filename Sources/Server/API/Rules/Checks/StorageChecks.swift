internal import Kubernetes
internal import Wire

/// Rules of volumes, claims and their classes.
enum StorageChecks {
    private static let accessModes = [
        "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod",
    ]

    static let tables: [TypeChecks] = [
        checks(CoreV1.PersistentVolumeClaim.self, .each("spec")),
        checks(CoreV1.PersistentVolumeClaimSpec.self,
            .required("accessModes", "at least 1 access mode is required"), .each("selector"),
            .rule { (spec: CoreV1.PersistentVolumeClaimSpec, report) in
                modes(spec.accessModes, &report)
                let storage = spec.resources.requests["storage"]
                positive("resources[storage]", storage, &report)
            },
            .form("storageClassName", Syntax.dnsSubdomain),
            .oneOf("volumeMode", "Block", "Filesystem")),
        checks(CoreV1.PersistentVolume.self, .each("spec")),
        checks(CoreV1.PersistentVolumeSpec.self,
            .required("accessModes"), .rule(volume),
            .oneOf("persistentVolumeReclaimPolicy", "Delete", "Recycle", "Retain"),
            .rule(source), .form("storageClassName", Syntax.dnsSubdomain),
            .oneOf("volumeMode", "Block", "Filesystem")),
        checks(StorageV1.StorageClass.self,
            .form("provisioner", { Syntax.qualifiedName($0.lowercased()) }, isRequired: true),
            .oneOf("reclaimPolicy", "Delete", "Retain", isRequired: true),
            .oneOf("volumeBindingMode", "Immediate", "WaitForFirstConsumer", isRequired: true)),
        checks(StorageV1.CSIDriver.self, .each("spec")),
        checks(StorageV1.CSIDriverSpec.self, .oneOf("fsGroupPolicy", "File", "None",
            "ReadWriteOnceWithFSType")),
        checks(StorageV1.VolumeAttachment.self, .each("spec")),
        checks(StorageV1.VolumeAttachmentSpec.self,
            .form("attacher", { Syntax.qualifiedName($0.lowercased()) }, isRequired: true),
            .required("nodeName"), .each("source")),
        checks(StorageV1.VolumeAttachmentSource.self,
            .rule { (source: StorageV1.VolumeAttachmentSource, report) in
                let isInline = source.inlineVolumeSpec != nil
                if !isInline, source.persistentVolumeName == nil {
                    report.required(nil, "must specify exactly one of inlineVolumeSpec and "
                        + "persistentVolumeName")
                }
            }),
    ]

    private static func modes(_ modes: [String], _ report: inout Report) {
        for mode in modes where !accessModes.contains(mode) {
            report.notSupported("accessModes", mode, accessModes)
        }
        if modes.contains("ReadWriteOncePod"), modes.count > 1 {
            report.forbidden("accessModes",
                "may not use ReadWriteOncePod with other access modes")
        }
    }

    private static func positive(
        _ field: String, _ quantity: Quantity?, _ report: inout Report
    ) {
        guard let quantity else { return report.required(field) }
        if quantity.sign <= 0 {
            report.invalid(field, quantity.text, "must be greater than zero")
        }
    }

    @Sendable private static func volume(
        _ spec: CoreV1.PersistentVolumeSpec, _ report: inout Report
    ) {
        modes(spec.accessModes, &report)
        let capacity = spec.capacity
        if capacity.isEmpty { report.required("capacity") }
        if capacity["storage"] == nil || capacity.count > 1 {
            report.notSupported("capacity", JSONValue(spec.tree["capacity"]), ["storage"])
        }
        for (name, quantity) in capacity.sorted(by: { $0.key.precedes($1.key) }) {
            positive("capacity[\(name)]", quantity, &report)
        }
    }

    @Sendable private static func source(
        _ spec: CoreV1.PersistentVolumeSpec, _ report: inout Report
    ) {
        VolumeChecks.oneSource(of: spec.persistentVolumeSource.tree, &report)
        if let path = spec.persistentVolumeSource.hostPath?.path, path.isEmpty {
            report.required("hostPath.path")
        }
    }
}
