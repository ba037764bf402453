import Wire

/// Writes paths and their operations down.
struct Operations {
    let dialect: Dialect

    private static let readable = [
        "application/json", "application/yaml", "application/vnd.kubernetes.protobuf",
    ]
    private static let watchable = [
        "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch",
    ]
    private static let patches = [
        "application/apply-patch+yaml", "application/json-patch+json",
        "application/merge-patch+json", "application/strategic-merge-patch+json",
    ]

    /// The item of a resource's path.
    func item(_ path: ResourcePath) -> Value {
        var members = ValueMap()
        let parameters = path.placeholders.map { Parameter.placeholder($0) } + [.pretty]
        members["parameters"] = .list(parameters.map { $0.value(dialect) })
        for verb in path.verbs { members[verb.method] = operation(verb, path) }
        return .map(members)
    }

    /// The item of a path where one object can be read.
    func item(reading type: MessageType?, path: String) -> Value {
        var members = ValueMap()
        members["operationId"] = .string("get" + camelCase(path))
        addAnswers([("200", "OK")], of: type, formats: Self.readable, to: &members)
        if dialect == .version2 { members["consumes"] = .strings(Self.readable) }
        return .object(["get": .map(members)])
    }

    private func operation(_ verb: APIVerb, _ path: ResourcePath) -> Value {
        let kind = path.kind
        var members = ValueMap()
        members["operationId"] = .string(Self.name(verb, path))
        members["tags"] = .strings([Self.tag(path.type)])
        members["x-kubernetes-action"] = .string(path.isConnection ? "connect" : verb.action)
        members["x-kubernetes-group-version-kind"] =
            Definitions.kind(kind.group, kind.version, kind.kind)
        var parameters = path.isConnection ? [] : Parameter.of(verb).map { $0.value(dialect) }
        if let (type, formats) = Self.body(verb, path) {
            addBody(type, formats, isRequired: !verb.isDeletion, to: &members, &parameters)
        } else if dialect == .version2 {
            members["consumes"] = .strings(["*/*"])
        }
        if !parameters.isEmpty { members["parameters"] = .list(parameters) }
        addAnswers(Self.codes(verb), of: Self.answer(verb, path),
            formats: verb == .list ? Self.readable + Self.watchable : Self.readable, to: &members)
        return .map(members)
    }

    /// What is sent, and in which formats.
    private static func body(_ verb: APIVerb, _ path: ResourcePath) -> (MessageType, [String])? {
        guard !path.isConnection else { return nil }
        switch verb {
        case .get, .list: return nil
        case .create, .update: return path.objectType.map { ($0, ["*/*"]) }
        case .patch: return (.meta("Patch"), patches)
        case .delete, .deleteCollection: return (.meta("DeleteOptions"), ["*/*"])
        }
    }

    private static func answer(_ verb: APIVerb, _ path: ResourcePath) -> MessageType? {
        switch verb {
        case .list: path.type.listType
        case .delete, .deleteCollection: path.isConnection ? nil : .meta("Status")
        case .get, .create, .update, .patch: path.objectType
        }
    }

    private static func codes(_ verb: APIVerb) -> [(String, String)] {
        let ok = ("200", "OK"), created = ("201", "Created"), accepted = ("202", "Accepted")
        switch verb {
        case .get, .list, .deleteCollection: return [ok]
        case .create: return [ok, created, accepted]
        case .update, .patch: return [ok, created]
        case .delete: return [ok, accepted]
        }
    }

    private func addBody(
        _ type: MessageType, _ formats: [String], isRequired: Bool, to members: inout ValueMap,
        _ parameters: inout [Value]
    ) {
        let schema = dialect.reference(to: type)
        switch dialect {
        case .version2:
            members["consumes"] = .strings(formats)
            parameters.append(.object([
                "name": .string("body"), "in": .string("body"), "schema": schema,
                "required": isRequired ? .bool(true) : nil,
            ]))
        case .version3:
            members["requestBody"] = .object([
                "content": content(schema, formats), "required": isRequired ? .bool(true) : nil,
            ])
        }
    }

    private func addAnswers(
        _ codes: [(String, String)], of type: MessageType?, formats: [String],
        to members: inout ValueMap
    ) {
        let schema = type.map { dialect.reference(to: $0) } ?? Definitions.string
        let formats = type == nil ? ["*/*"] : formats
        var answers = ValueMap()
        for (code, text) in codes {
            answers[code] =
                switch dialect {
                case .version2: .object(["description": .string(text), "schema": schema])
                case .version3:
                    .object(["description": .string(text), "content": content(schema, formats)])
                }
        }
        answers["401"] = .object(["description": .string("Unauthorized")])
        members["responses"] = .map(answers)
        guard dialect == .version2 else { return }
        members["produces"] = .strings(formats)
        members["schemes"] = .strings(["https"])
    }

    private func content(_ schema: Value, _ formats: [String]) -> Value {
        .map(ValueMap(formats.map { (key: $0, value: Value.object(["schema": schema])) }))
    }
}

// What operations are called.
extension Operations {
    /// `listCoreV1NamespacedPod`
    static func name(_ verb: APIVerb, _ path: ResourcePath) -> String {
        let type = path.type
        let group = camelCase(groupTitle(type)) + camelCase(type.version)
        let scope = path.isInNamespace ? "Namespaced" : ""
        let everywhere = path.reach == .allNamespaces ? "ForAllNamespaces" : ""
        let object = scope + type.kind + camelCase(path.subresource?.name ?? "") + everywhere
        if path.isConnection { return "connect\(group)\(camelCase(verb.method))\(object)" }
        return verb.word + group + (verb == .deleteCollection ? "Collection" : "") + object
    }

    /// `core_v1`
    private static func tag(_ type: MessageType) -> String {
        let title = camelCase(groupTitle(type))
        return "\(title.prefix(1).lowercased())\(title.dropFirst())_\(type.version)"
    }

    private static func groupTitle(_ type: MessageType) -> String {
        guard !type.group.isEmpty else { return "core" }
        let suffix = ".k8s.io"
        return type.group.hasSuffix(suffix) ? String(type.group.dropLast(suffix.count)) : type.group
    }
}

extension APIVerb {
    var isDeletion: Bool { self == .delete || self == .deleteCollection }
}

/// The words of `text` with capitals: `rbac.authorization` is `RbacAuthorization`.
func camelCase(_ text: String) -> String {
    text.split { !$0.isLetter && !$0.isNumber }
        .map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
}
