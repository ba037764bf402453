internal import Kubernetes
internal import Wire

/// Rules of containers, their ports, environment, probes and handlers.
enum ContainerChecks {
    static let protocols = ["SCTP", "TCP", "UDP"]

    static let tables: [TypeChecks] = [
        TypeChecks(type: CoreV1.Container.messageType, checks: common + [
            .each("lifecycle"),
            .rule { (container: CoreV1.Container, report) in probes(container, &report) },
        ]),
        TypeChecks(type: CoreV1.EphemeralContainerCommon.messageType, checks: common),
        checks(CoreV1.EnvVar.self,
            .form("name", Syntax.environmentName, isRequired: true), .rule(valueFrom)),
        checks(CoreV1.EnvVarSource.self,
            .each("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")),
        checks(CoreV1.ObjectFieldSelector.self, .rule(environmentField)),
        checks(CoreV1.ResourceFieldSelector.self,
            .oneOf("resource", "limits.cpu", "limits.ephemeral-storage", "limits.memory",
                "requests.cpu", "requests.ephemeral-storage", "requests.memory",
                isRequired: true)),
        checks(CoreV1.ConfigMapKeySelector.self,
            .form("key", Syntax.configKey, isRequired: true)),
        checks(CoreV1.SecretKeySelector.self,
            .form("key", Syntax.configKey, isRequired: true)),
        checks(CoreV1.EnvFromSource.self,
            .form("prefix", Syntax.environmentName), .rule(environmentSource)),
        checks(CoreV1.Lifecycle.self, .each("postStart", "preStop")),
        checks(CoreV1.LifecycleHandler.self, .rule(lifecycleHandler),
            .each("exec", "httpGet", "tcpSocket", "sleep")),
        checks(CoreV1.ExecAction.self, .required("command")),
        checks(CoreV1.HTTPGetAction.self,
            .required("path"), .rule { (action: CoreV1.HTTPGetAction, report) in
                report.port("port", action.port)
            },
            .oneOf("scheme", "HTTP", "HTTPS"), .each("httpHeaders")),
        checks(CoreV1.HTTPHeader.self, .form("name", Syntax.headerName)),
        checks(CoreV1.TCPSocketAction.self, .rule { (action: CoreV1.TCPSocketAction, report) in
            report.port("port", action.port)
        }),
        checks(CoreV1.GRPCAction.self, .within("port", 1...65535)),
        checks(CoreV1.SleepAction.self),
        checks(CoreV1.ProbeHandler.self, .rule(probeHandler),
            .each("exec", "httpGet", "tcpSocket", "grpc")),
        checks(CoreV1.Probe.self, .each("handler"),
            .atLeast(0, "initialDelaySeconds", "timeoutSeconds", "periodSeconds",
                "successThreshold", "failureThreshold"),
            .above(0, "terminationGracePeriodSeconds")),
    ]

    /// What every container fulfills, the ephemeral ones too.
    private static let common: [Check] = [
        .form("name", Syntax.dnsLabel, isRequired: true),
        .required("image"),
        .oneOf("terminationMessagePolicy", "File", "FallbackToLogsOnError", isRequired: true),
        ports,
        .each("env", "envFrom"),
        VolumeChecks.mounts,
        VolumeChecks.devices,
        .oneOf("imagePullPolicy", "Always", "IfNotPresent", "Never", isRequired: true),
        .each("resources", "resizePolicy", "securityContext"),
    ]

    // MARK: Ports

    private static let ports = Check { binder in
        let number = binder.field("ports").number
        return { message, report in
            guard case .list? = message[number] else { return }
            var names: Set<String> = []
            let ports: [CoreV1.ContainerPort] = message.get(number)
            report.each("ports", of: ports) { port($1, &names, &$0) }
        }
    }

    private static func port(
        _ port: CoreV1.ContainerPort, _ names: inout Set<String>, _ report: inout Report
    ) {
        if !port.name.isEmpty {
            let problems = Syntax.portName(port.name)
            report.invalid("name", port.name, problems)
            if problems.isEmpty, !names.insert(port.name).inserted {
                report.duplicate("name", port.name)
            }
        }
        if port.containerPort == 0 {
            report.required("containerPort")
        } else {
            report.within(1...65535, "containerPort", port.containerPort)
        }
        if port.hostPort != 0 { report.within(1...65535, "hostPort", port.hostPort) }
        report.oneOf(protocols, "protocol", port.protocol)
    }

    // MARK: Environment

    @Sendable private static func valueFrom(_ variable: CoreV1.EnvVar, _ report: inout Report) {
        guard let source = variable.valueFrom else { return }
        report.at("valueFrom") { report in
            ContainerChecks.source(source, &report)
            let count = source.tree.contents.reduce(0) { count, _ in count + 1 }
            if count == 0 {
                report.invalid(nil, "", "must specify one of: `fieldRef`, `resourceFieldRef`, "
                    + "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`")
            } else if !variable.value.isEmpty {
                report.invalid(nil, "", "may not be specified when `value` is not empty")
            } else if count > 1 {
                report.invalid(nil, "", "may not have more than one field specified at a time")
            }
        }
    }

