private import CSchema

/// All message types and resources, read once from the generated tables.
///
/// This file is the only one that touches the tables and protobuf-c's descriptors. Reading all 661
/// messages costs about 2 ms.
public enum Schema {
    /// Every message type, in the tables' order.
    public static let messageTypes: [MessageType] = loadTypes()

    private static let byName = Dictionary(
        uniqueKeysWithValues: messageTypes.map { ($0.name, $0) })

    private static let kinds: [String: MessageType] = {
        var kinds: [String: MessageType] = [:]
        for type in messageTypes where type.isKind { kinds["\(type.apiVersion)/\(type.kind)"] = type }
        for (former, present) in formerKinds { kinds[former] = kinds[present] }
        return kinds
    }()

    /// Kinds that are read under a former version's name too, whose form was the same: clients from
    /// before policy/v1 drain nodes by such evictions, and Kubernetes takes them.
    private static let formerKinds = ["policy/v1beta1/Eviction": "policy/v1/Eviction"]

    /// The types that a REST resource serves, in the tables' order.
    public static let resourceTypes: [MessageType] = messageTypes.filter { $0.resource != nil }

    /// The type of a full protobuf name, `kubernetes.core.v1.Pod`, if there is one.
    public static func find(_ name: String) -> MessageType? { byName[name] }

    /// The type of a full protobuf name that is known to be there. Traps if it is not.
    public static func messageType(_ name: String) -> MessageType {
        guard let type = byName[name] else { preconditionFailure("no message \(name) in proto/") }
        return type
    }

    /// The type of a kind: `("apps/v1", "Deployment")`. Kinds of meta.k8s.io/v1 such as
    /// DeleteOptions and Status belong to every group and version.
    public static func kind(_ apiVersion: String, _ kind: String) -> MessageType? {
        kinds["\(apiVersion)/\(kind)"] ?? kinds["meta.k8s.io/v1/\(kind)"]
    }

    private static func loadTypes() -> [MessageType] {
        var types: [MessageType] = []
        var byDescriptor: [UInt: MessageType] = [:]
        for index in 0..<martlet_message_count {
            let row = unsafe martlet_message_at(index)!.pointee
            let type = unsafe MessageType(row, index: Int(index))
            types.append(type)
            unsafe byDescriptor[UInt(bitPattern: row.descriptor)] = type
        }
        for (index, type) in types.enumerated() {
            let row = unsafe martlet_message_at(UInt16(index))!.pointee
            unsafe type.link(FieldRow.rows(of: row).map { $0.field(types: byDescriptor) })
        }
        for type in types { type.linkNames() }
        return types
    }
}

extension MessageType {
    fileprivate convenience init(_ row: martlet_message, index: Int) {
        guard let form = unsafe Form(rawValue: row.form) else {
            preconditionFailure("tables from another version; run tools/generate")
        }
        unsafe self.init(
            name: String(cString: row.descriptor.pointee.name), index: index,
            group: String(cString: row.group), version: String(cString: row.version), form: form,
            isKind: row.flags & UInt8(MARTLET_MESSAGE_KIND) != 0,
            isAtomic: row.flags & UInt8(MARTLET_MESSAGE_ATOMIC) != 0,
            resource: row.resource.map { unsafe Resource($0.pointee) },
            numberMax: unsafe (0..<Int(row.field_count)).map { unsafe Int(row.fields[$0].number) }
                .max() ?? 0)
    }
}

/// A row of the field table joined with protobuf-c's descriptor of the field.
@safe struct FieldRow {
    let number: Int
    let name: String
    let isRepeated: Bool
    let presence: Presence
    let listType: ListType
    let listMapKeys: [String]
    let mergeKey: String?
    private let flags: Int
    private let descriptor: UnsafePointer<ProtobufCFieldDescriptor>

    var isInline: Bool { flags & MARTLET_FIELD_INLINE != 0 }
    var isRequired: Bool { flags & MARTLET_FIELD_REQUIRED != 0 }
    var isAtomic: Bool { flags & MARTLET_FIELD_ATOMIC != 0 }
    var isMap: Bool { flags & MARTLET_FIELD_MAP != 0 }
    var saysKind: Bool { flags & MARTLET_FIELD_SAYS_KIND != 0 }
    var isNullWhereAbsent: Bool { flags & MARTLET_FIELD_NULL != 0 }
    var patchMerges: Bool { flags & MARTLET_FIELD_PATCH_MERGE != 0 }
    var patchRetainsKeys: Bool { flags & MARTLET_FIELD_RETAIN_KEYS != 0 }

