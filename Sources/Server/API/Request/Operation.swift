import APIErrors
public import Authentication
public import Tables
public import Wire

/// A request that has been understood: who wants what done to which objects.
public struct Operation: Sendable {
    public enum Verb: String, Sendable {
        case get, list, watch, create, update, patch, delete, deletecollection
    }

    public var caller: UserInfo
    public var verb: Verb
    /// The type of the resource's objects, also if a subresource is addressed.
    public var type: MessageType
    public var resource: Resource
    public var subresource: Resource.Subresource?
    /// Nil for resources of the cluster, and for lists over all namespaces.
    public var namespace: String?
    public var name: String?
    public var body = Body.none
    public var list = ListParameters()
    public var write = WriteParameters()
    /// How clients see the objects, if they are stored as another kind.
    var conversion: Conversion?
    /// Takes what is odd about the request but let through.
    public let warnings = Warnings()

    public enum Body: Sendable {
        case none
        /// As a client sent it, with its Content-Type.
        case encoded([UInt8], mediaType: String)
        /// As a part of this process made it.
        case tree(Message)
    }

    public init(
        caller: UserInfo, verb: Verb, type: MessageType, resource: Resource,
        subresource: Resource.Subresource? = nil, namespace: String? = nil, name: String? = nil
    ) {
        self.caller = caller
        self.verb = verb
        self.type = type
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
    }

    /// The resource's group and name as errors name them.
    var qualified: GroupResource { GroupResource(group: type.group, resource: resource.name) }

    /// The type that clients see.
    var servedType: MessageType { conversion?.served ?? type }

    /// The type of the objects that the body holds.
    var bodyType: MessageType {
        guard let subresource else { return servedType }
        let version = subresource.version ?? servedType.version
        let group = subresource.group ?? servedType.group
        let apiVersion = group.isEmpty ? version : "\(group)/\(version)"
        return Schema.kind(apiVersion, subresource.kind) ?? servedType
    }
}

/// The parameters of a list or watch.
public struct ListParameters: Sendable {
    public var labelSelector = ""
    public var fieldSelector = ""
    public var resourceVersion = ""
    public var resourceVersionMatch = ""
    public var limit = 0
    public var continueToken = ""
    public var timeoutSeconds: Int?
    public var allowsBookmarks = false
    public var sendsInitialEvents: Bool?
    /// What the rows of a table carry of their objects.
    public var tableObjects = IncludedObject.metadata

    public init() {}
}

/// The parameters of a write.
public struct WriteParameters: Sendable {
    public enum FieldValidation: String, Sendable { case ignore = "Ignore", warn = "Warn", strict = "Strict" }

    public var isDryRun = false
    public var fieldManager = ""
    /// Server-side apply takes fields over from other managers.
    public var isForced = false
    public var fieldValidation = FieldValidation.warn
    public var patch: PatchKind?
    public var delete = DeletionParameters()

    public init() {}
}

/// How the body of a patch is to be understood.
public enum PatchKind: String, Sendable {
    case json = "application/json-patch+json"
    case merge = "application/merge-patch+json"
    case strategic = "application/strategic-merge-patch+json"
    case apply = "application/apply-patch+yaml"
}

/// What a deletion asks for.
public struct DeletionParameters: Sendable {
    public enum Propagation: String, Sendable {
        case background = "Background", foreground = "Foreground", orphan = "Orphan"
    }

    public var gracePeriodSeconds: Int?
    public var propagation: Propagation?
    public var preconditionUID: String?
    public var preconditionResourceVersion: String?

    public init() {}
}
