import Wire

/// Writes messages down as JSON schemas.
struct Definitions {
    let dialect: Dialect

    /// The schema of a message.
    func definition(of type: MessageType) -> Value {
        switch type.form {
        case .fields: return fields(of: type)
        case .quantity where dialect == .version3:
            return .object(["oneOf": .list([Self.string, .object(["type": .string("number")])])])
        case .quantity, .duration: return Self.string
        case .time, .microTime: return Self.scalar("string", "date-time")
        case .intOrString where dialect == .version3:
            let either = [Value.object(["type": .string("integer")]), Self.string]
            return .object(["format": .string("int-or-string"), "oneOf": .list(either)])
        case .intOrString: return Self.scalar("string", "int-or-string")
        case .items: return Self.array(of: Self.string)
        // A message called JSON is any JSON; other raw ones are objects.
        case .raw where type.kind != "JSON": return .object(["type": .string("object")])
        case .raw, .oneOrMany, .oneOrBool, .oneOrStrings: return .map(ValueMap())
        }
    }

    private func fields(of type: MessageType) -> Value {
        var properties = ValueMap()
        var required: [String] = []
        if type.isKind {
            properties["apiVersion"] = Self.string
            properties["kind"] = Self.string
        }
        collect(type, &properties, &required)
        return .object([
            "type": .string("object"),
            "properties": properties.isEmpty ? nil : .map(properties),
            "required": required.isEmpty ? nil : .strings(required.sorted { $0.precedes($1) }),
            "x-kubernetes-map-type": type.isAtomic ? .string("atomic") : nil,
            "x-kubernetes-group-version-kind": type.isKind ? kinds(of: type) : nil,
        ])
    }

    /// Fields of inlined messages stand among those of the message around them.
    private func collect(
        _ type: MessageType, _ properties: inout ValueMap, _ required: inout [String]
    ) {
        for field in type.fields {
            if field.isInline, let inner = field.type {
                collect(inner, &properties, &required)
            } else {
                properties[field.name] = property(field)
                if field.isRequired { required.append(field.name) }
            }
        }
    }

    /// Options and events of meta.k8s.io belong to every group and version.
    private func kinds(of type: MessageType) -> Value {
        guard type == .meta("DeleteOptions") || type == .meta("WatchEvent") else {
            return .list([Self.kind(type.clientGroup, type.version, type.kind)])
        }
        return .list(APIPart.groupVersions.map { Self.kind($0.group, $0.version, type.kind) })
    }

    static func kind(_ group: String, _ version: String, _ kind: String) -> Value {
        .object(["group": .string(group), "version": .string(version), "kind": .string(kind)])
    }

    private func property(_ field: Field) -> Value {
        var schema = element(of: field)
        if field.isList { schema = Self.array(of: schema) }
        if field.isMap {
            schema = .object(["type": .string("object"), "additionalProperties": schema])
        }
        guard case .map(var members) = schema else { return schema }
        addMergeRules(of: field, to: &members)
        return .map(members)
    }

    private func element(of field: Field) -> Value {
        switch field.kind {
        case .string: return Self.string
        case .bool: return .object(["type": .string("boolean")])
        case .int32: return Self.scalar("integer", "int32")
        case .int64: return Self.scalar("integer", "int64")
        case .double: return Self.scalar("number", "double")
        case .bytes: return Self.scalar("string", "byte")
        case .items: return Self.array(of: Self.string)
        case .message, .quantity, .time, .microTime, .duration, .intOrString, .raw:
            guard let type = field.type else { return .object(["type": .string("object")]) }
            let reference = dialect.reference(to: type)
            // Version 3 ignores what stands beside a reference, so references are wrapped.
            return dialect == .version2 ? reference : .object(["allOf": .list([reference])])
        }
    }

    /// How patches and server-side apply merge the field.
    private func addMergeRules(of field: Field, to members: inout ValueMap) {
        switch field.listType {
        case .unset: break
        case .atomic: members["x-kubernetes-list-type"] = .string("atomic")
        case .set: members["x-kubernetes-list-type"] = .string("set")
        case .map:
            members["x-kubernetes-list-type"] = .string("map")
            members["x-kubernetes-list-map-keys"] = .strings(field.listMapKeys)
        }
        if field.isAtomic { members["x-kubernetes-map-type"] = .string("atomic") }
        if let key = field.mergeKey { members["x-kubernetes-patch-merge-key"] = .string(key) }
        let strategies = [
            field.patchMerges ? "merge" : nil, field.patchRetainsKeys ? "retainKeys" : nil,
        ].compactMap { $0 }
        guard !strategies.isEmpty else { return }
        members["x-kubernetes-patch-strategy"] = .string(strategies.joined(separator: ","))
    }

    static let string = Value.object(["type": .string("string")])

    private static func scalar(_ type: String, _ format: String) -> Value {
        .object(["type": .string(type), "format": .string(format)])
    }

    private static func array(of element: Value) -> Value {
        .object(["type": .string("array"), "items": element])
    }
}
