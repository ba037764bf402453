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
        if pod.spec.enableServiceLinks == nil { pod.spec.enableServiceLinks = true }
        let isOnHostNetwork = pod.spec.hostNetwork
        for number in [CoreV1.Numbers.containers, CoreV1.Numbers.initContainers] {
            guard case .list(let containers)? = pod.spec.tree[number],
                isOnHostNetwork || containers.contains(where: hasLimits)
            else { continue }
            var views: [CoreV1.Container] = pod.spec.tree.get(number)
            for index in views.indices {
                requestLimits(&views[index].resources)
                if isOnHostNetwork { exposePorts(&views[index]) }
            }
            pod.spec.tree.set(number, views)
        }
    }

    private static func hasLimits(_ container: Value) -> Bool {
        CoreV1.Container(container)?.resources.tree.isEmpty == false
    }

    /// A limit without a request is a request as well.
    private static func requestLimits(_ resources: inout CoreV1.ResourceRequirements) {
        if resources.tree.isEmpty { return }
        let limits = resources.limits
        for (name, quantity) in limits where resources.requests[name] == nil {
            resources.requests[name] = quantity
        }
    }

    private static func exposePorts(_ container: inout CoreV1.Container) {
        for index in container.ports.indices where container.ports[index].hostPort == 0 {
            container.ports[index].hostPort = container.ports[index].containerPort
        }
    }

    /// The old and the new name of the service account's field hold the same.
    @Sendable private static func serviceAccount(_ spec: inout CoreV1.PodSpec) {
        if spec.serviceAccountName.isEmpty { spec.serviceAccountName = spec.serviceAccount }
        spec.serviceAccount = spec.serviceAccountName
    }

    /// Only an image whose tag can move is pulled each time.
    static func pullPolicy(of image: String) -> String {
        if image.contains("@") { return "IfNotPresent" }
        let name = image.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        guard let colon = name.lastIndex(of: ":") else { return "Always" }
        return name[name.index(after: colon)...] == "latest" ? "Always" : "IfNotPresent"
    }
}

extension CoreV1 {
    /// Fields of PodSpec that code goes through by number.
    enum Numbers {
        static let containers = 2
        static let initContainers = 20
    }
}
