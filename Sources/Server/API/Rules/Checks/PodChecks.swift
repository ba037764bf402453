internal import Kubernetes
internal import Wire

/// Rules of pods and pod templates.
enum PodChecks {
    static let tables: [TypeChecks] = [
        checks(CoreV1.Pod.self, .each("spec")),
        checks(CoreV1.PodTemplate.self, .each("template")),
        checks(CoreV1.PodTemplateSpec.self, .rule(template), .each("spec"),
            .rule { (template: CoreV1.PodTemplateSpec, report) in
                if !template.spec.ephemeralContainers.isEmpty {
                    report.forbidden("spec.ephemeralContainers",
                        "ephemeral containers not allowed in pod template")
                }
            }),
        checks(CoreV1.PodSpec.self,
            .rule(VolumeChecks.volumes),
            .required("containers"), .elements("containers", uniqueBy: "name"),
            .rule(initContainers), .elements("initContainers", uniqueBy: "name"),
            .rule(ephemeralContainers), .each("resources"),
            .oneOf("restartPolicy", "Always", "OnFailure", "Never", isRequired: true),
            .oneOf("dnsPolicy", "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None",
                isRequired: true),
            .labels("nodeSelector"), .rule(host), .each("securityContext", "affinity"),
            .rule(dns), .elements("readinessGates", uniqueBy: "conditionType"),
            .elements("schedulingGates", uniqueBy: "name"), .each("topologySpreadConstraints"),
            .rule(spreadTwice),
            .form("serviceAccountName", Syntax.dnsSubdomain),
            .form("nodeName", Syntax.dnsSubdomain),
            .within("activeDeadlineSeconds", 1...Int(Int32.max)),
            .form("hostname", Syntax.dnsLabel), .form("subdomain", Syntax.dnsLabel),
            .each("tolerations", "hostAliases"),
            .form("priorityClassName", Syntax.dnsSubdomain),
            .form("runtimeClassName", Syntax.dnsSubdomain),
            .oneOf("preemptionPolicy", "PreemptLowerPriority", "Never"),
            .rule(operatingSystem)),
        checks(CoreV1.PodSecurityContext.self,
            .within("fsGroup", ids), .within("runAsUser", ids), .within("runAsGroup", ids),
            .rule { (context: CoreV1.PodSecurityContext, report) in
                report.each("supplementalGroups", of: context.supplementalGroups) {
                    $0.within(ids, nil, $1)
                }
            },
            .oneOf("fsGroupChangePolicy", "Always", "OnRootMismatch"), .each("seccompProfile"),
            .oneOf("supplementalGroupsPolicy", "Merge", "Strict"),
            .oneOf("seLinuxChangePolicy", "MountOption", "Recursive")),
        checks(CoreV1.SecurityContext.self, .within("runAsUser", ids), .within("runAsGroup", ids),
            .oneOf("procMount", "Default", "Unmasked"), .each("seccompProfile"),
            .rule(escalation)),
        checks(CoreV1.SeccompProfile.self, .rule(seccomp)),
        checks(CoreV1.PodReadinessGate.self, .rule { (gate: CoreV1.PodReadinessGate, report) in
            report.invalid("conditionType", gate.conditionType,
                Syntax.qualifiedName(gate.conditionType))
        }),
        checks(CoreV1.PodSchedulingGate.self, .rule { (gate: CoreV1.PodSchedulingGate, report) in
            report.invalid("name", gate.name, Syntax.qualifiedName(gate.name))
        }),
        checks(CoreV1.HostAlias.self, .rule { (alias: CoreV1.HostAlias, report) in
            report.address("ip", alias.ip)
            report.each("hostnames", of: alias.hostnames) { report, name in
                report.invalid(nil, name, Syntax.dnsSubdomain(name))
            }
        }),
    ]

    private static let ids = 0...Int(Int32.max)

    @Sendable private static func template(
        _ template: CoreV1.PodTemplateSpec, _ report: inout Report
    ) {
        if case .map(let labels)? = template.metadata.tree["labels"] {
            report.labels("labels", labels)
        }
        if case .map(let map)? = template.metadata.tree["annotations"] {
            MetadataChecks.annotations(map, &report)
        }
    }

    // MARK: Containers

    @Sendable private static func initContainers(
        _ spec: CoreV1.PodSpec, _ report: inout Report
    ) {
        let containers = spec.initContainers
        if containers.isEmpty { return }
        let names = Set(spec.containers.map(\.name))
        report.each("initContainers", of: containers) { report, container in
            if names.contains(container.name) { report.duplicate("name", container.name) }
            if let policy = container.restartPolicy, policy != "Always" {
                report.oneOf(["Always", "Never", "OnFailure"], "restartPolicy", policy)
            }
            if container.restartPolicy == "Always" { return }
            let fields = [("lifecycle", container.lifecycle != nil),
                          ("livenessProbe", container.livenessProbe != nil),
                          ("readinessProbe", container.readinessProbe != nil),
                          ("startupProbe", container.startupProbe != nil)]
            for (name, isGiven) in fields where isGiven {
                report.forbidden(name,
                    "may not be set for init containers without restartPolicy=Always")
            }
        }
    }

