/// How a message looks in JSON. Numbered as `martlet.schema.Form`.
public enum Form: UInt8, Sendable, BitwiseCopyable {
    case fields, quantity, time, microTime, duration, intOrString, raw, items
    case oneOrMany, oneOrBool, oneOrStrings
}

/// What an empty field looks like in JSON. Numbered as `martlet.schema.Presence`.
public enum Presence: UInt8, Sendable, BitwiseCopyable {
    /// Absent; there is no difference between empty and absent.
    case omitEmpty
    /// Absent and empty are two things (Go: a pointer).
    case optional
    /// Written even if empty: `""`, `0`, `false`, `{}` or `null`.
    case always
}

/// Who merges a list, and how, in server-side apply. Numbered as `martlet.schema.ListType`.
public enum ListType: UInt8, Sendable {
    case unset, atomic, set, map
}

/// What one element of a field is, once the JSON form of its message is taken into account.
public enum FieldKind: UInt8, Sendable, BitwiseCopyable {
    case string, bool, int32, int64, double, bytes
    /// A tree of its own; ``Field/type`` says which.
    case message
    case quantity, time, microTime, duration, intOrString
    /// Any JSON, kept as bytes.
    case raw
    /// A list of strings in a message of its own.
    case items
}

/// A field of a message: what protobuf-c's descriptor and the tables beside it say of it.
public final class Field: Sendable {
    /// Protobuf's number, from 1.
    public let number: Int
    /// The name in JSON.
    public let name: String
    /// ``name`` in UTF-8.
    let nameBytes: FixedBytes
    /// `"name":`, as it stands before the value.
    let keyBytes: FixedBytes
    public let kind: FieldKind
    /// The message of an element, or of a map's value, if ``kind`` is not a scalar.
    public let type: MessageType?
    public let isList: Bool
    /// Keys are strings; elements are the values.
    public let isMap: Bool
    public let presence: Presence
    /// Its fields stand in the JSON object of the message around it.
    public let isInline: Bool
    /// Objects in it have kind and apiVersion in JSON, as objects by themselves have.
    let saysKind: Bool
    /// Written as `null` where it is absent.
    let isNullWhereAbsent: Bool
    /// Written even if it is absent.
    var isAlwaysWritten: Bool { presence == .always || isNullWhereAbsent }
    /// OpenAPI calls it required.
    public let isRequired: Bool
    public let listType: ListType
    public let listMapKeys: [String]
    /// Server-side apply replaces the map whole.
    public let isAtomic: Bool
    /// Strategic merge patch: the field that names an element.
    public let mergeKey: String?
    /// Strategic merge patch merges the list or map, where it would else replace it.
    public let patchMerges: Bool
    /// Strategic merge patch understands `$retainKeys` here.
    public let patchRetainsKeys: Bool

    init(_ row: FieldRow, kind: FieldKind, type: MessageType?) {
        number = row.number
        name = row.name
        nameBytes = FixedBytes(immortal: row.name)
        keyBytes = FixedBytes(immortal: "\"\(row.name)\":")
        self.kind = kind
        self.type = type
        isMap = row.isMap
        isList = row.isRepeated && !row.isMap
        presence = row.presence
        isInline = row.isInline
        saysKind = row.saysKind
        isNullWhereAbsent = row.isNullWhereAbsent
        isRequired = row.isRequired
        listType = row.listType
        listMapKeys = row.listMapKeys
        isAtomic = row.isAtomic
        mergeKey = row.mergeKey
        patchMerges = row.patchMerges
        patchRetainsKeys = row.patchRetainsKeys
    }
}

/// The type of a message: its name and fields. There is one instance a type, made by ``Schema``.
///
/// Immutable once ``Schema`` has linked the types with each other, which is before anyone sees one.
public final class MessageType: @unchecked Sendable {
    /// Full protobuf name: `kubernetes.core.v1.Pod`.
    public let name: String
    /// Its place in ``Schema/messageTypes``.
    let index: Int
    /// Kubernetes' API group, `""` for core; meaningful for kinds.
    public let group: String
    public let version: String
    /// The last part of ``name``.
    public let kind: String
    public let form: Form
    /// Has apiVersion and kind in JSON.
    public let isKind: Bool
    /// Server-side apply replaces it whole.
    public let isAtomic: Bool
    /// The REST resource that serves this kind, if there is one.
    public let resource: Resource?
    /// In JSON's order.
    public private(set) var fields: [Field] = []
    /// In the order of numbers, which is the order on the wire.
    public private(set) var fieldsByNumber: [Field] = []
    private let numbered: FixedReferences<Field>
    private var byName: [String: Field] = [:]
    private let names = FixedReferences<JSONNames>(count: 1)

    init(name: String, index: Int, group: String, version: String, form: Form, isKind: Bool,
         isAtomic: Bool, resource: Resource?, numberMax: Int) {
        self.name = name
        self.index = index
        self.group = group
        self.version = version
        self.form = form
        self.isKind = isKind
        self.isAtomic = isAtomic
        self.resource = resource
        numbered = FixedReferences(count: numberMax + 1)
        kind = String(name[name.index(after: name.lastIndex(of: ".") ?? name.startIndex)...])
    }

    /// `v1`, `apps/v1`.
    public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// The apiVersion that clients see. Kinds of meta.k8s.io that belong to every group, such as
    /// Status, call themselves `v1`.
    public var clientAPIVersion: String {
        let isShared = group == "meta.k8s.io" && !kind.hasPrefix("PartialObjectMetadata")
        return isShared ? "v1" : apiVersion
    }

    func link(_ fields: [Field]) {
        self.fields = fields
        fieldsByNumber = fields.sorted { $0.number < $1.number }
        for field in fields { numbered.set(field, at: field.number) }
        byName = Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0) })
    }

    /// Second step of linking, when all types have their fields.
    func linkNames() { names.set(JSONNames(of: self), at: 0) }

    /// Everything that may stand in its JSON object.
    var jsonNames: JSONNames {
        guard let names = names[0] else { preconditionFailure("\(name) is not linked") }
        return names
    }

    /// The field with a number, in constant time.
    public func field(_ number: Int) -> Field? { numbered[number] }

    /// The field with a JSON name; fields of inlined messages are not among them.
    public func field(_ name: String) -> Field? { byName[name] }
}

extension MessageType: Hashable {
    public static func == (a: MessageType, b: MessageType) -> Bool { a === b }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// A REST resource and how it is named.
public struct Resource: Sendable {
    /// A subresource such as status or scale.
    public struct Subresource: Sendable {
        public let name: String
        /// Group and version of its kind; nil if they are the resource's own.
        public let group: String?
        public let version: String?
        public let kind: String
        public let verbs: [String]
    }
    /// Plural, as in the path: `pods`.
    public let name: String
    public let singular: String
    public let shortNames: [String]
    public let categories: [String]
    public let isNamespaced: Bool
    public let verbs: [String]
    public let subresources: [Subresource]
}
