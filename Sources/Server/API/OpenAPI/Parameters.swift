import Wire

/// A parameter of an operation, in its path or query.
struct Parameter {
    enum Place: String {
        case path, query
    }

    let name: String
    let type: String
    let place: Place

    private init(_ name: String, _ type: String = "string", _ place: Place = .query) {
        self.name = name
        self.type = type
        self.place = place
    }

    static func placeholder(_ name: String) -> Parameter { Parameter(name, "string", .path) }

    static let pretty = Parameter("pretty")

    /// What changes of all sorts take.
    private static let writing = [
        Parameter("dryRun"), Parameter("fieldManager"), Parameter("fieldValidation"),
    ]
    private static let patching = writing + [Parameter("force", "boolean")]
    private static let deleting = [
        Parameter("dryRun"), Parameter("gracePeriodSeconds", "integer"),
        Parameter("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"),
        Parameter("orphanDependents", "boolean"), Parameter("propagationPolicy"),
    ]
    private static let selecting = [
        Parameter("continue"), Parameter("fieldSelector"), Parameter("labelSelector"),
        Parameter("limit", "integer"), Parameter("resourceVersion"),
        Parameter("resourceVersionMatch"), Parameter("sendInitialEvents", "boolean"),
        Parameter("timeoutSeconds", "integer"),
    ]
    private static let listing =
        [Parameter("allowWatchBookmarks", "boolean"), Parameter("watch", "boolean")] + selecting
    private static let deletingCollection = deleting + selecting

    /// What the query of an operation may hold.
    static func of(_ verb: APIVerb) -> [Parameter] {
        switch verb {
        case .get: []
        case .list: listing
        case .create, .update: writing
        case .patch: patching
        case .delete: deleting
        case .deleteCollection: deletingCollection
        }
    }

    func value(_ dialect: Dialect) -> Value {
        let isRequired: Value? = place == .path ? .bool(true) : nil
        let common: KeyValuePairs<String, Value?> =
            switch dialect {
            case .version2: ["type": .string(type), "uniqueItems": .bool(true)]
            case .version3:
                ["schema": .object(["type": .string(type), "uniqueItems": .bool(true)])]
            }
        guard case .map(var members) = Value.object(common) else { return .null }
        members["name"] = .string(name)
        members["in"] = .string(place.rawValue)
        members["required"] = isRequired
        return .map(members)
    }
}