    private static let notForEphemeral: Set<String> = [
        "ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules",
        "livenessProbe", "readinessProbe", "startupProbe", "lifecycle",
    ]

    @Sendable private static func ephemeralContainers(
        _ spec: CoreV1.PodSpec, _ report: inout Report
    ) {
        let containers = spec.ephemeralContainers
        if containers.isEmpty { return }
        let others = Set(spec.containers.map(\.name) + spec.initContainers.map(\.name))
        var names = others
        report.each("ephemeralContainers", of: containers) { report, container in
            let common = container.ephemeralContainerCommon
            Rules.check(common.tree, &report)
            if !names.insert(common.name).inserted { report.duplicate("name", common.name) }
            let target = container.targetContainerName
            if !target.isEmpty, !others.contains(target) {
                report.notFound("targetContainerName", target)
            }
            for field in common.tree.type.fields
            where notForEphemeral.contains(field.name) && !isEmpty(common.tree[field.number]) {
                report.forbidden(field.name, "cannot be set for an Ephemeral Container")
            }
        }
    }

    private static func isEmpty(_ value: Value?) -> Bool { value?.isZero ?? true }

    // MARK: Host, names and security

    @Sendable private static func host(_ spec: CoreV1.PodSpec, _ report: inout Report) {
        if spec.shareProcessNamespace == true, spec.hostPID {
            report.invalid("shareProcessNamespace", true,
                "ShareProcessNamespace and HostPID cannot both be enabled")
        }
        guard spec.hostNetwork else { return }
        report.each("containers", of: spec.containers) { report, container in
            report.each("ports", of: container.ports) { report, port in
                if port.hostPort != 0, port.hostPort != port.containerPort {
                    report.invalid("containerPort", port.containerPort,
                        "must match `hostPort` when `hostNetwork` is true")
                }
            }
        }
    }

    @Sendable private static func escalation(
        _ context: CoreV1.SecurityContext, _ report: inout Report
    ) {
        if context.allowPrivilegeEscalation == false, context.privileged == true {
            report.invalid(nil, InternalValue(context),
                "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
        }
    }

    @Sendable private static func seccomp(
        _ profile: CoreV1.SeccompProfile, _ report: inout Report
    ) {
        switch profile.type {
        case "Localhost":
            guard let path = profile.localhostProfile else {
                return report.required("localhostProfile",
                    "must be set when seccomp type is Localhost")
            }
            report.descending("localhostProfile", path)
        case "": report.required("type", "type is required when seccompProfile is set")
        case "RuntimeDefault", "Unconfined":
            if let path = profile.localhostProfile {
                report.invalid("localhostProfile", path,
                    "can only be set when seccomp type is Localhost")
            }
        default:
            report.notSupported("type", profile.type,
                ["Localhost", "RuntimeDefault", "Unconfined"])
        }
    }

    @Sendable private static func dns(_ spec: CoreV1.PodSpec, _ report: inout Report) {
        guard let config = spec.dnsConfig else {
            if spec.dnsPolicy == "None" {
                report.required("dnsConfig",
                    "must provide `dnsConfig` when `dnsPolicy` is None")
            }
            return
        }
        report.at("dnsConfig") { report in
            if spec.dnsPolicy == "None", config.nameservers.isEmpty {
                report.required("nameservers",
                    "must provide at least one DNS nameserver when `dnsPolicy` is None")
            }
            if config.nameservers.count > 3 {
                report.invalid("nameservers", JSONValue(config.nameservers.value),
                    "must not have more than 3 nameservers")
            }
            report.each("nameservers", of: config.nameservers) { $0.address(nil, $1) }
            report.each("searches", of: config.searches) { report, search in
                let name = search.hasSuffix(".") ? String(search.dropLast()) : search
                report.invalid(nil, name, Syntax.dnsSubdomain(name))
            }
            report.each("options", of: config.options) { report, option in
                if option.name.isEmpty { report.required(nil, "must not be empty") }
            }
        }
    }

    @Sendable private static func spreadTwice(_ spec: CoreV1.PodSpec, _ report: inout Report) {
        let constraints = spec.topologySpreadConstraints
        guard constraints.count > 1 else { return }
        var seen: Set<String> = []
        report.each("topologySpreadConstraints", of: constraints) { report, constraint in
            let pair = "{\(constraint.topologyKey), \(constraint.whenUnsatisfiable)}"
            if !seen.insert(pair).inserted {
                report.duplicate("{topologyKey, whenUnsatisfiable}", pair)
            }
        }
    }

    @Sendable private static func operatingSystem(
        _ spec: CoreV1.PodSpec, _ report: inout Report
    ) {
        guard let name = spec.os?.name else { return }
        if name.isEmpty { return report.required("os.name") }
        report.oneOf(["linux", "windows"], "os.name", name)
    }

    // MARK: Creation

    /// What holds only while a pod is created.
    static func create(_ pod: CoreV1.Pod, _ report: inout Report) {
        if !pod.spec.ephemeralContainers.isEmpty {
            report.forbidden("spec.ephemeralContainers", "cannot be set on create")
        }
        if !pod.spec.nodeName.isEmpty, !pod.spec.schedulingGates.isEmpty {
            report.forbidden("spec.nodeName",
                "cannot be set until all schedulingGates have been cleared")
        }
    }
}
