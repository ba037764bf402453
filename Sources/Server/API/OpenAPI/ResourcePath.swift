import Wire

/// A path of a resource and what can be done there.
struct ResourcePath {
    enum Reach {
        case collection, allNamespaces, object
    }

    let type: MessageType
    let resource: Resource
    let reach: Reach
    let subresource: Resource.Subresource?

    /// All paths of a resource, its collection first.
    static func all(of type: MessageType) -> [ResourcePath] {
        guard let resource = type.resource else { return [] }
        var paths = [Reach.collection, .object].map { ResourcePath(type, resource, $0) }
        if resource.isNamespaced { paths.append(ResourcePath(type, resource, .allNamespaces)) }
        paths += resource.subresources.map { ResourcePath(type, resource, .object, $0) }
        return paths.filter { !$0.verbs.isEmpty }
    }

    private init(
        _ type: MessageType, _ resource: Resource, _ reach: Reach,
        _ subresource: Resource.Subresource? = nil
    ) {
        self.type = type
        self.resource = resource
        self.reach = reach
        self.subresource = subresource
    }

    var template: String {
        let base = type.group.isEmpty ? "/api/\(type.version)" : "/apis/\(type.apiVersion)"
        switch reach {
        case .allNamespaces: return "\(base)/\(resource.name)"
        case .collection: return "\(base)\(scope)/\(resource.name)"
        case .object:
            let rest = subresource.map { "/\($0.name)" } ?? ""
            return "\(base)\(scope)/\(resource.name)/{name}\(rest)"
        }
    }

    private var scope: String { resource.isNamespaced ? "/namespaces/{namespace}" : "" }

    /// What stands in braces in the template.
    var placeholders: [String] {
        let name = reach == .object ? ["name"] : []
        return isInNamespace ? name + ["namespace"] : name
    }

    var isInNamespace: Bool { resource.isNamespaced && reach != .allNamespaces }

    var verbs: [APIVerb] {
        let possible: [APIVerb] =
            switch reach {
            case .allNamespaces: [.list]
            case .collection: [.list, .create, .deleteCollection]
            case .object where subresource != nil: [.get, .create, .update, .patch, .delete]
            case .object: [.get, .update, .patch, .delete]
            }
        let served = subresource?.verbs ?? resource.verbs
        return possible.filter { served.contains($0.rawValue) }
    }

    /// Whether the subresource is a connection through to something, not an object.
    var isConnection: Bool { subresource.map { $0.kind.hasSuffix("Options") } ?? false }

    /// Group, version and kind of what is read and written there.
    var kind: (group: String, version: String, kind: String) {
        guard let subresource else { return (type.group, type.version, type.kind) }
        let group = subresource.group ?? type.group
        return (group, subresource.version ?? type.version, subresource.kind)
    }

    /// The message that is read and written there; nil if it is no object.
    var objectType: MessageType? {
        guard let subresource else { return type }
        guard !isConnection, subresource.name != "log" else { return nil }
        let (group, version, name) = kind
        return Schema.kind(group.isEmpty ? version : "\(group)/\(version)", name)
    }

    /// Every message that its operations refer to.
    var references: [MessageType] {
        [objectType, type.listType, .meta("DeleteOptions"), .meta("Status"), .meta("Patch")]
            .compactMap { $0 }
    }
}

/// What can be done to a resource, as Kubernetes calls it.
enum APIVerb: String {
    case get, list, create, update, patch, delete
    case deleteCollection = "deletecollection"

    /// The method of HTTP, which is also the member of a path.
    var method: String {
        switch self {
        case .get, .list: "get"
        case .create: "post"
        case .update: "put"
        case .patch: "patch"
        case .delete, .deleteCollection: "delete"
        }
    }

    /// `x-kubernetes-action`
    var action: String {
        switch self {
        case .list, .deleteCollection: rawValue
        default: method
        }
    }

    /// How names of operations begin.
    var word: String {
        switch self {
        case .get: "read"
        case .update: "replace"
        case .deleteCollection: "delete"
        default: rawValue
        }
    }
}
