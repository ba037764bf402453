import APIClient
import Kubernetes
import Wire

/// The copies that tell which pods a service has, and which services a pod is in.
struct ServiceWatch: Sendable {
    let services: Informer
    let pods: Informer
    let nodes: Informer

    init(_ informers: InformerSet) {
        services = informers.informer(CoreV1.Service.messageType, .selector)
        pods = informers.informer(CoreV1.Pod.messageType, .label)
        nodes = informers.informer(CoreV1.Node.messageType)
    }

    /// Has `loop` look at a service when it changes, or a pod that it selects or did select.
    func feed(_ loop: ControllerLoop) {
        loop.follow(services) { [$0.key] }
        loop.follow(pods) { change in
            let pods = [change.old, change.new].compactMap { $0.flatMap(CoreV1.Pod.init) }
            if pods.count == 2, pods[0].looksAlike(pods[1]) { return [] }
            return keys(of: pods)
        }
    }

    private func keys(of pods: [CoreV1.Pod]) -> [ObjectKey] {
        let keys = pods.flatMap { pod in
            services.candidates(CoreV1.Service.self, selecting: pod.tree)
                .filter { pod.metadata.labels.contains(all: $0.spec.selector) }
                .map { ObjectKey(of: $0.tree) }
        }
        return Array(Set(keys))
    }

    /// A service and its pods. Nil if there is no such service.
    func observe(_ key: ObjectKey) -> ObservedService? {
        guard let service = services.view(CoreV1.Service.self, key) else { return nil }
        guard service.selectsPods else { return ObservedService(service: service, pods: []) }
        let demanded = SelectorKey(key.namespace, selector: service.spec.selector)
        let selected = pods.views(CoreV1.Pod.self, .label, demanded.text)
            .filter { $0.metadata.labels.contains(all: service.spec.selector) }
        var zones: [String: String] = [:]
        for name in Set(selected.map(\.spec.nodeName)) where !name.isEmpty {
            let node = nodes.object(ObjectKey(name: name))
            zones[name] = node?.objectMeta.labels["topology.kubernetes.io/zone"]
        }
        return ObservedService(service: service, pods: selected, zones: zones)
    }
}

extension CoreV1.Pod {
    /// No service can tell the difference.
    fileprivate func looksAlike(_ other: CoreV1.Pod) -> Bool {
        metadata.labels == other.metadata.labels && isReady == other.isReady
            && metadata.isBeingDeleted == other.metadata.isBeingDeleted
            && status.podIPs == other.status.podIPs && status.podIP == other.status.podIP
            && spec.nodeName == other.spec.nodeName && hasEnded == other.hasEnded
            && metadata.uid == other.metadata.uid
    }
}
