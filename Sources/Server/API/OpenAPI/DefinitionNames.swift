import Wire

extension MessageType {
    /// What OpenAPI calls the message: `io.k8s.api.core.v1.Pod`.
    ///
    /// The names follow from where Kubernetes keeps its types; clients look some of them up.
    var definitionName: String {
        switch form {
        case .quantity: return "io.k8s.apimachinery.pkg.api.resource.Quantity"
        case .intOrString: return "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
        default: break
        }
        let parts = name.split(separator: ".", maxSplits: 2)
        guard parts.count == 3, parts[0] == "kubernetes" else { return "dev.\(name)" }
        let place =
            switch parts[1] {
            case "meta": "apimachinery.pkg.apis.meta"
            case "runtime": "apimachinery.pkg.runtime"
            case "apiextensions": "apiextensions-apiserver.pkg.apis.apiextensions"
            case "apiregistration": "kube-aggregator.pkg.apis.apiregistration"
            default: "api.\(parts[1])"
            }
        return "io.k8s.\(place).\(parts[2])"
    }

    /// The group that clients know it by.
    var clientGroup: String { clientAPIVersion == apiVersion ? group : "" }

    /// The kind of its lists, if it has them.
    var listType: MessageType? { Schema.kind(apiVersion, "\(kind)List") }

    /// The messages that its definition refers to.
    var references: [MessageType] {
        guard form == .fields else { return [] }
        return fields.flatMap { field in
            guard let type = field.type, field.kind != .items else { return [MessageType]() }
            return field.isInline ? type.references : [type]
        }
    }

    static func meta(_ kind: String) -> MessageType {
        Schema.messageType("kubernetes.meta.v1.\(kind)")
    }
}

/// The messages in `roots` and all that they refer to, sorted by the names of their definitions;
/// of several with one name, one.
func reachable(from roots: [MessageType]) -> [(name: String, type: MessageType)] {
    var found: [String: MessageType] = [:]
    var waiting = roots
    while let type = waiting.popLast() {
        guard found.updateValue(type, forKey: type.definitionName) == nil else { continue }
        waiting += type.references
    }
    return found.map { (name: $0.key, type: $0.value) }.sorted { $0.name.precedes($1.name) }
}
