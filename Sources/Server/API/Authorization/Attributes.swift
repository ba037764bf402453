public import APIErrors
public import Authentication
public import Wire

/// A question to the authorizer: who wants to do what.
public struct Attributes: Hashable, Sendable {
    public var user: UserInfo
    /// `get`, `list`, ...; for paths the HTTP method in lower case.
    public var verb: String
    /// Whether it is about a resource; else it is about ``path``.
    public var isResourceRequest: Bool
    public var apiGroup: String
    public var apiVersion: String
    public var resource: String
    public var subresource: String
    /// Empty for resources of the cluster and requests over all namespaces.
    public var namespace: String
    public var name: String
    /// What fields the objects must have that a list or watch asks for.
    public var fieldRequirements: [FieldSelector.Requirement] = []
    public var path: String

    /// About a resource.
    public init(user: UserInfo, verb: String, apiGroup: String = "", apiVersion: String = "v1",
                resource: String, subresource: String = "", namespace: String = "",
                name: String = "") {
        self.user = user
        self.verb = verb
        isResourceRequest = true
        self.apiGroup = apiGroup
        self.apiVersion = apiVersion
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
        path = ""
    }

    /// About a path that is no resource's, such as `/version`.
    public init(user: UserInfo, verb: String, path: String) {
        self.init(user: user, verb: verb, apiVersion: "", resource: "")
        isResourceRequest = false
        self.path = path
    }

    /// About impersonating somebody.
    public init(_ check: Impersonation.Check, by user: UserInfo) {
        self.init(user: user, verb: "impersonate", apiGroup: check.apiGroup,
                  resource: check.resource, subresource: check.subresource,
                  namespace: check.namespace, name: check.name)
    }

    /// 403 in Kubernetes' words.
    public func forbidden(reason: String = "") -> APIError {
        let message = refusal.escapingHTML + (reason.isEmpty ? "" : ": \(reason)")
        return .forbidden(
            GroupResource(group: apiGroup, resource: resource), name, because: message)
    }

    private var refusal: String {
        guard isResourceRequest else {
            return "User \(user.name.quoted) cannot \(verb) path \(path.quoted)"
        }
        let full = subresource.isEmpty ? resource : "\(resource)/\(subresource)"
        let scope = namespace.isEmpty
            ? "at the cluster scope" : "in the namespace \(namespace.quoted)"
        return "User \(user.name.quoted) cannot \(verb) resource \(full.quoted) "
            + "in API group \(apiGroup.quoted) \(scope)"
    }
}

extension String {
    /// Without anything that a browser could take for a tag.
    fileprivate var escapingHTML: String {
        guard utf8.contains(where: { "&<>".utf8.contains($0) }) else { return self }
        return reduce(into: "") { text, character in
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            default: text.append(character)
            }
        }
    }
}
