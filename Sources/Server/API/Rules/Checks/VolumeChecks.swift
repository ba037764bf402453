internal import Kubernetes
internal import Wire

/// Rules of a pod's volumes, and of what containers mount of them.
enum VolumeChecks {
    static let tables: [TypeChecks] = [
        checks(CoreV1.VolumeSource.self, .rule { (source: CoreV1.VolumeSource, report) in
            oneSource(of: source.tree, &report)
        }, .each("hostPath", "secret", "configMap", "nfs", "persistentVolumeClaim", "projected",
            "downwardAPI", "csi", "ephemeral")),
        checks(CoreV1.HostPathVolumeSource.self, .required("path"),
            .rule { (source: CoreV1.HostPathVolumeSource, report) in
                report.descending("path", source.path, isRelative: false)
            },
            .oneOf("type", "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate",
                "File", "FileOrCreate", "Socket")),
        checks(CoreV1.SecretVolumeSource.self,
            .required("secretName"), .mode("defaultMode"), .each("items")),
        checks(CoreV1.ConfigMapVolumeSource.self,
            .rule { (source: CoreV1.ConfigMapVolumeSource, report) in
                if source.localObjectReference.name.isEmpty { report.required("name") }
            }, .mode("defaultMode"), .each("items")),
        checks(CoreV1.KeyToPath.self, .required("key"), .required("path"),
            .rule { (item: CoreV1.KeyToPath, report) in
                report.descending("path", item.path)
            }, .mode("mode")),
        checks(CoreV1.NFSVolumeSource.self, .required("server"), .required("path"),
            .rule { (source: CoreV1.NFSVolumeSource, report) in
                if !source.path.isEmpty, !source.path.hasPrefix("/") {
                    report.invalid("path", source.path, "must be an absolute path")
                }
            }),
        checks(CoreV1.PersistentVolumeClaimVolumeSource.self, .required("claimName")),
        checks(CoreV1.ProjectedVolumeSource.self, .mode("defaultMode"), .each("sources")),
        checks(CoreV1.VolumeProjection.self, .rule(projection),
            .each("secret", "configMap", "downwardAPI", "serviceAccountToken")),
        checks(CoreV1.SecretProjection.self,
            .rule { (source: CoreV1.SecretProjection, report) in
                if source.localObjectReference.name.isEmpty { report.required("name") }
            }, .each("items")),
        checks(CoreV1.ConfigMapProjection.self,
            .rule { (source: CoreV1.ConfigMapProjection, report) in
                if source.localObjectReference.name.isEmpty { report.required("name") }
            }, .each("items")),
        checks(CoreV1.ServiceAccountTokenProjection.self,
            .rule { (source: CoreV1.ServiceAccountTokenProjection, report) in
                if let seconds = source.expirationSeconds, seconds < 600 {
                    report.invalid("expirationSeconds", seconds,
                        "may not specify a duration less than 10 minutes")
                }
            }, .required("path")),
        checks(CoreV1.DownwardAPIVolumeSource.self, .mode("defaultMode"), .each("items")),
        checks(CoreV1.DownwardAPIProjection.self, .each("items")),
        checks(CoreV1.DownwardAPIVolumeFile.self, .required("path"), .rule(downwardFile),
            .mode("mode")),
        checks(CoreV1.CSIVolumeSource.self, .required("driver")),
        checks(CoreV1.EphemeralVolumeSource.self, .required("volumeClaimTemplate")),
    ]

    /// The volumes of a pod: each with its source and a name of its own. What is wrong with one
    /// hides it from the containers' mounts.
    @Sendable static func volumes(_ spec: CoreV1.PodSpec, _ report: inout Report) {
        report.podVolumes = Set(report.extraVolumes)
        report.each("volumes", of: spec.volumes) { report, volume in
            let mark = report.errors.count
            // What admission gives to nearly every pod shares one buffer: equal at a glance, sound.
            let source = volume.volumeSource
            if source != PodAdmission.tokenSource { Rules.check(source.tree, &report) }
            if volume.name.isEmpty {
                report.required("name")
            } else {
                report.invalid("name", volume.name, Syntax.dnsLabel(volume.name))
            }
            let isTaken = report.podVolumes.contains(volume.name)
                && !report.extraVolumes.contains(volume.name)
            if isTaken { report.duplicate("name", volume.name) }
            if report.isClean(since: mark) { report.podVolumes.insert(volume.name) }
        }
    }

    /// Exactly one source; Kubernetes reports all but the first, in its own order of them.
    static func oneSource(of tree: Message, _ report: inout Report) {
        if tree.isEmpty { return report.required(nil, "must specify a volume type") }
        if tree.contents.prefix(2).reduce(0, { count, _ in count + 1 }) == 1 { return }
        let given = tree.type.fields.filter { tree[$0.number] != nil }.sorted {
            rank($0.name) < rank($1.name)
        }
        for field in given.dropFirst() {
            report.forbidden(field.name, "may not specify more than 1 volume type")
        }
    }

