extension LabelSelector {
    /// Compiles a `LabelSelector` object. One that is absent chooses nothing, an empty one all.
    ///
    /// - Throws: ``SelectorError`` if a key, operator or value is not sound.
    public init(object: Message?) throws(SelectorError) {
        guard let object else {
            self = .nothing
            return
        }
        var requirements: [Requirement] = []
        if case .map(let labels)? = object["matchLabels"] {
            for entry in labels.entries {
                guard case .string(let value) = entry.value else { continue }
                requirements.append(try Requirement(entry.key, .equals, [value]))
            }
        }
        if case .list(let expressions)? = object["matchExpressions"] {
            for case .message(let expression) in expressions {
                requirements.append(try Requirement(expression: expression))
            }
        }
        self.init(requirements)
    }
}

extension LabelSelector.Requirement {
    /// `expression` is a `LabelSelectorRequirement`.
    fileprivate init(expression: Message) throws(SelectorError) {
        let name = Self.text(expression["operator"])
        let `operator`: LabelSelector.Operator
        switch name {
        case "In": `operator` = .isIn
        case "NotIn": `operator` = .isNotIn
        case "Exists": `operator` = .exists
        case "DoesNotExist": `operator` = .doesNotExist
        default: throw SelectorError("\(goQuoted(name)) is not a valid label selector operator")
        }
        var values: [String] = []
        if case .list(let list)? = expression["values"] { values = list.map(Self.text) }
        try self.init(
            Self.text(expression["key"]), `operator`, Set(values).sorted { $0.precedes($1) })
    }

    private static func text(_ value: Value?) -> String {
        guard case .string(let text)? = value else { return "" }
        return text
    }
}