    fileprivate static func rows(of message: martlet_message) -> [FieldRow] {
        unsafe (0..<Int(message.field_count)).map { index in
            let row = unsafe message.fields[index]
            guard let descriptor = unsafe protobuf_c_message_descriptor_get_field(
                message.descriptor, UInt32(row.number))
            else { preconditionFailure("tables and descriptors differ; run tools/generate") }
            return unsafe FieldRow(row, descriptor)
        }
    }

    private init(_ row: martlet_field, _ descriptor: UnsafePointer<ProtobufCFieldDescriptor>) {
        guard let presence = unsafe Presence(rawValue: row.presence),
            let listType = unsafe ListType(rawValue: row.list_type)
        else { preconditionFailure("tables from another version; run tools/generate") }
        number = unsafe Int(row.number)
        name = unsafe String(cString: row.json)
        isRepeated = unsafe descriptor.pointee.label == PROTOBUF_C_LABEL_REPEATED
        self.presence = presence
        self.listType = listType
        listMapKeys = unsafe strings(row.list_map_keys)
        mergeKey = unsafe row.merge_key.map { unsafe String(cString: $0) }
        flags = unsafe Int(row.flags)
        unsafe self.descriptor = descriptor
    }

    fileprivate func field(types: [UInt: MessageType]) -> Field {
        let element = unsafe isMap ? valueOfMap() : descriptor
        guard unsafe element.pointee.type == PROTOBUF_C_TYPE_MESSAGE else {
            return unsafe Field(self, kind: scalar(element.pointee.type), type: nil)
        }
        guard let target = unsafe element.pointee.descriptor,
            let type = types[UInt(bitPattern: target)]
        else { preconditionFailure("field \(name) has a message that no table knows") }
        return Field(self, kind: kind(of: type.form), type: type)
    }

    /// The field `value`, number 2, of the entries that a map is made of.
    private func valueOfMap() -> UnsafePointer<ProtobufCFieldDescriptor> {
        let entry = unsafe descriptor.pointee.descriptor!
            .assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
        return unsafe protobuf_c_message_descriptor_get_field(entry, 2)!
    }

    private func scalar(_ type: ProtobufCType) -> FieldKind {
        switch type {
        case PROTOBUF_C_TYPE_STRING: .string
        case PROTOBUF_C_TYPE_BOOL: .bool
        case PROTOBUF_C_TYPE_INT32: .int32
        case PROTOBUF_C_TYPE_INT64: .int64
        case PROTOBUF_C_TYPE_DOUBLE: .double
        case PROTOBUF_C_TYPE_BYTES: .bytes
        default: preconditionFailure("field \(name) has a type that Kubernetes does not use")
        }
    }

    private func kind(of form: Form) -> FieldKind {
        switch form {
        case .fields, .oneOrMany, .oneOrBool, .oneOrStrings: .message
        case .quantity: .quantity
        case .time: .time
        case .microTime: .microTime
        case .duration: .duration
        case .intOrString: .intOrString
        case .raw: .raw
        case .items: .items
        }
    }
}

extension Resource {
    fileprivate init(_ row: martlet_resource) {
        unsafe self.init(
            name: String(cString: row.name), singular: String(cString: row.singular),
            shortNames: strings(row.short_names), categories: strings(row.categories),
            isNamespaced: row.namespaced != 0, verbs: strings(row.verbs),
            subresources: (0..<Int(row.subresource_count)).map { index in
                unsafe Subresource(row.subresources[index])
            })
    }
}

extension Resource.Subresource {
    fileprivate init(_ row: martlet_subresource) {
        unsafe self.init(
            name: String(cString: row.name), group: row.group.map { unsafe String(cString: $0) },
            version: row.version.map { unsafe String(cString: $0) },
            kind: String(cString: row.kind), verbs: strings(row.verbs))
    }
}

/// The parts of a C string that are joined by commas.
private func strings(_ joined: UnsafePointer<CChar>?) -> [String] {
    guard let joined = unsafe joined else { return [] }
    return unsafe String(cString: joined).split(separator: ",").map(String.init)
}