    private static func source(_ source: CoreV1.EnvVarSource, _ report: inout Report) {
        Rules.check(source.tree, &report)
    }

    private static let environmentFields = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
        "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP",
        "status.podIPs",
    ]
    private static let podFields: Set<String> = Set(environmentFields).union([
        "metadata.annotations", "metadata.labels", "spec.restartPolicy", "spec.schedulerName",
        "status.phase", "spec.host",
    ])

    @Sendable private static func environmentField(
        _ selector: CoreV1.ObjectFieldSelector, _ report: inout Report
    ) {
        fieldSelector(selector, environmentFields, &report)
    }

    /// A path to a field of the pod, which must be one of `supported`, or a label or annotation.
    static func fieldSelector(
        _ selector: CoreV1.ObjectFieldSelector, _ supported: [String], _ report: inout Report
    ) {
        let path = selector.fieldPath
        if supported.contains(path) { return }
        if path.isEmpty { return report.required("fieldPath") }
        if let bracket = path.firstIndex(of: "["), path.hasSuffix("']") {
            let key = path[bracket...].dropFirst(2).dropLast(2)
            switch path[..<bracket] {
            case "metadata.annotations":
                report.invalid(nil, String(key), Syntax.qualifiedName(key.lowercased()))
            case "metadata.labels":
                report.invalid(nil, String(key), Syntax.qualifiedName(String(key)))
            default:
                report.invalid(nil, String(path[..<bracket]), "does not support subscript")
            }
        } else if !podFields.contains(path) {
            report.invalid("fieldPath", path,
                "error converting fieldPath: field label not supported: \(path)")
        } else {
            report.oneOf(supported, "fieldPath", path)
        }
    }

    @Sendable private static func environmentSource(
        _ source: CoreV1.EnvFromSource, _ report: inout Report
    ) {
        let names = [("configMapRef", source.configMapRef?.localObjectReference.name),
                     ("secretRef", source.secretRef?.localObjectReference.name)]
        for (field, name) in names where name == "" { report.required("\(field).name") }
        switch names.filter({ $0.1 != nil }).count {
        case 0: report.invalid(nil, "", "must specify one of: `configMapRef` or `secretRef`")
        case 1: break
        default: report.invalid(nil, "", "may not have more than one field specified at a time")
        }
    }

    // MARK: Probes and handlers

    @Sendable private static func lifecycleHandler(
        _ handler: CoreV1.LifecycleHandler, _ report: inout Report
    ) {
        oneHandler([("exec", handler.exec != nil), ("httpGet", handler.httpGet != nil),
                    ("tcpSocket", handler.tcpSocket != nil), ("sleep", handler.sleep != nil)],
                   &report)
    }

    @Sendable private static func probeHandler(
        _ handler: CoreV1.ProbeHandler, _ report: inout Report
    ) {
        oneHandler([("exec", handler.exec != nil), ("httpGet", handler.httpGet != nil),
                    ("tcpSocket", handler.tcpSocket != nil), ("grpc", handler.grpc != nil)],
                   &report)
    }

    private static func oneHandler(_ handlers: [(String, Bool)], _ report: inout Report) {
        let given = handlers.filter(\.1)
        if given.isEmpty { report.required(nil, "must specify a handler type") }
        for (name, _) in given.dropFirst() {
            report.forbidden(name, "may not specify more than 1 handler type")
        }
    }

    @Sendable private static func probes(
        _ container: CoreV1.Container, _ report: inout Report
    ) {
        probe("livenessProbe", container.livenessProbe, &report) { mustSucceedOnce($0, &$1) }
        probe("readinessProbe", container.readinessProbe, &report) { probe, report in
            if let seconds = probe.terminationGracePeriodSeconds {
                report.invalid("terminationGracePeriodSeconds", seconds,
                    "must not be set for readinessProbes")
            }
        }
        probe("startupProbe", container.startupProbe, &report) { mustSucceedOnce($0, &$1) }
    }

    private static func probe(
        _ name: String, _ probe: CoreV1.Probe?, _ report: inout Report,
        _ more: (CoreV1.Probe, inout Report) -> Void
    ) {
        guard let probe else { return }
        report.at(name) { report in
            Rules.check(probe.tree, &report)
            more(probe, &report)
        }
    }

    private static func mustSucceedOnce(_ probe: CoreV1.Probe, _ report: inout Report) {
        if probe.successThreshold != 1 {
            report.invalid("successThreshold", probe.successThreshold, "must be 1")
        }
    }
}

extension Report {
    /// The number or name of a port.
    mutating func port(_ field: String, _ port: IntOrString?) {
        switch port ?? .int(0) {
        case .int(let number): within(1...65535, field, number)
        case .string(let name): invalid(field, name, Syntax.portName(name))
        }
    }
}
