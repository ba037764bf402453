internal import Kubernetes
public import Wire

extension Rules {
    /// Puts back into a changed object what this request may not change: the status, or everything
    /// but the status, what only the server decides, and the generation, which counts changes.
    ///
    /// - Parameter subresource: `status`, `resize`, ...; nil for the object itself.
    public static func prepareForUpdate(
        _ new: inout Message, old: Message, subresource: String? = nil,
        _ context: RulesContext
    ) {
        UpdateStrategy.keepMetadata(&new, old)
        UpdateStrategy.keepOthersFields(&new, old, subresource)
        if new.type === CertificatesV1.CertificateSigningRequest.messageType, subresource != nil {
            CertificateUpdate.keepTimes(&new, old, now: context.now)
        }
        UpdateStrategy.steps[new.type]?(&new, old, subresource)
        if Generation.grows(with: new.type), subresource != "status",
            UpdateStrategy.asksForOther(new, old) {
            new.modify("metadata") { (metadata: inout MetaV1.ObjectMeta) in
                metadata.generation += 1
            }
        }
    }
}

/// What an update does to an object.
enum UpdateStrategy {
    typealias Step = @Sendable (inout Message, Message, String?) -> Void

    static let steps: [MessageType: Step] = Dictionary(uniqueKeysWithValues: [
        step(CoreV1.Pod.self, pod),
        step(CoreV1.Namespace.self, namespace),
        step(CoreV1.Service.self) { new, old, _ in ServiceUpdate.keepAllocated(&new, old) },
        step(AppsV1.DaemonSet.self, daemonSet),
        step(CertificatesV1.CertificateSigningRequest.self, certificateRequest),
    ])

    private static func step<View: MessageView>(
        _ view: View.Type, _ body: @escaping @Sendable (inout View, View, String?) -> Void
    ) -> (MessageType, Step) {
        (View.messageType, { tree, old, subresource in
            var view = View(unchecked: tree)
            tree = Message(View.messageType)
            body(&view, View(unchecked: old), subresource)
            tree = view.tree
        })
    }

    static func keepMetadata(_ new: inout Message, _ old: Message) {
        let old = Rules.metadata(of: old)
        new.modify("metadata") { (metadata: inout MetaV1.ObjectMeta) in
            metadata.generation = old.generation
            if metadata.uid.isEmpty { metadata.uid = old.uid }
            metadata.creationTimestamp = old.creationTimestamp
            if old.deletionTimestamp != nil { metadata.deletionTimestamp = old.deletionTimestamp }
            if metadata.deletionGracePeriodSeconds == nil {
                metadata.deletionGracePeriodSeconds = old.deletionGracePeriodSeconds
            }
        }
    }

    /// A main update leaves the status alone, a status update everything else.
    static func keepOthersFields(_ new: inout Message, _ old: Message, _ subresource: String?) {
        guard new.type.hasStatusSubresource else { return }
        guard subresource == "status" else {
            if subresource != "approval" { new["status"] = old["status"] }
            return
        }
        for field in new.type.fields where field.name != "metadata" && field.name != "status" {
            new[field.number] = old[field.number]
        }
    }

    /// Whether anything but metadata and status differs.
    static func asksForOther(_ new: Message, _ old: Message) -> Bool {
        if new.type === DiscoveryV1.EndpointSlice.messageType,
            Rules.metadata(of: new).labels != Rules.metadata(of: old).labels { return true }
        return new.type.fields.contains { field in
            field.name != "metadata" && field.name != "status"
                && new[field.number] != old[field.number]
        }
    }

    // MARK: Kinds

    @Sendable private static func pod(
        _ new: inout CoreV1.Pod, _ old: CoreV1.Pod, _ subresource: String?
    ) {
        switch subresource {
        case "status":
            new.metadata.ownerReferences = old.metadata.ownerReferences
            new.status.qosClass = old.status.qosClass
        case "ephemeralcontainers":
            let containers = new.spec.ephemeralContainers
            new.spec = old.spec
            new.spec.ephemeralContainers = containers
        case "resize":
            let containers = new.spec.containers
            new.spec = old.spec
            guard containers.count == old.spec.containers.count else { return }
            for (index, container) in containers.enumerated() {
                new.spec.containers[index].resources = container.resources
                new.spec.containers[index].resizePolicy = container.resizePolicy
            }
        default: break
        }
    }

    @Sendable private static func namespace(
        _ new: inout CoreV1.Namespace, _ old: CoreV1.Namespace, _ subresource: String?
    ) {
        if subresource != "finalize" { new.spec.finalizers = old.spec.finalizers }
        new.metadata.labels["kubernetes.io/metadata.name"] = new.metadata.name
    }

    @Sendable private static func daemonSet(
        _ new: inout AppsV1.DaemonSet, _ old: AppsV1.DaemonSet, _ subresource: String?
    ) {
        if subresource == "status" { return }
        let count = Int(old.metadata.annotations[DaemonSetTemplate.generation] ?? "") ?? 0
        let isOther = new.spec.template != old.spec.template
        new.metadata.annotations[DaemonSetTemplate.generation] = String(count &+ (isOther ? 1 : 0))
    }

    /// Who asked cannot be changed; approval writes conditions, status the certificate.
    @Sendable private static func certificateRequest(
        _ new: inout CertificatesV1.CertificateSigningRequest,
        _ old: CertificatesV1.CertificateSigningRequest, _ subresource: String?
    ) {
        new.spec = old.spec
        guard subresource == "approval" else { return }
        let conditions = new.status.conditions
        new.status = old.status
        new.status.conditions = conditions
    }
}

/// The annotation in which a daemon set still counts the changes of its template.
enum DaemonSetTemplate {
    static let generation = "deprecated.daemonset.template.generation"
}
