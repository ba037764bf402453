import StoreCore
import Wire

/// Where objects stand in the store: /registry/<cluster>/<group>/<resource>/[<namespace>/]<name>.
///
/// The core group, which has no name, stands as `core`.
struct KeyLayout: Sendable {
    /// Begins every key of the cluster, and ends with a slash.
    let prefix: [UInt8]

    init(cluster: String) { prefix = Array("/registry/\(cluster)/".utf8) }

    /// The key that is written by whoever gives `name` to an object. It is no object's.
    func claim(of name: String) -> [UInt8] {
        Array("/claims".utf8) + prefix.dropFirst("/registry".utf8.count) + Array(name.utf8)
    }

    /// The range of all objects of the cluster.
    var all: KeyRange { .prefix(prefix) }

    func key(_ type: MessageType, _ resource: Resource, namespace: String?, name: String) -> [UInt8] {
        var key = collection(type, resource, namespace: namespace)
        key.append(contentsOf: name.utf8)
        return key
    }

    /// What every key of a collection begins with; of all namespaces if `namespace` is nil.
    func collection(_ type: MessageType, _ resource: Resource, namespace: String?) -> [UInt8] {
        var key = prefix
        key.append(contentsOf: (type.group.isEmpty ? "core" : type.group).utf8)
        key.append(UInt8(ascii: "/"))
        key.append(contentsOf: resource.name.utf8)
        key.append(UInt8(ascii: "/"))
        if let namespace {
            key.append(contentsOf: namespace.utf8)
            key.append(UInt8(ascii: "/"))
        }
        return key
    }

    /// What tells one collection from another in a key: `core/pods`. Nil if it is no object's key.
    func collectionName(of key: some Sequence<UInt8>) -> [UInt8]? {
        var slashes = 0
        var name: [UInt8] = []
        for byte in key.dropFirst(prefix.count) {
            if byte == UInt8(ascii: "/") { slashes += 1 }
            if slashes == 2 { return name }
            name.append(byte)
        }
        return nil
    }
}
