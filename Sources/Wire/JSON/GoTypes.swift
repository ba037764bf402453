/// What Go calls the type of a field, which stands in Kubernetes' messages.
extension MessageType {
    /// `v1.Container`
    var goName: String {
        let parts = name.split(separator: ".")
        return parts.suffix(2).joined(separator: ".")
    }
}

extension Field {
    /// The type of an element: `string`, `v1.Container`.
    var goElement: String {
        switch kind {
        case .string: "string"
        case .bool: "bool"
        case .int32: "int32"
        case .int64: "int64"
        case .double: "float64"
        case .bytes: "[]uint8"
        case .quantity: "resource.Quantity"
        case .intOrString: "intstr.IntOrString"
        default: type?.goName ?? "string"
        }
    }

    var goMap: String { kind == .quantity ? "v1.ResourceList" : "map[string]\(goElement)" }
}

extension JSONSyntax.Kind {
    var goWord: String {
        switch self {
        case .object: "object"
        case .array: "array"
        case .string: "string"
        case .number: "number"
        case .bool: "bool"
        case .null: "null"
        }
    }
}
