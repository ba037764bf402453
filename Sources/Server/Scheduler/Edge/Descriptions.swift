import Kubernetes
import SchedulerEngine
import Wire

// What the engine needs to know of the API's objects.

extension NodeDescription {
    init(_ node: CoreV1.Node) {
        self.init(
            name: node.metadata.name, labels: Labels(node.metadata.labels.map { ($0.key, $0.value) }),
            taints: node.spec.taints.compactMap(Taint.init),
            isUnschedulable: node.spec.unschedulable,
            allocatable: ResourceAmounts(node.status.allocatable))
    }
}

extension Taint {
    fileprivate init?(_ taint: CoreV1.Taint) {
        guard let effect = Effect(rawValue: taint.effect) else { return nil }
        self.init(taint.key, taint.value, effect)
    }
}

extension ResourceAmounts {
    init(_ amounts: [String: Quantity]) {
        self.init()
        for (name, quantity) in amounts {
            switch name {
            case "cpu": milliCPU = quantity.milliunits
            case "memory": memoryBytes = quantity.units
            case "ephemeral-storage": ephemeralStorageBytes = quantity.units
            case "pods": pods = quantity.units
            default: self[name] = quantity.units
            }
        }
    }
}

extension PodDescription {
    init(_ pod: CoreV1.Pod) {
        let (meta, spec) = (pod.metadata, pod.spec)
        let labels = Labels(meta.labels.map { ($0.key, $0.value) })
        let owner = meta.ownerReferences.first { $0.controller == true }
        self.init(
            name: PodName(meta.namespace, meta.name), uid: meta.uid, labels: labels,
            nodeName: spec.nodeName.isEmpty ? nil : spec.nodeName,
            schedulerName: spec.schedulerName.isEmpty ? "default-scheduler" : spec.schedulerName,
            priority: Int32(clamping: spec.priority ?? 0),
            mayPreempt: spec.preemptionPolicy != "Never",
            createdAtSeconds: meta.creationTimestamp?.seconds ?? 0,
            isGated: !spec.schedulingGates.isEmpty, isTerminating: meta.deletionTimestamp != nil,
            isFinished: ["Succeeded", "Failed"].contains(pod.status.phase),
            demand: NodeDemand(spec), requests: PodRequests(spec),
            hostPorts: spec.containers.flatMap(\.ports).compactMap(HostPort.init),
            owner: owner?.uid, group: owner.map { _ in .init(matching: labels) })
    }
}

extension NodeDemand {
    fileprivate init(_ spec: CoreV1.PodSpec) {
        let affinity = spec.affinity?.nodeAffinity
        let required = affinity?.requiredDuringSchedulingIgnoredDuringExecution
        let preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
        self.init(
            nodeSelector: Labels(spec.nodeSelector.map { ($0.key, $0.value) }),
            required: required?.nodeSelectorTerms.map(NodeSelectorTerm.init),
            preferred: preferred.map {
                PreferredTerm(weight: Int32(clamping: $0.weight), NodeSelectorTerm($0.preference))
            },
            tolerations: spec.tolerations.map(Toleration.init))
    }
}

extension NodeSelectorTerm {
    fileprivate init(_ term: CoreV1.NodeSelectorTerm) {
        self.init(
            term.matchExpressions.compactMap { requirement in
                LabelRequirement.Operator(rawValue: requirement.operator).map {
                    LabelRequirement(requirement.key, $0, requirement.values)
                }
            },
            fields: term.matchFields.compactMap { requirement in
                LabelRequirement.Operator(rawValue: requirement.operator).map {
                    FieldRequirement(requirement.key, $0, requirement.values)
                }
            })
    }
}

extension Toleration {
    fileprivate init(_ toleration: CoreV1.Toleration) {
        self.init(
            key: toleration.key, operator: Operator(rawValue: toleration.operator) ?? .equal,
            value: toleration.value, effect: Taint.Effect(rawValue: toleration.effect))
    }
}

extension HostPort {
    fileprivate init?(_ port: CoreV1.ContainerPort) {
        guard port.hostPort > 0 else { return nil }
        self.init(
            address: port.hostIP, networkProtocol: port.protocol, port: Int32(clamping: port.hostPort))
    }
}

extension PodRequests {
    fileprivate init(_ spec: CoreV1.PodSpec) {
        self.init(
            containers: spec.containers.map { ContainerRequests($0.resources, isSidecar: false) },
            initContainers: spec.initContainers.map {
                ContainerRequests($0.resources, isSidecar: $0.restartPolicy == "Always")
            },
            overhead: ResourceAmounts(spec.overhead),
            podLevel: spec.resources.map { ContainerRequests($0, isSidecar: false) })
    }
}

extension ContainerRequests {
    /// What is limited but not requested is requested as it is limited; the API's defaults say so.
    fileprivate init(_ resources: CoreV1.ResourceRequirements, isSidecar: Bool) {
        let requests = resources.requests
        self.init(
            ResourceAmounts(requests), asksForCPU: requests["cpu"] != nil,
            asksForMemory: requests["memory"] != nil, isSidecar: isSidecar)
    }
}
