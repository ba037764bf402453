internal import Kubernetes
internal import Wire

/// One rule of a message type: a table entry that is bound to field numbers once, at start.
///
/// The rules of a type stand in the order in which Kubernetes reports what they find.
struct Check: Sendable {
    typealias Run = @Sendable (Message, inout Report) -> Void

    let bind: @Sendable (CheckBinder) -> Run
}

/// The rules of one message type, ready to run.
final class CheckPlan: @unchecked Sendable { // written only while the table of plans is made
    fileprivate(set) var runs: [Check.Run] = []

    func run(_ message: Message, _ report: inout Report) {
        for run in runs { run(message, &report) }
    }
}

/// What a rule may ask while it is bound to its type.
struct CheckBinder {
    let type: MessageType
    fileprivate let plans: [MessageType: CheckPlan]

    /// Traps on a name that the type has not: that is a mistake in a table, which any test meets.
    func field(_ name: String) -> Field {
        guard let field = type.field(name) else {
            preconditionFailure("rules for \(type.name): no field \(name)")
        }
        return field
    }

    func plan(of field: Field) -> CheckPlan? { field.type.flatMap { plans[$0] } }
}

/// The rules of one type.
struct TypeChecks: Sendable {
    let type: MessageType
    let checks: [Check]

    /// The plans of all `tables`, by type.
    static func plans(_ tables: [TypeChecks]) -> [MessageType: CheckPlan] {
        var plans: [MessageType: CheckPlan] = [:]
        for table in tables {
            precondition(plans[table.type] == nil, "two lists of rules for \(table.type.name)")
            plans[table.type] = CheckPlan()
        }
        for table in tables {
            let binder = CheckBinder(type: table.type, plans: plans)
            plans[table.type]?.runs = table.checks.map { $0.bind(binder) }
        }
        return plans
    }
}

/// The rules of a type, in the order of reports.
func checks<View: MessageView>(_ view: View.Type, _ checks: Check...) -> TypeChecks {
    TypeChecks(type: View.messageType, checks: checks)
}

extension Check {
    // MARK: Going down

    /// The rules of a message, or of each message in a list, where there is one.
    static func each(_ names: String...) -> Check {
        Check { binder in
            let steps = names.map { name in
                let field = binder.field(name)
                return Descent(field: field, plan: binder.plan(of: field))
            }
            return { message, report in
                for step in steps { step.run(message, &report) }
            }
        }
    }

    /// The rules of each message in a list; then, of each, whether an earlier one has its key.
    static func elements(_ name: String, uniqueBy key: String) -> Check {
        Check { binder in
            let field = binder.field(name)
            let plan = binder.plan(of: field)
            guard let number = field.type?.field(key)?.number else {
                preconditionFailure("\(binder.type.name).\(name) has no \(key)")
            }
            return { message, report in
                guard case .list(let elements)? = message[field.number] else { return }
                report.at(name) { $0.elements(elements, plan, uniqueBy: key, number) }
            }
        }
    }

    /// A rule in Swift, over the typed view of the message.
    static func rule<View: MessageView>(
        _ body: @escaping @Sendable (View, inout Report) -> Void
    ) -> Check {
        Check { binder in
            precondition(binder.type === View.messageType, "a rule of \(binder.type.name)")
            return { message, report in body(View(unchecked: message), &report) }
        }
    }

    // MARK: Values

    private static func value(
        _ name: String, _ run: @escaping @Sendable (String, Value?, inout Report) -> Void
    ) -> Check {
        Check { binder in
            let number = binder.field(name).number
            return { message, report in run(name, message[number], &report) }
        }
    }

    /// Must be there.
    static func required(_ name: String, _ detail: String = "") -> Check {
        value(name) { name, value, report in
            if value == nil { report.required(name, detail) }
        }
    }

    /// If it is there, one of `supported`; if not, fine unless it `isRequired`.
    static func oneOf(_ name: String, _ supported: String..., isRequired: Bool = false) -> Check {
        value(name) { name, value, report in
            guard case .string(let text)? = value, !text.isEmpty else {
                if isRequired { report.required(name) }
                return
            }
            if !supported.contains(text) { report.notSupported(name, text, supported) }
        }
    }

