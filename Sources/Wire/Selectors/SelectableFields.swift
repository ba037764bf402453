/// The fields by which objects of a type can be selected.
public struct SelectableFields: Sendable {
    private let paths: [String: [FieldPath]]
    /// The kind has more than the two fields that all kinds have.
    private let isOwn: Bool

    /// Those that Kubernetes knows for the type: `metadata.name`, `metadata.namespace` and, of
    /// some kinds, others.
    public init(of type: MessageType) {
        let own = Self.ownFields[type.name]
        var paths: [String: [FieldPath]] = [:]
        for field in ["metadata.name", "metadata.namespace"] + (own ?? []) {
            let sources = Self.otherSources["\(type.name) \(field)"] ?? [field]
            paths[field] = sources.compactMap { FieldPath($0, in: type) }
        }
        if type.resource?.isNamespaced == false, own != nil { paths["metadata.namespace"] = nil }
        self.paths = paths
        isOwn = own != nil
    }

    /// Whether all fields of a selector are among them.
    ///
    /// - Throws: ``SelectorError`` in Kubernetes' words.
    public func check(_ selector: FieldSelector) throws(SelectorError) {
        for requirement in selector.requirements where paths[requirement.field] == nil {
            let field = requirement.field
            throw SelectorError(
                isOwn ? "field label not supported: \(field)"
                    : "\(goQuoted(field)) is not a known field selector: "
                        + #"only "metadata.name", "metadata.namespace""#)
        }
    }

    /// Whether `object` is chosen by a selector that ``check(_:)`` has passed.
    public func matches(_ selector: FieldSelector, _ object: Message) -> Bool {
        selector.matches { text(of: $0, in: object) }
    }

    /// What all of the fields hold in `object`, for many selectors: a few short texts.
    public func texts(in object: Message) -> [String: String] {
        Dictionary(uniqueKeysWithValues: paths.keys.map { ($0, text(of: $0, in: object)) })
    }

    /// The first of a field's sources that says something.
    private func text(of field: String, in object: Message) -> String {
        for path in paths[field] ?? [] {
            let text = path.text(in: object)
            if !text.isEmpty { return text }
        }
        return ""
    }
}

extension SelectableFields {
    private static let ownFields: [String: [String]] = [
        "kubernetes.core.v1.Pod": [
            "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
            "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs",
            "status.nominatedNodeName",
        ],
        "kubernetes.core.v1.Node": ["spec.unschedulable"],
        "kubernetes.core.v1.Namespace": ["status.phase"],
        "kubernetes.core.v1.Secret": ["type"],
        "kubernetes.core.v1.Service": ["spec.clusterIP", "spec.type"],
        "kubernetes.core.v1.ReplicationController": ["status.replicas"],
        "kubernetes.core.v1.Event": [
            "involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
            "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion",
            "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
        ],
        "kubernetes.events.v1.Event": [
            "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid",
            "regarding.apiVersion", "regarding.resourceVersion", "regarding.fieldPath", "reason",
            "reportingController", "type",
        ],
        "kubernetes.apps.v1.ReplicaSet": ["status.replicas"],
        "kubernetes.batch.v1.Job": ["status.successful"],
        "kubernetes.certificates.v1.CertificateSigningRequest": ["spec.signerName"],
        "kubernetes.resource.v1.ResourceSlice": ["spec.nodeName", "spec.driver"],
    ]

    /// Where a field of a selector comes from, if not from the field of its name.
    private static let otherSources: [String: [String]] = [
        "kubernetes.core.v1.Event source": ["source.component", "reportingComponent"],
        "kubernetes.core.v1.Pod status.podIP": ["status.podIPs.ip", "status.podIP"],
        "kubernetes.batch.v1.Job status.successful": ["status.succeeded"],
    ]
}
