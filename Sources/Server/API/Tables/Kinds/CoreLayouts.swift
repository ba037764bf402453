import Kubernetes
import Wire

extension TableLayout {
    static var coreLayouts: Entries {
        [
            (CoreV1.Pod.messageType, pods),
            of(CoreV1.PodTemplate.self, [
                .name, .string("Containers") { $0.subject.template.spec.containers.names },
                .string("Images") { $0.subject.template.spec.containers.images },
                .string("Pod Labels") { $0.subject.template.metadata.labels.shown },
            ]),
            of(CoreV1.Namespace.self, [
                .name, .string("Status") { $0.subject.status.phase }, .age,
            ]),
            of(CoreV1.Secret.self, [
                .name, .string("Type") { $0.subject.type },
                .count("Data") { $0.subject.data.count }, .age,
            ]),
            of(CoreV1.ConfigMap.self, [
                .name, .count("Data") { $0.subject.data.count + $0.subject.binaryData.count }, .age,
            ]),
            of(CoreV1.ServiceAccount.self, [.name, .age]),
            of(CoreV1.ReplicationController.self, [
                .name, .integer("Desired") { $0.subject.spec.replicas ?? 0 },
                .integer("Current") { $0.subject.status.replicas },
                .integer("Ready") { $0.subject.status.readyReplicas }, .age,
            ] + podColumns { $0.spec.template?.spec ?? .init() } + [
                Column.string("Selector") { $0.subject.spec.selector.shown }.wide,
            ]),
            of(CoreV1.ResourceQuota.self, [
                .name, .string("Request") { $0.subject.status.shown { !$0.hasPrefix("limits") } },
                .string("Limit") { $0.subject.status.shown { $0.hasPrefix("limits") } }, .age,
            ]),
            of(CoreV1.ComponentStatus.self, [
                .name,
                .string("Status") { row in
                    switch row.subject.conditions.first(where: { $0.type == "Healthy" })?.status {
                    case "True": "Healthy"
                    case "False": "Unhealthy"
                    default: "Unknown"
                    }
                },
                .string("Message") { $0.subject.conditions.first?.message ?? "" },
                .string("Error") { $0.subject.conditions.first?.error ?? "" },
            ]),
            of(CoreV1.Service.self, [
                .name, .string("Type") { $0.subject.spec.type },
                .string("Cluster-IP") {
                    ($0.subject.spec.clusterIPs.first ?? $0.subject.spec.clusterIP).or(nothing)
                },
                .string("External-IP") { $0.subject.externalAddress },
                .string("Port(s)") { $0.subject.spec.ports.map(\.shown).joined.or(nothing) }, .age,
                Column.string("Selector") { $0.subject.spec.selector.shown }.wide,
            ]),
            of(CoreV1.Endpoints.self, [
                .name, .string("Endpoints") { $0.subject.shown }, .age,
            ]),
        ]
    }

    private static let pods = TableLayout(podSummaryColumns, condition: { object in
        switch CoreV1.Pod(object)?.status.phase {
        case "Succeeded":
            RowCondition(type: "Completed", reason: "Succeeded",
                         message: "The pod has completed successfully.")
        case "Failed":
            RowCondition(type: "Completed", reason: "Failed", message: "The pod failed.")
        default: nil
        }
    }, read: { PodSummary(CoreV1.Pod($0) ?? CoreV1.Pod()) })

    private static var podSummaryColumns: [Column<PodSummary>] {
        [
            .name, .string("Ready") { "\($0.subject.ready)/\($0.subject.total)" },
            .string("Status") { $0.subject.reason },
            .string("Restarts") { row in
                guard row.subject.restarts > 0, let last = row.subject.lastRestart else {
                    return String(row.subject.restarts)
                }
                return "\(row.subject.restarts) (\(row.age(of: last)) ago)"
            },
            .age,
            Column.string("IP") {
                ($0.subject.pod.status.podIPs.first?.ip ?? $0.subject.pod.status.podIP).or(nothing)
            }.wide,
            Column.string("Node") { $0.subject.pod.spec.nodeName.or(nothing) }.wide,
            Column.string("Nominated Node") {
                $0.subject.pod.status.nominatedNodeName.or(nothing)
            }.wide,
            Column.string("Readiness Gates") { $0.subject.readinessGates }.wide,
        ]
    }
}

extension CoreV1.ResourceQuotaStatus {
    /// `pods: 1/10, ...` of the resources that are wanted.
    fileprivate func shown(_ isWanted: (String) -> Bool) -> String {
        hard.keys.filter(isWanted).sorted { $0.precedes($1) }.map { name in
            "\(name): \(used[name]?.text ?? "0")/\(hard[name]?.text ?? "0")"
        }.joined(separator: ", ")
    }
}

extension CoreV1.Service {
    fileprivate var externalAddress: String {
        switch spec.type {
        case "ExternalName": return spec.externalName.or(nothing)
        case "LoadBalancer":
            let own = status.loadBalancer.ingress.map { $0.ip.or($0.hostname) }
            return (own + spec.externalIPs).joined.or("<pending>")
        default: return spec.externalIPs.joined.or(nothing)
        }
    }
}

extension CoreV1.ServicePort {
    fileprivate var shown: String {
        nodePort == 0 ? "\(port)/\(self.protocol)" : "\(port):\(nodePort)/\(self.protocol)"
    }
}

extension CoreV1.Endpoints {
    /// The first addresses with their ports.
    fileprivate var shown: String {
        let all = subsets.flatMap { subset in
            subset.ports.isEmpty
                ? subset.addresses.map(\.ip)
                : subset.ports.flatMap { port in
                    subset.addresses.map { address in
                        address.ip.contains(":")
                            ? "[\(address.ip)]:\(port.port)" : "\(address.ip):\(port.port)"
                    }
                }
        }
        return all.shown(max: 3).or(nothing)
    }
}
