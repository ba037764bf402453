/// The way from a message to a field within it, by JSON names: `spec.nodeName`.
///
/// A list on the way is entered at its first element.
public struct FieldPath: Hashable, Sendable {
    /// As it was given.
    public let text: String
    private let numbers: [Int]
    /// What the last field holds.
    public let kind: FieldKind
    private let isOptional: Bool

    /// Nil if there is no such field in messages of `type`.
    public init?(_ text: String, in type: MessageType) {
        var type: MessageType? = type
        var numbers: [Int] = []
        var last: Field?
        for name in text.split(separator: ".", omittingEmptySubsequences: false) {
            guard let steps = type?.steps(to: String(name)), let field = steps.last
            else { return nil }
            numbers += steps.map(\.number)
            (type, last) = (field.type, field)
        }
        guard let last else { return nil }
        (self.text, self.numbers, kind) = (text, numbers, last.kind)
        isOptional = last.presence == .optional
    }

    /// The field's value, or nil if it or a message on the way to it is absent.
    public func value(in message: Message) -> Value? {
        var value = Value.message(message)
        for number in numbers {
            if case .list(let list) = value, let first = list.first { value = first }
            guard case .message(let message) = value, let next = message[number] else { return nil }
            value = next
        }
        return value
    }

    /// The field's value as a selector compares it; an absent one as its zero.
    public func text(in message: Message) -> String {
        switch value(in: message) {
        case .string(let text)?: text
        case .bool(let bool)?: bool ? "true" : "false"
        case .int(let int)?: String(int)
        case .timestamp(let time)?: time.rfc3339
        case nil: zeroText
        default: ""
        }
    }

    private var zeroText: String {
        switch kind {
        case .bool: "false"
        case .int32, .int64: isOptional ? "" : "0"
        default: ""
        }
    }
}

extension MessageType {
    /// The fields to go through to the one called `name`, which may be in an inlined message.
    func steps(to name: String) -> [Field]? {
        if let field = field(name), !field.isInline { return [field] }
        for field in fields where field.isInline {
            if let steps = field.type?.steps(to: name) { return [field] + steps }
        }
        return nil
    }
}
