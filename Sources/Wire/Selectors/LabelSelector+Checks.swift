extension LabelSelector.Requirement {
    /// A requirement whose key and values are checked.
    ///
    /// - Throws: ``SelectorError`` that names all that is wrong.
    init(
        _ key: String, _ operator: LabelSelector.Operator, _ values: [String]
    ) throws(SelectorError) {
        self.init(unchecked: key, `operator`, values)
        var problems: [String] = []
        let keyProblems = Syntax.qualifiedName(key)
        if !keyProblems.isEmpty { problems.append(Self.invalid("key", key, keyProblems)) }
        problems += countProblems()
        for (index, value) in values.enumerated() {
            let valueProblems = Syntax.labelValue(value)
            guard !valueProblems.isEmpty else { continue }
            problems.append(Self.invalid("values[\(index)][\(key)]", value, valueProblems))
        }
        guard !problems.isEmpty else { return }
        throw SelectorError(
            problems.count == 1 ? problems[0] : "[\(problems.joined(separator: ", "))]")
    }

    private func countProblems() -> [String] {
        let problem: String
        switch `operator` {
        case .isIn, .isNotIn:
            if !values.isEmpty { return [] }
            problem = "for 'in', 'notin' operators, values set can't be empty"
        case .equals, .doubleEquals, .notEquals:
            if values.count == 1 { return [] }
            problem = "exact-match compatibility requires one single value"
        case .exists, .doesNotExist:
            if values.isEmpty { return [] }
            problem = "values set must be empty for exists and does not exist"
        case .greaterThan, .lessThan:
            if values.count != 1 {
                problem = "for 'Gt', 'Lt' operators, exactly one value is required"
            } else {
                if Int64(values[0]) != nil { return [] }
                let text = ["for 'Gt', 'Lt' operators, the value must be an integer"]
                return [Self.invalid("values[0]", values[0], text)]
            }
        }
        let list = values.isEmpty ? "null" : "[\(values.map(goQuoted).joined(separator: ","))]"
        return ["values: Invalid value: \(list): \(problem)"]
    }

    static func invalid(_ field: String, _ value: String, _ problems: [String]) -> String {
        "\(field): Invalid value: \(goQuoted(value)): \(problems.joined(separator: "; "))"
    }
}

/// Quoted as Go's `%q` does, for texts of which all is printable but control characters.
func goQuoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case "\n": quoted += "\\n"
        case "\r": quoted += "\\r"
        case "\t": quoted += "\\t"
        case "\0"..<" ", "\u{7F}":
            let hex = String(scalar.value, radix: 16)
            quoted += "\\x\(hex.utf8.count == 1 ? "0" : "")\(hex)"
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}
