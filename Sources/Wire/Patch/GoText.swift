/// How Go prints free-form values, which stands in Kubernetes' messages.
extension Value {
    /// As `%v` prints it: `map[a:1 b:[x y]]`.
    var goText: String {
        switch self {
        case .null: "<nil>"
        case .bool(let bool): "\(bool)"
        case .int(let int): "\(int)"
        case .double(let double): "\(double)"
        case .string(let text): text
        case .list(let list): "[\(list.map(\.goText).joined(separator: " "))]"
        case .map(let map): map.goText
        case .bytes, .timestamp, .message: "" // no free form
        }
    }

    /// The name that package reflect has for its type.
    var goType: String {
        switch self {
        case .null: "%!s(<nil>)"
        case .bool: "bool"
        case .int: "int64"
        case .double: "float64"
        case .list: "[]interface {}"
        case .map: "map[string]interface {}"
        case .string, .bytes, .timestamp, .message: "string"
        }
    }

    /// The name that package encoding/json has for its sort.
    var goKind: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .int, .double: "number"
        case .list: "array"
        case .map: "object"
        case .string, .bytes, .timestamp, .message: "string"
        }
    }
}

extension ValueMap {
    var goText: String {
        "map[\(entries.map { "\($0.key):\($0.value.goText)" }.joined(separator: " "))]"
    }
}
