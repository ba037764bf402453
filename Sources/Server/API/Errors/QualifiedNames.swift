public import Wire

/// A resource and its group, written as in messages: `pods`, `deployments.apps`.
public struct GroupResource: Hashable, Sendable, CustomStringConvertible {
    /// Empty for core.
    public let group: String
    /// Plural, with subresource if one is meant: `pods`, `pods/binding`.
    public let resource: String

    public init(group: String = "", resource: String) {
        self.group = group
        self.resource = resource
    }

    /// The resource that serves a type; its kind's name if none does.
    public init(_ type: MessageType) {
        self.init(group: type.group, resource: type.resource?.name ?? type.kind)
    }

    public var isEmpty: Bool { group.isEmpty && resource.isEmpty }
    public var description: String { group.isEmpty ? resource : "\(resource).\(group)" }
}

/// A kind and its group, written as in messages: `Pod`, `Deployment.apps`.
public struct GroupKind: Hashable, Sendable, CustomStringConvertible {
    /// Empty for core.
    public let group: String
    public let kind: String

    public init(group: String = "", kind: String) {
        self.group = group
        self.kind = kind
    }

    public init(_ type: MessageType) { self.init(group: type.group, kind: type.kind) }

    public var description: String { group.isEmpty ? kind : "\(kind).\(group)" }
}

extension String {
    /// In double quotes, with escapes as Go's `%q` writes them.
    public var quoted: String {
        var text = "\""
        text.reserveCapacity(utf8.count + 2)
        for scalar in unicodeScalars { text += scalar.quoted }
        return text + "\""
    }
}

extension Unicode.Scalar {
    fileprivate var quoted: String {
        switch self {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\u{7}": "\\a"
        case "\u{8}": "\\b"
        case "\u{c}": "\\f"
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case "\u{b}": "\\v"
        case let control where control.value < 0x20 || control.value == 0x7f:
            "\\x" + hexadecimal(control.value, digits: 2)
        case let hidden where !hidden.isPrintable:
            hidden.value < 0x10000
                ? "\\u" + hexadecimal(hidden.value, digits: 4)
                : "\\U" + hexadecimal(hidden.value, digits: 8)
        default: String(self)
        }
    }

    /// What Go counts as printable: letters, marks, numbers, punctuation, symbols, ASCII's space.
    private var isPrintable: Bool {
        if isASCII { return true }
        return switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator,
            .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}

private func hexadecimal(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}
