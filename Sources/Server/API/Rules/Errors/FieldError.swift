/// One thing that is wrong with one field of an object, worded as Kubernetes words it.
public struct FieldError: Error, Hashable, Sendable {
    /// What sort of wrong. The raw value is the reason of the cause in a Status.
    public enum Kind: String, Hashable, Sendable {
        case required = "FieldValueRequired"
        case invalid = "FieldValueInvalid"
        case notSupported = "FieldValueNotSupported"
        case duplicate = "FieldValueDuplicate"
        case forbidden = "FieldValueForbidden"
        case notFound = "FieldValueNotFound"
        case tooLong = "FieldValueTooLong"
        case tooMany = "FieldValueTooMany"
        case `internal` = "InternalError"
        case typeInvalid = "FieldValueTypeInvalid"

        var words: String {
            switch self {
            case .required: "Required value"
            case .invalid, .typeInvalid: "Invalid value"
            case .notSupported: "Unsupported value"
            case .duplicate: "Duplicate value"
            case .forbidden: "Forbidden"
            case .notFound: "Not found"
            case .tooLong: "Too long"
            case .tooMany: "Too many"
            case .internal: "Internal error"
            }
        }

        var showsValue: Bool {
            switch self {
            case .required, .forbidden, .tooLong, .internal: false
            case .invalid, .typeInvalid, .notSupported, .duplicate, .notFound, .tooMany: true
            }
        }
    }

    public let type: Kind
    /// `spec.containers[0].name`.
    public let field: String
    public let detail: String
    /// As it stands in the message: a string quoted, all else as JSON; nil if it is not shown.
    public let badValue: String?

    public init(_ type: Kind, field: String, value: (any BadValue)? = nil, detail: String = "") {
        self.type = type
        self.field = field
        self.detail = detail
        badValue = type.showsValue ? value?.rendered : nil
    }

    /// `Invalid value: "x": must be...`, without the field.
    public var message: String {
        let head = badValue.map { "\(type.words): \($0)" } ?? type.words
        return detail.isEmpty ? head : "\(head): \(detail)"
    }

    /// The reason of the cause in a Status: `FieldValueRequired`.
    public var causeReason: String { type.rawValue }
}

extension FieldError: CustomStringConvertible {
    /// `spec.replicas: Invalid value: -1: must be...`.
    public var description: String { "\(field): \(message)" }

    /// All errors in one line, in brackets if there are several; each text once.
    public static func aggregate(_ errors: [FieldError]) -> String {
        var seen: Set<String> = []
        let texts = errors.map(\.description).filter { seen.insert($0).inserted }
        return texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
    }

    /// The message of the Status that refuses an object: `Pod "bad" is invalid: [a, b]`.
    public static func invalidMessage(
        kind: String, group: String, name: String, _ errors: [FieldError]
    ) -> String {
        let qualified = group.isEmpty ? kind : "\(kind).\(group)"
        return "\(qualified) \(name.goQuoted) is invalid: \(aggregate(errors))"
    }
}
