public import Kubernetes
internal import Wire

/// What Kubernetes' built-in admission adds to a pod before it is validated. Pure: what must be
/// looked up comes as an argument.
public enum PodAdmission {
    /// Why a pod is not admitted. The text stands behind `pods "x" is forbidden: `.
    public struct Refusal: Error, Hashable, Sendable {
        public let message: String
    }

    private static let tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"
    private static let volumePrefix = "kube-api-access-"
    private static let tokenSeconds = 3607
    private static let tolerationSeconds = 300

    // MARK: Service accounts

    /// The account that a pod runs as, `default` if it names none.
    public static func serviceAccountName(of pod: CoreV1.Pod) -> String {
        pod.spec.serviceAccountName.isEmpty ? "default" : pod.spec.serviceAccountName
    }

    /// The refusal of a pod whose account does not exist.
    public static func missingServiceAccount(_ name: String, namespace: String) -> Refusal {
        Refusal(message: "error looking up service account \(namespace)/\(name): "
            + "serviceaccount \"\(name)\" not found")
    }

    /// Gives a pod its service account: its name, its image pull secrets, and unless pod or account
    /// decline, a volume with a token, mounted into every container that has none there.
    ///
    /// - Parameter volumeSuffix: five random characters.
    public static func applyServiceAccount(
        _ account: CoreV1.ServiceAccount, to pod: inout CoreV1.Pod, volumeSuffix: String
    ) {
        if pod.spec.serviceAccountName.isEmpty { pod.spec.serviceAccountName = "default" }
        pod.spec.serviceAccount = pod.spec.serviceAccountName
        if pod.spec.imagePullSecrets.isEmpty {
            pod.spec.imagePullSecrets = account.imagePullSecrets
        }
        let isMounted = pod.spec.automountServiceAccountToken
            ?? account.automountServiceAccountToken ?? true
        if isMounted { mountToken(in: &pod, volumeSuffix) }
    }

    private static func mountToken(in pod: inout CoreV1.Pod, _ volumeSuffix: String) {
        let present = pod.spec.volumes.first { $0.name.hasPrefix(volumePrefix) }
        let name = present?.name ?? volumePrefix + volumeSuffix
        let isMountedInit = mount(name, into: &pod.spec.initContainers)
        let isMounted = mount(name, into: &pod.spec.containers)
        if (isMountedInit || isMounted), present == nil {
            pod.spec.volumes.append(CoreV1.Volume {
                $0.name = name
                $0.volumeSource = tokenSource
            })
        }
    }

    private static func mount(_ name: String, into containers: inout [CoreV1.Container]) -> Bool {
        var isNeeded = false
        for index in containers.indices {
            let mounts = containers[index].volumeMounts
            if mounts.contains(where: { $0.mountPath == tokenPath }) { continue }
            containers[index].volumeMounts.append(CoreV1.VolumeMount {
                $0.name = name
                $0.readOnly = true
                $0.mountPath = tokenPath
            })
            isNeeded = true
        }
        return isNeeded
    }

    /// What every pod's token volume is made of.
    static let tokenSource = CoreV1.VolumeSource {
        $0.projected = CoreV1.ProjectedVolumeSource {
            $0.sources = [token, authority, namespace]
            $0.defaultMode = 0o644
        }
    }
    private static let token = CoreV1.VolumeProjection {
        $0.serviceAccountToken = CoreV1.ServiceAccountTokenProjection {
            $0.expirationSeconds = tokenSeconds
            $0.path = "token"
        }
    }
    private static let authority = CoreV1.VolumeProjection {
        $0.configMap = CoreV1.ConfigMapProjection {
            $0.localObjectReference.name = "kube-root-ca.crt"
            $0.items = [CoreV1.KeyToPath { $0.key = "ca.crt"; $0.path = "ca.crt" }]
        }
    }
    private static let namespace = CoreV1.VolumeProjection {
        $0.downwardAPI = CoreV1.DownwardAPIProjection {
            $0.items = [CoreV1.DownwardAPIVolumeFile {
                $0.path = "namespace"
                $0.fieldRef = CoreV1.ObjectFieldSelector {
                    $0.apiVersion = "v1"
                    $0.fieldPath = "metadata.namespace"
                }
            }]
        }
    }

    // MARK: Priority

    /// Gives a pod the priority of its class.
    ///
    /// - Parameter priorityClass: the class that the pod names, else the one that is the default of
    ///   the cluster, else nil.
    /// - Throws: ``Refusal`` if the class does not exist or the pod says another number.
    public static func applyPriority(
        of priorityClass: SchedulingV1.PriorityClass?, to pod: inout CoreV1.Pod
    ) throws(Refusal) {
        let name = pod.spec.priorityClassName
        if !name.isEmpty, priorityClass == nil {
            throw Refusal(message: "no PriorityClass with name \(name) was found")
        }
        if let priorityClass { pod.spec.priorityClassName = priorityClass.metadata.name }
        let priority = priorityClass?.value ?? 0
        if let given = pod.spec.priority, given != priority {
            throw Refusal(message: "the integer value of priority (\(given)) must not be provided "
                + "in pod spec; priority admission controller computed \(priority) from the given "
                + "PriorityClass name")
        }
        pod.spec.priority = priority
        let policy = priorityClass?.preemptionPolicy ?? "PreemptLowerPriority"
        if let given = pod.spec.preemptionPolicy, given != policy {
            throw Refusal(message: "the string value of PreemptionPolicy (\(given)) must not be "
                + "provided in pod spec; priority admission controller computed \(policy) from the "
                + "given PriorityClass name")
        }
        pod.spec.preemptionPolicy = policy
    }

    // MARK: Tolerations

    /// Lets a pod stay five minutes on a node that is not ready or not reachable, unless it says
    /// how long itself.
    public static func applyDefaultTolerations(to pod: inout CoreV1.Pod) {
        let given = pod.spec.tolerations
        let missing = defaultTolerations.filter { standard in
            !given.contains { toleration in
                (toleration.key.isEmpty || toleration.key == standard.key)
                    && (toleration.effect.isEmpty || toleration.effect == standard.effect)
            }
        }
        if !missing.isEmpty { pod.spec.tolerations = given + missing }
    }

    private static let defaultTolerations = [
        "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable",
    ].map { key in
        CoreV1.Toleration {
            $0.key = key
            $0.operator = "Exists"
            $0.effect = "NoExecute"
            $0.tolerationSeconds = tolerationSeconds
        }
    }
}