    /// If it is there, of a form; if not, fine unless it `isRequired`.
    static func form(_ name: String, _ syntax: @escaping Syntax.Check, isRequired: Bool = false)
        -> Check {
        value(name) { name, value, report in
            guard case .string(let text)? = value, !text.isEmpty else {
                if isRequired { report.required(name) }
                return
            }
            report.invalid(name, text, syntax(text))
        }
    }

    /// If it is there, within a range; a field that does not tell zero from absent counts as zero.
    static func within(_ name: String, _ range: ClosedRange<Int>) -> Check {
        Check { binder in
            let field = binder.field(name)
            let isOptional = field.presence == .optional
            return { message, report in
                report.within(range, name, message.optional(field.number) ?? (isOptional ? nil : 0))
            }
        }
    }

    /// If it is there, not below `minimum`.
    static func atLeast(_ minimum: Int, _ names: String...) -> Check {
        Check { binder in
            let fields = names.map(binder.field)
            return { message, report in
                for field in fields {
                    report.atLeast(minimum, field.name, message.optional(field.number))
                }
            }
        }
    }

    /// Greater than `limit`, if it is there.
    static func above(_ limit: Int, _ name: String, _ detail: String = "must be greater than 0")
        -> Check {
        value(name) { name, value, report in
            guard case .int(let number)? = value, number <= limit else { return }
            report.invalid(name, Int(number), detail)
        }
    }

    /// The keys and values of labels.
    static func labels(_ name: String) -> Check {
        value(name) { name, value, report in
            if case .map(let labels)? = value { report.labels(name, labels) }
        }
    }

    /// Which of a list's elements have the value of a field that an earlier one had.
    static func unique(_ list: String, by key: String) -> Check {
        Check { binder in
            let field = binder.field(list)
            guard let number = field.type?.field(key)?.number else {
                preconditionFailure("\(binder.type.name).\(list) has no \(key)")
            }
            return { message, report in
                guard case .list(let elements)? = message[field.number], elements.count > 1
                else { return }
                report.at(list) { report in
                    report.duplicates(of: key, number, in: elements)
                }
            }
        }
    }
}

/// The way from a message to one that it holds, or to each of several.
private struct Descent: Sendable {
    let field: Field
    let plan: CheckPlan?

    func run(_ message: Message, _ report: inout Report) {
        guard let plan, let value = message[field.number] ?? absent else { return }
        if field.isInline {
            run(plan, value, &report)
        } else {
            report.at(field.name) { run(plan, value, &$0) }
        }
    }

    /// A message that is there even if all of it is empty.
    private var absent: Value? {
        guard field.presence != .optional, !field.isList, !field.isMap, let type = field.type
        else { return nil }
        return .message(Message(type))
    }

    private func run(_ plan: CheckPlan, _ value: Value, _ report: inout Report) {
        switch value {
        case .message(let message): plan.run(message, &report)
        case .list(let elements):
            for (index, element) in elements.enumerated() {
                guard case .message(let message) = element else { continue }
                report.at(index) { plan.run(message, &$0) }
            }
        default: break
        }
    }
}

extension Report {
    fileprivate mutating func elements(
        _ elements: [Value], _ plan: CheckPlan?, uniqueBy key: String, _ number: Int
    ) {
        var seen: Set<String> = []
        for (index, element) in elements.enumerated() {
            guard case .message(let message) = element else { continue }
            at(index) { report in
                plan?.run(message, &report)
                guard elements.count > 1, case .string(let text)? = message[number] else { return }
                if !seen.insert(text).inserted { report.duplicate(key, text) }
            }
        }
    }

    mutating func duplicates(of key: String, _ number: Int, in elements: [Value]) {
        var seen: Set<String> = []
        for (index, element) in elements.enumerated() {
            guard case .message(let message) = element,
                case .string(let text)? = message[number]
            else { continue }
            if !seen.insert(text).inserted { at(index) { $0.duplicate(key, text) } }
        }
    }

    mutating func labels(_ name: String, _ labels: ValueMap) {
        for entry in labels.entries {
            invalid(name, entry.key, Syntax.qualifiedName(entry.key))
            guard case .string(let text) = entry.value else { continue }
            invalid(name, text, Syntax.labelValue(text))
        }
    }

    mutating func labels(_ name: String, _ labels: [String: String]) {
        for (key, text) in labels.sorted(by: { $0.key.precedes($1.key) }) {
            invalid(name, key, Syntax.qualifiedName(key))
            invalid(name, text, Syntax.labelValue(text))
        }
    }
}
