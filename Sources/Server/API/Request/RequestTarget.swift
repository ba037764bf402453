/// What a request's path and method address, before anyone knows whether it exists.
///
/// Authorization decides on this alone, so that who may not ask does not learn what there is.
public struct RequestTarget: Sendable, Equatable {
    public var verb: String
    /// The decoded path, without the query.
    public var path: String
    /// False for documents such as /version and /api.
    public var isResource = false
    public var group = ""
    public var version = ""
    public var resource = ""
    public var namespace: String?
    public var name: String?
    public var subresource: String?
    /// What stands after the subresource, of proxies.
    public var rest: [String] = []

    /// What an operation of the process' own addresses.
    init(
        verb: String, group: String, version: String, resource: String, namespace: String?,
        name: String?, subresource: String?
    ) {
        path = ""
        self.verb = verb
        isResource = true
        self.group = group
        self.version = version
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.subresource = subresource
    }

    /// Reads a path such as `/apis/apps/v1/namespaces/a/deployments/web/status`.
    ///
    /// - Source: Kubernetes' API conventions, "Verbs on Resources".
    public init(method: String, path: String, query: QueryParameters) {
        self.path = path
        verb = method.lowercased()
        var parts = path.split(separator: "/").map { percentDecoded($0) }[...]
        guard let prefix = parts.popFirst(), prefix == "api" || prefix == "apis" else { return }
        if prefix == "apis" {
            guard parts.count >= 3 else { return }
            group = parts.removeFirst()
        } else {
            guard parts.count >= 2 else { return }
        }
        version = parts.removeFirst()
        isResource = true
        let isOldWatch = parts.first == "watch" && parts.count > 1
        if isOldWatch { parts.removeFirst() }
        readResource(parts)
        verb = Self.verb(
            method: method, isCollection: name == nil, isOldWatch: isOldWatch, query: query)
        nameFromSelector(query)
    }

    private mutating func readResource(_ parts: ArraySlice<String>) {
        var parts = parts
        if parts.first == "namespaces", parts.count > 2,
            !["status", "finalize"].contains(parts[parts.startIndex + 2]) {
            namespace = parts[parts.startIndex + 1]
            parts = parts.dropFirst(2)
        } else if parts.first == "namespaces", parts.count > 1 {
            namespace = parts[parts.startIndex + 1]
        }
        resource = parts.popFirst() ?? ""
        name = parts.popFirst()
        subresource = parts.popFirst()
        rest = Array(parts)
    }

    private static func verb(
        method: String, isCollection: Bool, isOldWatch: Bool, query: QueryParameters
    ) -> String {
        switch method {
        case "GET", "HEAD":
            if isOldWatch || (query.flag("watch") && isCollection) { return "watch" }
            return isCollection ? "list" : "get"
        case "POST": return "create"
        case "PUT": return "update"
        case "PATCH": return "patch"
        case "DELETE": return isCollection ? "deletecollection" : "delete"
        default: return method.lowercased()
        }
    }

    /// A list or watch of `metadata.name=x` is authorized as one of that name.
    private mutating func nameFromSelector(_ query: QueryParameters) {
        guard name == nil, ["list", "watch", "deletecollection"].contains(verb),
            let selector = query["fieldSelector"]
        else { return }
        fieldSelector = selector
        for part in selector.split(separator: ",") where part.hasPrefix("metadata.name=") {
            selectedName = String(part.dropFirst("metadata.name=".count).drop { $0 == "=" })
        }
    }

    /// The one name that a list or watch selects.
    public var selectedName: String?
    /// What a list or watch selects, as the request says it.
    public var fieldSelector = ""
}