    private static let order = [
        "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret",
        "nfs", "iscsi", "glusterfs", "flexVolume", "configMap", "rbd",
    ]
    private static func rank(_ name: String) -> Int { order.firstIndex(of: name) ?? order.count }

    @Sendable private static func projection(
        _ projection: CoreV1.VolumeProjection, _ report: inout Report
    ) {
        let given = projection.tree.type.fields.filter { projection.tree[$0.number] != nil }
        for field in given.dropFirst() {
            report.forbidden(field.name, "may not specify more than 1 volume type")
        }
    }

    private static let downwardFields = [
        "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace",
        "metadata.uid",
    ]

    @Sendable private static func downwardFile(
        _ file: CoreV1.DownwardAPIVolumeFile, _ report: inout Report
    ) {
        report.descending("path", file.path)
        switch (file.fieldRef, file.resourceFieldRef) {
        case (let field?, nil):
            report.at("fieldRef") {
                ContainerChecks.fieldSelector(field, downwardFields, &$0)
            }
        case (nil, let resource?):
            report.at("resourceFieldRef") { report in
                if resource.containerName.isEmpty { report.required("containerName") }
                Rules.check(resource.tree, &report)
            }
        case (.some, .some):
            report.invalid(nil, "resource",
                "fieldRef and resourceFieldRef can not be specified simultaneously")
        case (nil, nil): report.required(nil, "one of fieldRef and resourceFieldRef is required")
        }
    }

    // MARK: Mounts

    static let mounts = Check { binder in
        let number = binder.field("volumeMounts").number
        let devices = binder.field("volumeDevices").number
        return { message, report in
            guard case .list? = message[number] else { return }
            let devices: [CoreV1.VolumeDevice] = message.get(devices)
            var paths: Set<String> = []
            let mounts: [CoreV1.VolumeMount] = message.get(number)
            report.each("volumeMounts", of: mounts) { mount($1, devices, &paths, &$0) }
        }
    }

    private static func mount(
        _ mount: CoreV1.VolumeMount, _ devices: [CoreV1.VolumeDevice], _ paths: inout Set<String>,
        _ report: inout Report
    ) {
        if mount.name.isEmpty { report.required("name") }
        if !report.podVolumes.contains(mount.name) { report.notFound("name", mount.name) }
        if mount.mountPath.isEmpty { report.required("mountPath") }
        if !paths.insert(mount.mountPath).inserted {
            report.invalid("mountPath", mount.mountPath, "must be unique")
        }
        for device in devices {
            if device.name == mount.name {
                report.invalid("name", mount.name, "must not already exist in volumeDevices")
            }
            if device.devicePath == mount.mountPath {
                report.invalid("mountPath", mount.mountPath,
                    "must not already exist as a path in volumeDevices")
            }
        }
        report.descending("subPath", mount.subPath)
        report.descending("subPathExpr", mount.subPathExpr)
        if !mount.subPathExpr.isEmpty, !mount.subPath.isEmpty {
            report.invalid("subPathExpr", mount.subPathExpr,
                "subPathExpr and subPath are mutually exclusive")
        }
        if let propagation = mount.mountPropagation {
            report.oneOf(["Bidirectional", "HostToContainer", "None"], "mountPropagation",
                propagation)
        }
    }

    static let devices = Check { binder in
        let number = binder.field("volumeDevices").number
        return { message, report in
            guard case .list? = message[number] else { return }
            var paths: Set<String> = []
            let devices: [CoreV1.VolumeDevice] = message.get(number)
            report.each("volumeDevices", of: devices) { device($1, &paths, &$0) }
        }
    }

    private static func device(
        _ device: CoreV1.VolumeDevice, _ paths: inout Set<String>, _ report: inout Report
    ) {
        if device.name.isEmpty { report.required("name") }
        if !report.podVolumes.contains(device.name) { report.notFound("name", device.name) }
        if device.devicePath.isEmpty { report.required("devicePath") }
        if !paths.insert(device.devicePath).inserted {
            report.invalid("devicePath", device.devicePath, "must be unique")
        }
    }
}

extension Check {
    /// The bits of a file's mode.
    static func mode(_ name: String) -> Check {
        Check { binder in
            let number = binder.field(name).number
            return { message, report in
                guard case .int(let mode)? = message[number], !(0...0o777).contains(mode)
                else { return }
                report.invalid(name, Int(mode),
                    "must be a number between 0 and 0777 (octal), both inclusive")
            }
        }
    }
}

extension Report {
    /// A path that does not climb up.
    mutating func descending(_ field: String, _ path: String, isRelative: Bool = true) {
        if path.isEmpty { return }
        if isRelative, path.utf8.first == UInt8(ascii: "/") {
            invalid(field, path, "must be a relative path")
        }
        guard path.utf8.contains(UInt8(ascii: ".")) else { return }
        if path.split(separator: "/").contains("..") {
            invalid(field, path, "must not contain '..'")
        }
    }
}
