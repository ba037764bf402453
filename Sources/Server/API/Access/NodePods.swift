import APIErrors
import Authorization
import Kubernetes
import Store
import StoreCore
import Synchronization
import Wire

/// Which pods are on which node, kept up with the store: a bound pod's node may see what the pod
/// needs from the moment that the binding is acknowledged. Everything else about them is read
/// when a node asks.
final class NodePods: NodeRelations {
    private struct Key: Hashable {
        let namespace: String
        let name: String
    }

    private let store: Store
    private let layout: KeyLayout
    private let pods = Mutex<[String: Set<Key>]>([:])

    init(store: Store, layout: KeyLayout) {
        self.store = store
        self.layout = layout
    }

    /// Takes in what is there, and follows what changes.
    func follow(_ registry: Registry) throws(APIError) {
        registry.hub.observe([CoreV1.Pod.messageType]) { [weak self] event in self?.take(event) }
        let all = Operation(caller: .system, verb: .list, of: CoreV1.Pod.messageType)
        var pages = try registry.list(all).pages
        while try pages.next({ bytes, _ throws(APIError) in
            if let node = Self.nodeName(bytes) { insert(bytes, on: node) }
        }) {}
    }

    private func take(_ event: ObjectEvent) {
        let before = event.previous.flatMap { unsafe Self.nodeName($0.span.bytes) }
        let after = event.object.flatMap { unsafe Self.nodeName($0.span.bytes) }
        guard before != after else { return }
        if let before, let old = event.previous { remove(old, from: before) }
        if let after, let new = event.object { unsafe insert(new.span.bytes, on: after) }
    }

    private func insert(_ pod: RawSpan, on node: String) {
        guard let key = Self.key(pod) else { return }
        pods.withLock { _ = $0[node, default: []].insert(key) }
    }

    private func remove(_ pod: [UInt8], from node: String) {
        guard let key = unsafe Self.key(pod.span.bytes) else { return }
        pods.withLock { pods in
            pods[node]?.remove(key)
            if pods[node]?.isEmpty == true { pods[node] = nil }
        }
    }

    /// Nil for a pod that is on none. What is stored was written by the registry, and can be read.
    private static func nodeName(_ pod: RawSpan) -> String? {
        let name = (try? ObjectCodec.text(at: [specNumber, nodeNameNumber], of: pod)) ?? nil
        return name?.isEmpty == true ? nil : name
    }

    private static let specNumber = number(of: "spec", in: CoreV1.Pod.messageType)
    private static let nodeNameNumber = number(of: "nodeName", in: CoreV1.PodSpec.messageType)

    private static func number(of field: String, in type: MessageType) -> Int {
        guard let field = type.field(field) else {
            preconditionFailure("\(type.name) has no field \(field)")
        }
        return field.number
    }

    private static func key(_ pod: RawSpan) -> Key? {
        guard let header = try? ObjectHeader(pod) else { return nil }
        return Key(namespace: header.namespace, name: header.name)
    }

    // MARK: What there is

    func pods(on node: String, in namespace: String) -> [CoreV1.Pod] {
        let keys = pods.withLock { $0[node] ?? [] }
        return keys.filter { $0.namespace == namespace }
            .compactMap { find($0.name, in: $0.namespace) }
    }

    func isPod(_ name: String, in namespace: String, on node: String) -> Bool {
        pods.withLock { $0[node]?.contains(Key(namespace: namespace, name: name)) ?? false }
    }

    func claim(_ name: String, in namespace: String) -> CoreV1.PersistentVolumeClaim? {
        find(name, in: namespace)
    }

    func volume(_ name: String) -> CoreV1.PersistentVolume? { find(name) }

    func node(ofAttachment name: String) -> String? {
        let attachment: StorageV1.VolumeAttachment? = find(name)
        return attachment?.spec.nodeName
    }

    func node(ofSlice name: String) -> String? {
        let slice: ResourceV1.ResourceSlice? = find(name)
        return slice?.spec.nodeName
    }

    /// What cannot be read relates to nobody.
    private func find<Kind: MessageView>(_ name: String, in namespace: String? = nil) -> Kind? {
        guard let resource = Kind.messageType.resource else { return nil }
        let key = layout.key(Kind.messageType, resource, namespace: namespace, name: name)
        guard let entry = try? store.get(key),
            let tree = try? ObjectCodec.message(entry.value, as: Kind.messageType)
        else { return nil }
        return Kind(tree)
    }
}
