internal import Wire

/// A value that a field has if none is given; written as a literal in the tables.
struct Default: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral {
    let value: Value

    init(_ value: Value) { self.value = value }
    init(stringLiteral text: String) { value = .string(text) }
    init(integerLiteral number: Int) { value = .int(Int64(number)) }
    init(booleanLiteral bool: Bool) { value = .bool(bool) }

    /// A message with nothing in it.
    static func empty<View: MessageView>(_ view: View.Type) -> Default {
        Default(.message(Message(View.messageType)))
    }
}

/// The defaults of one message type: values for fields that are absent, then a function.
struct TypeDefaults: Sendable {
    let type: MessageType
    let values: [(name: String, value: Value)]
    let then: (@Sendable (inout Message) -> Void)?
}

/// The defaults of a type: values, and what needs more than a value, which runs after them.
func defaults<View: MessageView>(
    _ view: View.Type, _ values: KeyValuePairs<String, Default> = [:],
    then: (@Sendable (inout View) -> Void)? = nil
) -> TypeDefaults {
    let pairs = values.map { (name: $0.key, value: $0.value.value) }
    guard let then else {
        return TypeDefaults(type: View.messageType, values: pairs, then: nil)
    }
    return TypeDefaults(type: View.messageType, values: pairs) { message in
        var view = View(unchecked: message)
        message = Message(View.messageType)
        then(&view)
        message = view.tree
    }
}

/// What to do with a message of one type and with those it holds; made once for each type.
///
/// Types that hold nothing with defaults have no plan, so that a walk never enters them.
final class DefaultPlan: @unchecked Sendable { // written only while the table of plans is made
    private struct Content {
        var values: [(number: Int, value: Value)] = []
        var then: [@Sendable (inout Message) -> Void] = []
        var children: [(field: Field, plan: DefaultPlan)] = []
    }

    private var content = Content()

    /// Fills in the defaults of a message and of everything in it. O(fields that have defaults).
    func apply(to message: inout Message) {
        let content = content // one access, where exclusivity is checked at run time
        for (number, value) in content.values where message[number] == nil {
            message[number] = value
        }
        for then in content.then { then(&message) }
        for (field, plan) in content.children { plan.descend(into: field, of: &message) }
    }

    private func descend(into field: Field, of message: inout Message) {
        if field.isList {
            message.modifyElements(field.number) { apply(to: &$0) }
        } else if field.presence == .optional {
            message.modifyMessage(field.number) { apply(to: &$0) }
        } else if let type = field.type, !field.isMap {
            message.modifyMessage(field.number, orEmpty: type) { apply(to: &$0) }
        }
    }

    /// The plans of all types that have defaults, or hold something that has.
    static func plans(_ tables: [TypeDefaults]) -> [MessageType: DefaultPlan] {
        var plans: [MessageType: DefaultPlan] = [:]
        for table in tables {
            let plan = plans[table.type] ?? DefaultPlan()
            plan.content.values += table.values.map { name, value in
                guard let field = table.type.field(name) else {
                    preconditionFailure("defaults of \(table.type.name): no field \(name)")
                }
                return (field.number, value)
            }
            if let then = table.then { plan.content.then.append(then) }
            plans[table.type] = plan
        }
        addHolders(to: &plans)
        for (type, plan) in plans {
            plan.content.children = type.fields.compactMap { field in
                field.type.flatMap { plans[$0] }.map { (field, $0) }
            }
        }
        return plans
    }

    /// Adds a plan for each type that leads to one which has a plan.
    private static func addHolders(to plans: inout [MessageType: DefaultPlan]) {
        var grew = true
        while grew {
            grew = false
            for type in Schema.messageTypes where plans[type] == nil {
                guard type.fields.contains(where: { $0.type.map { plans[$0] != nil } ?? false })
                else { continue }
                plans[type] = DefaultPlan()
                grew = true
            }
        }
    }
}

extension Message {
    /// Changes a message within this one in place, if it is there, or an empty one of a type.
    mutating func modifyMessage(
        _ number: Int, orEmpty type: MessageType? = nil, _ body: (inout Message) -> Void
    ) {
        modify(number) { value in
            switch value {
            case .message(var child)?:
                value = .null
                body(&child)
                value = .message(child)
            case nil:
                guard let type else { return }
                var child = Message(type)
                body(&child)
                value = .message(child)
            default: break
            }
        }
    }

    /// Changes each message of a list in place.
    mutating func modifyElements(_ number: Int, _ body: (inout Message) -> Void) {
        modify(number) { value in
            guard case .list(var children)? = value else { return }
            value = .null
            for index in children.indices {
                guard case .message(var child) = children[index] else { continue }
                children[index] = .null
                body(&child)
                children[index] = .message(child)
            }
            value = .list(children)
        }
    }
}
