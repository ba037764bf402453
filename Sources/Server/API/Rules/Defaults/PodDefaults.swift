internal import Kubernetes
internal import Wire

/// Defaults of pods and of what is in them, wherever a pod template stands.
enum PodDefaults {
    static let tables: [TypeDefaults] = [
        defaults(CoreV1.Pod.self, ["spec": .empty(CoreV1.PodSpec.self)], then: pod),
        defaults(CoreV1.PodSpec.self, [
            "dnsPolicy": "ClusterFirst", "restartPolicy": "Always",
            "securityContext": .empty(CoreV1.PodSecurityContext.self),
            "terminationGracePeriodSeconds": 30, "schedulerName": "default-scheduler",
        ], then: serviceAccount),
        defaults(CoreV1.Container.self, containerValues) { container in
            if container.imagePullPolicy.isEmpty {
                container.imagePullPolicy = pullPolicy(of: container.image)
            }
        },
        defaults(CoreV1.EphemeralContainerCommon.self, containerValues) { container in
            if container.imagePullPolicy.isEmpty {
                container.imagePullPolicy = pullPolicy(of: container.image)
            }
        },
        defaults(CoreV1.ContainerPort.self, ["protocol": "TCP"]),
        defaults(CoreV1.Probe.self, [
            "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
        ]),
        defaults(CoreV1.HTTPGetAction.self, ["path": "/", "scheme": "HTTP"]),
        defaults(CoreV1.GRPCAction.self, ["service": ""]),
        defaults(CoreV1.ObjectFieldSelector.self, ["apiVersion": "v1"]),
        defaults(CoreV1.Volume.self) { volume in
            if volume.volumeSource.tree.isEmpty {
                volume.volumeSource.emptyDir = CoreV1.EmptyDirVolumeSource()
            }
        },
    ] + volumes

    /// Fields of Pod, PodSpec, Container, ContainerPort and ResourceRequirements by number: every
    /// pod goes through here, and names would cost it.
    private enum Numbers {
        static let spec = number("spec", CoreV1.Pod.self)
        static let enableServiceLinks = number("enableServiceLinks", CoreV1.PodSpec.self)
        static let hostNetwork = number("hostNetwork", CoreV1.PodSpec.self)
        static let containers = number("containers", CoreV1.PodSpec.self)
        static let initContainers = number("initContainers", CoreV1.PodSpec.self)
        static let resources = number("resources", CoreV1.Container.self)
        static let ports = number("ports", CoreV1.Container.self)
        static let hostPort = number("hostPort", CoreV1.ContainerPort.self)
        static let containerPort = number("containerPort", CoreV1.ContainerPort.self)
        static let limits = number("limits", CoreV1.ResourceRequirements.self)
        static let requests = number("requests", CoreV1.ResourceRequirements.self)

        private static func number<View: MessageView>(_ name: String, _ view: View.Type) -> Int {
            guard let field = View.messageType.field(name) else {
                preconditionFailure("\(View.messageType.name) has no field \(name)")
            }
            return field.number
        }
    }

    private static let containerValues: KeyValuePairs<String, Default> = [
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    ]

    private static let volumes: [TypeDefaults] = [
        defaults(CoreV1.SecretVolumeSource.self, ["defaultMode": 0o644]),
        defaults(CoreV1.ConfigMapVolumeSource.self, ["defaultMode": 0o644]),
        defaults(CoreV1.DownwardAPIVolumeSource.self, ["defaultMode": 0o644]),
        defaults(CoreV1.ProjectedVolumeSource.self, ["defaultMode": 0o644]),
        defaults(CoreV1.ServiceAccountTokenProjection.self, ["expirationSeconds": 3600]),
        defaults(CoreV1.HostPathVolumeSource.self, ["type": ""]),
        defaults(CoreV1.ISCSIVolumeSource.self, ["iscsiInterface": "default"]),
        defaults(CoreV1.ISCSIPersistentVolumeSource.self, ["iscsiInterface": "default"]),
        defaults(CoreV1.RBDVolumeSource.self, [
            "pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring",
        ]),
        defaults(CoreV1.RBDPersistentVolumeSource.self, [
            "pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring",
        ]),
        defaults(CoreV1.AzureDiskVolumeSource.self, [
            "cachingMode": "ReadWrite", "kind": "Shared", "fsType": "ext4", "readOnly": false,
        ]),
        defaults(CoreV1.ScaleIOVolumeSource.self, [
            "storageMode": "ThinProvisioned", "fsType": "xfs",
        ]),
        defaults(CoreV1.ScaleIOPersistentVolumeSource.self, [
            "storageMode": "ThinProvisioned", "fsType": "xfs",
        ]),
    ]

    /// What a pod has beyond a pod template: requests from limits, host ports, service links.
    @Sendable private static func pod(_ pod: inout CoreV1.Pod) {
        pod.tree.modifyMessage(Numbers.spec) { spec in
            if spec[Numbers.enableServiceLinks] == nil {
                spec[Numbers.enableServiceLinks] = .bool(true)
            }
            let isOnHostNetwork = spec[Numbers.hostNetwork] == .bool(true)
            for list in [Numbers.containers, Numbers.initContainers] {
                spec.modifyElements(list) { container in
                    container.modifyMessage(Numbers.resources, requestLimits)
                    guard isOnHostNetwork else { return }
                    container.modifyElements(Numbers.ports) { port in
                        if port[Numbers.hostPort] == nil {
                            port[Numbers.hostPort] = port[Numbers.containerPort]
                        }
                    }
                }
            }
        }
    }

    /// A limit without a request is a request as well.
    private static func requestLimits(_ resources: inout Message) {
        guard case .map(let limits)? = resources[Numbers.limits] else { return }
        var requests = ValueMap()
        if case .map(let given)? = resources[Numbers.requests] { requests = given }
        for entry in limits.entries where requests[entry.key] == nil {
            requests[entry.key] = entry.value
        }
        resources[Numbers.requests] = .map(requests)
    }

    /// The old and the new name of the service account's field hold the same.
    @Sendable private static func serviceAccount(_ spec: inout CoreV1.PodSpec) {
        if spec.serviceAccountName.isEmpty { spec.serviceAccountName = spec.serviceAccount }
        spec.serviceAccount = spec.serviceAccountName
    }

    /// Only an image whose tag can move is pulled each time.
    static func pullPolicy(of image: String) -> String {
        let bytes = image.utf8
        if bytes.contains(UInt8(ascii: "@")) { return "IfNotPresent" }
        // A colon before the last slash belongs to a port.
        let (colon, slash) = (UInt8(ascii: ":"), UInt8(ascii: "/"))
        guard let mark = bytes.lastIndex(where: { $0 == colon || $0 == slash }),
            bytes[mark] == colon
        else { return "Always" }
        let isLatest = bytes[bytes.index(after: mark)...].elementsEqual("latest".utf8)
        return isLatest ? "Always" : "IfNotPresent"
    }
}
