internal import Kubernetes
internal import Wire

/// What the metadata of every object must fulfill.
enum MetadataChecks {
    private static let annotationBytesMax = 256 * 1024

    private static let kubernetesFinalizers: Set<String> = [
        "kubernetes", "orphan", "foregroundDeletion",
    ]

    /// Kinds whose names are not DNS subdomains.
    private static let names: [MessageType: Syntax.Check] = [
        CoreV1.Namespace.messageType: Syntax.dnsLabel,
        CoreV1.Service.messageType: Syntax.dnsLabel,
        RbacV1.Role.messageType: Syntax.pathSegment,
        RbacV1.RoleBinding.messageType: Syntax.pathSegment,
        RbacV1.ClusterRole.messageType: Syntax.pathSegment,
        RbacV1.ClusterRoleBinding.messageType: Syntax.pathSegment,
        ApiregistrationV1.APIService.messageType: Syntax.pathSegment,
        NetworkingV1.IPAddress.messageType: Syntax.pathSegment,
    ]

    /// The form of a kind's names.
    static func syntax(of type: MessageType) -> Syntax.Check { names[type] ?? Syntax.dnsSubdomain }

    /// Checks of a new object.
    static func create(_ meta: MetaV1.ObjectMeta, of type: MessageType, _ report: inout Report) {
        let syntax = syntax(of: type)
        if !meta.generateName.isEmpty {
            report.invalid("generateName", meta.generateName, syntax(masked(meta.generateName)))
        }
        if meta.name.isEmpty {
            report.required("name", "name or generateName is required")
        } else {
            report.invalid("name", meta.name, syntax(meta.name))
        }
        namespace(meta.namespace, isNamespaced: type.resource?.isNamespaced ?? false, &report)
        report.atLeast(0, "generation", meta.generation)
        common(meta, &report)
    }

    /// Checks of a changed object against the one that is stored.
    static func update(
        _ new: MetaV1.ObjectMeta, _ old: MetaV1.ObjectMeta, _ report: inout Report
    ) {
        if old.deletionTimestamp != nil { noNewFinalizers(new.finalizers, old.finalizers, &report) }
        if new.resourceVersion.isEmpty {
            report.invalid("resourceVersion", "", "must be specified for an update")
        }
        if new.generation < old.generation {
            report.invalid("generation", new.generation, "must not be decremented")
        }
        for name in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp",
                     "deletionGracePeriodSeconds"] where new.tree[name] != old.tree[name] {
            report.invalid(name, JSONValue(new.tree[name]), "field is immutable")
        }
        labelsAndOwners(new, &report)
    }

    private static func namespace(_ name: String, isNamespaced: Bool, _ report: inout Report) {
        switch (isNamespaced, name.isEmpty) {
        case (true, true): report.required("namespace")
        case (true, false): report.invalid("namespace", name, Syntax.dnsLabel(name))
        case (false, false): report.forbidden("namespace", "not allowed on this type")
        case (false, true): break
        }
    }

    private static func common(_ meta: MetaV1.ObjectMeta, _ report: inout Report) {
        labelsAndOwners(meta, &report)
        let finalizers = meta.finalizers
        guard !finalizers.isEmpty else { return }
        for finalizer in finalizers {
            report.invalid("finalizers", finalizer, Syntax.qualifiedName(finalizer))
        }
        if finalizers.contains("orphan"), finalizers.contains("foregroundDeletion") {
            report.invalid("finalizers", JSONValue(finalizers.value),
                "finalizer orphan and foregroundDeletion cannot be both set")
        }
        report.each("finalizers", of: finalizers) { report, finalizer in
            if !finalizer.contains("/"), !kubernetesFinalizers.contains(finalizer) {
                report.invalid(nil, finalizer,
                    "name is neither a standard finalizer name nor is it fully qualified")
            }
        }
    }

    private static func labelsAndOwners(_ meta: MetaV1.ObjectMeta, _ report: inout Report) {
        if case .map(let labels)? = meta.tree["labels"] { report.labels("labels", labels) }
        if case .map(let map)? = meta.tree["annotations"] { annotations(map, &report) }
        let owners = meta.ownerReferences
        if !owners.isEmpty { self.owners(owners, &report) }
    }

    static func annotations(_ annotations: ValueMap, _ report: inout Report) {
        var byteCount = 0
        for entry in annotations.entries {
            report.invalid(
                "annotations", entry.key, Syntax.qualifiedName(entry.key.lowercased()))
            byteCount += entry.key.utf8.count
            if case .string(let text) = entry.value { byteCount += text.utf8.count }
        }
        if byteCount > annotationBytesMax {
            report.tooLong("annotations", bytesMax: annotationBytesMax)
        }
    }

    private static func owners(_ owners: [MetaV1.OwnerReference], _ report: inout Report) {
        var controller: String?
        report.at("ownerReferences") { report in
            for owner in owners {
                self.owner(owner, &report)
                guard owner.controller == true else { continue }
                let name = "\(owner.kind)/\(owner.name)"
                if let controller {
                    report.invalid(nil, JSONValue(owners.value),
                        "Only one reference can have Controller set to true. Found \"true\" in "
                            + "references for \(controller) and \(name)")
                } else {
                    controller = name
                }
            }
        }
    }

    private static func owner(_ owner: MetaV1.OwnerReference, _ report: inout Report) {
        if owner.apiVersion.isEmpty || owner.apiVersion.hasSuffix("/") {
            report.invalid("apiVersion", owner.apiVersion, "version must not be empty")
        }
        for (name, text) in [("kind", owner.kind), ("name", owner.name), ("uid", owner.uid)]
        where text.isEmpty {
            report.invalid(name, text, "must not be empty")
        }
        if owner.apiVersion == "v1", owner.kind == "Event" {
            report.invalid(nil, JSONValue(owner.value),
                "/v1, Kind=Event is disallowed from being an owner")
        }
    }

    private static func noNewFinalizers(
        _ new: [String], _ old: [String], _ report: inout Report
    ) {
        let extra = Set(new).subtracting(old).sorted { $0.precedes($1) }
        if extra.isEmpty { return }
        report.forbidden("finalizers",
            "no new finalizers can be added if the object is being deleted, found new finalizers "
                + "[]string{\(extra.map(\.goQuoted).joined(separator: ", "))}")
    }

    /// The text without a dash at its end, behind which a suffix will come.
    private static func masked(_ name: String) -> String {
        name.utf8.count > 1 && name.hasSuffix("-") ? String(name.dropLast(2)) + "a" : name
    }
}
