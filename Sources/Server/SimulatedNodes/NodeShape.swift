import APIClient
import Kubernetes
public import Wire

/// What simulated nodes look like. Defaults are those of martlet-nodes.
public struct NodeShape: Sendable {
    /// Nodes are called by this and a number from 1.
    public var namePrefix = "node-"
    public var cpu = Quantity(4)
    public var memory: Quantity
    /// Pods a node takes.
    public var pods = 110
    /// Zones that the nodes are spread over: `zone-1`, ...; 0 for none.
    public var zones = 3
    /// Further labels of each node.
    public var labels: [String: String] = [:]
    public var kubeletVersion = "v1.36.0-martlet"
    /// Write an event when a container starts or stops.
    public var recordsEvents = true

    /// Nodes that there can be: their addresses come from 10.128.0.0/9, 254 pods each.
    public static let countMax = 32_768

    public init() { memory = Quantity(32 << 30, format: .binarySI) }
}

/// One of the simulated nodes, and where it is.
struct NodePlace: Hashable, Sendable {
    /// From 0.
    let index: Int
    let name: String
    let zone: String?

    init(_ index: Int, _ shape: NodeShape) {
        self.index = index
        name = "\(shape.namePrefix)\(index + 1)"
        zone = shape.zones > 0 ? "zone-\(index % shape.zones + 1)" : nil
    }

    /// Address of the node itself, in 172.16.0.0/12.
    var hostIP: String {
        let number = index + 1
        return "172.\(16 + number >> 16).\(number >> 8 & 255).\(number & 255)"
    }

    /// The first three parts of its pods' addresses.
    private var network: String { "10.\(128 + index / 256).\(index % 256)" }
    var podCIDR: String { "\(network).0/24" }

    /// The address of number 1 to 254 in the node's network.
    func podIP(_ number: Int) -> String { "\(network).\(number)" }

    /// The number of an address in the node's network; nil if it is of another.
    func number(ofPodIP address: String) -> Int? {
        guard address.hasPrefix(network + ".") else { return nil }
        return Int(address.dropFirst(network.utf8.count + 1))
    }
}

// MARK: As objects

extension NodePlace {
    /// The node as it registers itself.
    func node(_ shape: NodeShape, now: Timestamp) -> CoreV1.Node {
        CoreV1.Node {
            $0.metadata.name = name
            $0.metadata.labels = labels(shape)
            $0.metadata.annotations["simulated.martlet.dev/node"] = "true"
            $0.spec.podCIDR = podCIDR
            $0.spec.podCIDRs = [podCIDR]
            $0.spec.providerID = "simulated://\(name)"
            $0.status = status(shape, before: CoreV1.NodeStatus(), now: now)
        }
    }

    private func labels(_ shape: NodeShape) -> [String: String] {
        var labels = [
            "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
            "kubernetes.io/hostname": name,
        ]
        if let zone {
            labels["topology.kubernetes.io/region"] = "simulated"
            labels["topology.kubernetes.io/zone"] = zone
        }
        return labels.merging(shape.labels) { _, own in own }
    }

    /// The node's status: well, and of its shape.
    func status(
        _ shape: NodeShape, before: CoreV1.NodeStatus, now: Timestamp
    ) -> CoreV1.NodeStatus {
        var status = before
        status.capacity = [
            "cpu": shape.cpu, "memory": shape.memory, "pods": Quantity(shape.pods),
            "ephemeral-storage": Quantity(100 << 30, format: .binarySI),
        ]
        status.allocatable = status.capacity
        status.addresses = [address("InternalIP", hostIP), address("Hostname", name)]
        status.daemonEndpoints.kubeletEndpoint.port = 10250
        status.nodeInfo = info(shape)
        for (type, value, reason, message) in Self.health {
            let old = before.conditions.first { $0.type == type }
            let condition = CoreV1.NodeCondition {
                $0.type = type
                $0.status = value
                $0.reason = reason
                $0.message = message
                $0.lastHeartbeatTime = now.wholeSeconds
                $0.lastTransitionTime =
                    old?.status == value ? old?.lastTransitionTime : now.wholeSeconds
            }
            status.conditions.removeAll { $0.type == type }
            status.conditions.append(condition)
        }
        return status
    }

    private static let health = [
        (
            "MemoryPressure", "False", "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available"
        ),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        (
            "PIDPressure", "False", "KubeletHasSufficientPID",
            "kubelet has sufficient PID available"
        ),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]

    private func address(_ type: String, _ address: String) -> CoreV1.NodeAddress {
        CoreV1.NodeAddress {
            $0.type = type
            $0.address = address
        }
    }

    private func info(_ shape: NodeShape) -> CoreV1.NodeSystemInfo {
        CoreV1.NodeSystemInfo {
            $0.machineID = name
            $0.systemUUID = name
            $0.bootID = name
            $0.kernelVersion = "simulated"
            $0.osImage = "Simulated node of Martlet"
            $0.containerRuntimeVersion = "simulated://1.0"
            $0.kubeletVersion = shape.kubeletVersion
            $0.operatingSystem = "linux"
            $0.architecture = "amd64"
        }
    }

    static let leaseNamespace = "kube-node-lease"
    /// Seconds after which a node that did not renew is taken for lost.
    static let leaseSeconds = 40

    func lease(of node: CoreV1.Node, now: Timestamp) -> CoordinationV1.Lease {
        CoordinationV1.Lease {
            $0.metadata.name = name
            $0.metadata.namespace = Self.leaseNamespace
            $0.metadata.ownerReferences = [
                MetaV1.OwnerReference {
                    $0.apiVersion = "v1"
                    $0.kind = "Node"
                    $0.name = name
                    $0.uid = node.metadata.uid
                }
            ]
            $0.spec.holderIdentity = name
            $0.spec.leaseDurationSeconds = Self.leaseSeconds
            $0.spec.renewTime = now.wholeMicroseconds
        }
    }
}
