public import Wire
internal import Kubernetes

/// What an object of a kind is filled up with, and what it must fulfill.
///
/// A create goes through ``applyDefaults(to:)``, ``prepareForCreate(_:_:)`` and
/// ``validate(_:old:subresource:_:)`` in this order, an update through ``applyDefaults(to:)``,
/// ``prepareForUpdate(_:old:subresource:_:)`` and ``validate(_:old:subresource:_:)``; admission
/// stands behind the defaults. All of it is pure. Kinds without rules here have those of their
/// metadata.
public enum Rules {
    private static let defaultPlans = DefaultPlan.plans(
        PodDefaults.tables + WorkloadDefaults.tables + CoreDefaults.tables
            + NetworkingDefaults.tables + OtherDefaults.tables)

    private static let checkPlans = TypeChecks.plans(
        PodChecks.tables + ContainerChecks.tables + VolumeChecks.tables + PlacementChecks.tables
            + ResourceChecks.tables + WorkloadChecks.tables + BatchChecks.tables
            + CoreChecks.tables + ServiceChecks.tables + NetworkingChecks.tables
            + StorageChecks.tables + AutoscalingChecks.tables + AccessChecks.tables
            + OtherChecks.tables)

    /// The rules of a message inside an object, from within another rule.
    static func check(_ message: Message, _ report: inout Report) {
        checkPlans[message.type]?.run(message, &report)
    }

    /// Fills in the values of fields that are absent, in the object and in everything it holds.
    ///
    /// Idempotent. Costs about as much as looking at the fields that have defaults.
    public static func applyDefaults(to tree: inout Message) {
        defaultPlans[tree.type]?.apply(to: &tree)
    }

    /// What is wrong with an object, in the order in which Kubernetes reports it.
    ///
    /// - Parameter old: The stored object if this is an update of it, nil if it is created.
    /// - Parameter subresource: `status`, `scale`, `resize`, ...; nil for the object itself.
    public static func validate(
        _ new: Message, old: Message?, subresource: String? = nil, _ context: RulesContext
    ) -> [FieldError] {
        var report = Report(context)
        guard let old else {
            if isStored(new.type) {
                report.at("metadata") {
                    MetadataChecks.create(metadata(of: new), of: new.type, &$0)
                }
            }
            checkPlans[new.type]?.run(new, &report)
            CreateChecks.check(new, &report)
            return report.errors
        }
        // Kubernetes looks at the metadata in the registry and again in the kind's own rules.
        for _ in 0..<2 {
            report.at("metadata") {
                MetadataChecks.update(metadata(of: new), metadata(of: old), &$0)
            }
            if report.errors.isEmpty { break }
        }
        UpdateChecks.check(new, old: old, subresource: subresource, &report) { report in
            checkPlans[new.type]?.run(new, &report)
        }
        return report.errors
    }

    /// Questions, which are answered and never stored, and scales have none that counts.
    static func isStored(_ type: MessageType) -> Bool {
        !["authorization.k8s.io", "authentication.k8s.io"].contains(type.group)
            && type !== AutoscalingV1.Scale.messageType
    }

    /// The message of the Status that refuses `tree`: `Deployment.apps "web" is invalid: ...`.
    public static func invalidMessage(for tree: Message, _ errors: [FieldError]) -> String {
        let (kind, group) = qualifiedKind(of: tree.type)
        return FieldError.invalidMessage(
            kind: kind, group: group, name: metadata(of: tree).name, errors)
    }

    /// What Kubernetes calls a kind in a refusal: some are not what they are elsewhere.
    public static func qualifiedKind(of type: MessageType) -> (kind: String, group: String) {
        switch type {
        case EventsV1.Event.messageType: ("Event", "")
        case let type where type.group == "authorization.k8s.io": ("", type.group)
        default: (type.kind, type.group)
        }
    }

    static func metadata(of tree: Message) -> MetaV1.ObjectMeta {
        guard let field = tree.type.field("metadata") else { return MetaV1.ObjectMeta() }
        return tree.view(field.number)
    }
}
