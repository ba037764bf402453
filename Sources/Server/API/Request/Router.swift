import APIErrors
import Wire

/// Finds what a path addresses.
struct Router: Sendable {
    /// What a path and its verb lead to.
    struct Route: Sendable {
        let type: MessageType
        let resource: Resource
        let subresource: Resource.Subresource?
        let verb: Operation.Verb

        /// Whether clients may ask for tables and metadata alone.
        var allowsShapes: Bool { subresource == nil || subresource?.name == "status" }
    }

    private let types: [String: MessageType]
    private let groups: Set<String>

    init() {
        var types: [String: MessageType] = [:]
        for type in Schema.resourceTypes {
            guard let resource = type.resource else { continue }
            types["\(type.apiVersion)/\(resource.name)"] = type
        }
        self.types = types
        groups = Set(types.values.map(\.group))
    }

    /// Whether any resource of a group is served.
    func serves(group: String) -> Bool { groups.contains(group) }

    /// - Throws: 404 for what is not served, 405 for what cannot be done to it.
    func route(_ target: RequestTarget) throws(APIError) -> Route {
        let apiVersion = target.group.isEmpty ? target.version : "\(target.group)/\(target.version)"
        guard let type = types["\(apiVersion)/\(target.resource)"], let resource = type.resource
        else { throw .unknownPath }
        let isOfNamespace = target.namespace != nil && target.resource != "namespaces"
        guard resource.isNamespaced || !isOfNamespace else { throw .unknownPath }
        let isReach = target.name != nil || target.verb == "create"
        if resource.isNamespaced, target.namespace == nil {
            // Lists and watches go over all namespaces; all else needs one.
            if target.name != nil { throw .unknownPath }
            if isReach || target.verb == "deletecollection" { throw .methodNotAllowed }
        }
        guard let name = target.subresource else {
            return try main(type, resource, target)
        }
        guard target.rest.isEmpty,
            let subresource = resource.subresources.first(where: { $0.name == name })
        else { throw .unknownPath }
        guard let verb = Operation.Verb(rawValue: target.verb),
            subresource.verbs.contains(target.verb)
        else { throw .methodNotAllowed }
        return Route(type: type, resource: resource, subresource: subresource, verb: verb)
    }

    private func main(
        _ type: MessageType, _ resource: Resource, _ target: RequestTarget
    ) throws(APIError) -> Route {
        let verb = Operation.Verb(rawValue: target.verb)
        let needsName: Set<Operation.Verb> = [.get, .update, .patch, .delete]
        guard let verb, resource.verbs.contains(target.verb),
            verb == .watch || needsName.contains(verb) == (target.name != nil)
        else { throw .methodNotAllowed }
        return Route(type: type, resource: resource, subresource: nil, verb: verb)
    }
}
