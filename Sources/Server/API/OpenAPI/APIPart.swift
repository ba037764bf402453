import Wire

/// A part of the API that has a document of its own: a group's version, or a list of such.
struct APIPart {
    enum Content {
        /// The resources of a group's version.
        case resources(group: String, version: String)
        /// One object that says what there is.
        case discovery(MessageType)
        /// JSON that no message describes.
        case text
    }

    /// Without slashes at its ends: `apis/apps/v1`.
    let path: String
    let content: Content

    /// Every group and version that has resources, in the schema's order.
    static let groupVersions: [(group: String, version: String)] = {
        var seen: Set<String> = []
        return Schema.resourceTypes.compactMap { type in
            seen.insert(type.apiVersion).inserted ? (type.group, type.version) : nil
        }
    }()

    static let all: [APIPart] = {
        let groups = Set(groupVersions.map(\.group)).subtracting([""]).sorted { $0.precedes($1) }
        return groupVersions.map { APIPart($0.group, $0.version) }
            + groups.map { APIPart(path: "apis/\($0)", content: .discovery(.meta("APIGroup"))) }
            + [
                APIPart(path: "api", content: .discovery(.meta("APIVersions"))),
                APIPart(path: "apis", content: .discovery(.meta("APIGroupList"))),
                APIPart(path: ".well-known/openid-configuration", content: .text),
                APIPart(path: "openid/v1/jwks", content: .text),
                APIPart(path: "version", content: .text),
            ]
    }()

    private init(_ group: String, _ version: String) {
        path = group.isEmpty ? "api/\(version)" : "apis/\(group)/\(version)"
        content = .resources(group: group, version: version)
    }

    private init(path: String, content: Content) {
        self.path = path
        self.content = content
    }

    /// The resources it serves.
    var resourceTypes: [MessageType] {
        guard case .resources(let group, let version) = content else { return [] }
        return Schema.resourceTypes.filter { $0.group == group && $0.version == version }
    }
}
