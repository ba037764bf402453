import Kubernetes
import Wire

extension TableLayout {
    static var storageLayouts: Entries {
        [
            of(CoreV1.PersistentVolume.self, [
                .name, .string("Capacity") { $0.subject.spec.capacity["storage"]?.text ?? "" },
                .string("Access Modes") { $0.subject.spec.accessModes.shownModes },
                .string("Reclaim Policy") { $0.subject.spec.persistentVolumeReclaimPolicy },
                .string("Status") {
                    $0.metadata.deletionTimestamp == nil ? $0.subject.status.phase : "Terminating"
                },
                .string("Claim") { row in
                    row.subject.spec.claimRef.map { "\($0.namespace)/\($0.name)" } ?? ""
                },
                .string("StorageClass") {
                    $0.metadata.annotations[storageClass] ?? $0.subject.spec.storageClassName
                },
                .string("VolumeAttributesClass") {
                    $0.subject.spec.volumeAttributesClassName ?? unset
                },
                .string("Reason") { $0.subject.status.reason }, .age,
                Column.string("VolumeMode") { $0.subject.spec.volumeMode ?? unset }.wide,
            ]),
            of(CoreV1.PersistentVolumeClaim.self, [
                .name,
                .string("Status") {
                    $0.metadata.deletionTimestamp == nil ? $0.subject.status.phase : "Terminating"
                },
                .string("Volume") { $0.subject.spec.volumeName },
                .string("Capacity") {
                    $0.subject.spec.volumeName.isEmpty
                        ? "" : $0.subject.status.capacity["storage"]?.text ?? "0"
                },
                .string("Access Modes") {
                    $0.subject.spec.volumeName.isEmpty
                        ? "" : $0.subject.status.accessModes.shownModes
                },
                .string("StorageClass") {
                    $0.metadata.annotations[storageClass] ?? $0.subject.spec.storageClassName ?? ""
                },
                .string("VolumeAttributesClass") {
                    $0.subject.spec.volumeAttributesClassName ?? unset
                },
                .age, Column.string("VolumeMode") { $0.subject.spec.volumeMode ?? unset }.wide,
            ]),
            of(StorageV1.StorageClass.self, [
                .name { row in
                    let keys = ["storageclass.kubernetes.io/is-default-class",
                                "storageclass.beta.kubernetes.io/is-default-class"]
                    let isDefault = keys.contains { row.metadata.annotations[$0] == "true" }
                    return row.metadata.name + (isDefault ? " (default)" : "")
                },
                .string("Provisioner") { $0.subject.provisioner },
                .string("ReclaimPolicy") { $0.subject.reclaimPolicy ?? "Delete" },
                .string("VolumeBindingMode") { $0.subject.volumeBindingMode ?? unset },
                Column(definition: TableColumn(name: "AllowVolumeExpansion", kind: .string)) {
                    .bool($0.subject.allowVolumeExpansion ?? false)
                },
                .age,
            ]),
            of(StorageV1.VolumeAttributesClass.self, [
                .name, .string("DriverName") { $0.subject.driverName }, .age,
            ]),
            of(StorageV1.CSINode.self, [
                .name, .integer("Drivers") { $0.subject.spec.drivers.count }, .age,
            ]),
            of(StorageV1.CSIDriver.self, [
                .name, .boolean("AttachRequired") { $0.subject.spec.attachRequired ?? true },
                .boolean("PodInfoOnMount") { $0.subject.spec.podInfoOnMount ?? false },
                .boolean("StorageCapacity") { $0.subject.spec.storageCapacity ?? false },
                .string("TokenRequests") {
                    $0.subject.spec.tokenRequests.map(\.audience).joined.or(unset)
                },
                .boolean("RequiresRepublish") { $0.subject.spec.requiresRepublish ?? false },
                .string("Modes") { $0.subject.spec.volumeLifecycleModes.joined.or(nothing) }, .age,
            ]),
            of(StorageV1.VolumeAttachment.self, [
                .name, .string("Attacher") { $0.subject.spec.attacher },
                .string("PV") { $0.subject.spec.source.persistentVolumeName ?? "" },
                .string("Node") { $0.subject.spec.nodeName },
                .boolean("Attached") { $0.subject.status.attached }, .age,
            ]),
        ]
    }

    private static let storageClass = "volume.beta.kubernetes.io/storage-class"
}

extension [String] {
    /// Access modes in short: `RWO,ROX`, each once and in a fixed order.
    fileprivate var shownModes: String {
        let short = [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"),
                     ("ReadWriteOncePod", "RWOP")]
        return short.filter { contains($0.0) }.map(\.1).joined
    }
}
