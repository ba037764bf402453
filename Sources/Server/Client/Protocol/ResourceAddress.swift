import Kubernetes
public import Wire

/// Where a request goes: a resource, and within it a namespace, an object, a part of an object.
public struct ResourceAddress: Hashable, Sendable {
    /// Of the kind that the resource serves; its ``Wire/MessageType/resource`` is not nil.
    public let type: MessageType
    /// Nil for cluster-scoped resources, and for lists and watches over all namespaces.
    public let namespace: String?
    /// Nil for lists, watches, creates and collections.
    public let name: String?
    /// `status`, `scale`, `binding`, `eviction`, `finalize`, ...
    public let subresource: String?

    /// Empty strings stand for nil, so that `metadata.namespace` can be passed as it is.
    public init(
        _ type: MessageType, namespace: String? = nil, name: String? = nil,
        subresource: String? = nil
    ) {
        precondition(type.resource != nil, "\(type.name) is served by no resource")
        self.type = type
        self.namespace = namespace?.isEmpty == true ? nil : namespace
        self.name = name?.isEmpty == true ? nil : name
        self.subresource = subresource
    }

    /// The resource that serves ``type``.
    public var resource: Resource {
        guard let resource = type.resource else { preconditionFailure("checked by init") }
        return resource
    }

    /// The same object's subresource.
    public func part(_ subresource: String) -> ResourceAddress {
        ResourceAddress(type, namespace: namespace, name: name, subresource: subresource)
    }
}

extension ResourceAddress {
    /// Where `object` lives, which is of a kind that a resource serves.
    public init(of object: Message, subresource: String? = nil) {
        let metadata = object.objectMeta
        self.init(
            object.type, namespace: metadata.namespace, name: metadata.name,
            subresource: subresource)
    }
}

extension ResourceAddress: CustomStringConvertible {
    /// `deployments.apps default/web/status`.
    public var description: String {
        let group = type.group.isEmpty ? "" : "." + type.group
        let path = [namespace, name, subresource].compactMap { $0 }.joined(separator: "/")
        return "\(resource.name)\(group) \(path)"
    }
}
