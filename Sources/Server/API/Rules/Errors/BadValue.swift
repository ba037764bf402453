internal import Wire

/// What an error can show as the value that is wrong.
public protocol BadValue {
    var rendered: String { get }
}

extension String: BadValue {
    public var rendered: String { goQuoted }
}

extension Int: BadValue {
    public var rendered: String { String(self) }
}

extension Bool: BadValue {
    public var rendered: String { self ? "true" : "false" }
}

/// Text that is shown as it is.
struct Verbatim: BadValue {
    let rendered: String
}

/// A value of a tree, shown as JSON; nil is null.
struct JSONValue: BadValue {
    let value: Value?

    init(_ value: Value?) { self.value = value }
    init(_ view: (some FieldValue)?) { value = view?.value }

    var rendered: String {
        guard let value else { return "null" }
        if case .string(let text) = value { return text.goQuoted }
        return value.jsonText
    }
}

extension Value {
    /// As Go's encoding/json writes it.
    var jsonText: String { String(decoding: json, as: UTF8.self) }
}

/// A message as the Go struct that has no JSON names: every field, with a capital letter.
struct InternalValue: BadValue {
    let message: Message

    init(_ view: some MessageView) { message = view.tree }

    var rendered: String { Self.text(of: message) }

    private static func text(of message: Message) -> String {
        let members = message.type.fields.map { field in
            "\(Value.string(goName(field.name)).jsonText):\(text(of: message[field.number], field))"
        }
        return "{\(members.joined(separator: ","))}"
    }

    private static func text(of value: Value?, _ field: Field) -> String {
        switch value {
        case .message(let message) where !message.type.name.hasPrefix("kubernetes.meta."):
            return text(of: message)
        case let value?: return value.jsonText
        case nil:
            let isText = field.kind == .string && field.presence != .optional && !field.isList
            return isText ? "\"\"" : "null"
        }
    }

    private static func goName(_ name: String) -> String {
        if name == "apiGroup" { return "APIGroup" }
        return name.prefix(1).uppercased() + name.dropFirst()
    }
}

extension String {
    /// As Go's `%q` writes it.
    var goQuoted: String { quoted { $0.value < 0x20 || $0.value == 0x7F ? goEscape($0) : nil } }

    private func quoted(_ escape: (Unicode.Scalar) -> String?) -> String {
        var result = "\""
        for scalar in unicodeScalars {
            if scalar == "\"" || scalar == "\\" {
                result.unicodeScalars.append("\\")
                result.unicodeScalars.append(scalar)
            } else if let escaped = escape(scalar) {
                result += escaped
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

private func goEscape(_ scalar: Unicode.Scalar) -> String {
    switch scalar.value {
    case 7: "\\a"
    case 8: "\\b"
    case 9: "\\t"
    case 10: "\\n"
    case 11: "\\v"
    case 12: "\\f"
    case 13: "\\r"
    default: "\\x" + hex(scalar.value, digits: 2)
    }
}

private func hex(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}
