extension LabelSelector {
    /// Reads what `?labelSelector=` takes: `a=b, c!=d, e in (f,g), h, !i`.
    ///
    /// - Throws: ``SelectorError`` in Kubernetes' words.
    /// - Complexity: O(*n* log *n*) in bytes.
    /// - Source: k8s.io/apimachinery, `labels.Parse`.
    public init(parsing text: String) throws(SelectorError) {
        var parser = LabelSelectorParser(text)
        self.init(try parser.parse())
    }
}

/// Recursive descent over the tokens of a selector.
private struct LabelSelectorParser {
    private let tokens: [LabelToken]
    private var position = 0

    init(_ text: String) { tokens = LabelToken.all(in: text) }

    /// The next token. The last, which is the end, is never passed.
    private var next: LabelToken { tokens[min(position, tokens.count - 1)] }

    private mutating func take() -> LabelToken {
        defer { position += 1 }
        return next
    }

    mutating func parse() throws(SelectorError) -> [LabelSelector.Requirement] {
        var requirements: [LabelSelector.Requirement] = []
        while next.kind != .end {
            guard next.isText || next.kind == .not else {
                throw SelectorError(
                    "found '\(next.text)', expected: !, identifier, or 'end of string'")
            }
            do throws(SelectorError) {
                requirements.append(try requirement())
            } catch {
                throw SelectorError("unable to parse requirement: \(error)")
            }
            let separator = take()
            if separator.kind == .end { break }
            guard separator.kind == .comma else {
                throw SelectorError("found '\(separator.text)', expected: ',' or 'end of string'")
            }
            guard next.isText || next.kind == .not else {
                throw SelectorError("found '\(next.text)', expected: identifier after ','")
            }
        }
        return requirements
    }

    private mutating func requirement() throws(SelectorError) -> LabelSelector.Requirement {
        var key = take()
        let isNegated = key.kind == .not
        if isNegated { key = take() }
        guard key.isText else { throw SelectorError("found '\(key.text)', expected: identifier") }
        let problems = Syntax.qualifiedName(key.text)
        if !problems.isEmpty {
            throw SelectorError(LabelSelector.Requirement.invalid("<nil>", key.text, problems))
        }
        if isNegated { return try LabelSelector.Requirement(key.text, .doesNotExist, []) }
        if next.kind == .end || next.kind == .comma {
            return try LabelSelector.Requirement(key.text, .exists, [])
        }
        let sign = take()
        guard let `operator` = sign.operator else {
            throw SelectorError("found '\(sign.text)', expected: in, notin, =, ==, !=, gt, lt")
        }
        let values = sign.kind == .isIn || sign.kind == .isNotIn ? try list() : [try exactValue()]
        return try LabelSelector.Requirement(
            key.text, `operator`, Set(values).sorted { $0.precedes($1) })
    }

    private mutating func exactValue() throws(SelectorError) -> String {
        if next.kind == .end || next.kind == .comma { return "" }
        let value = take()
        guard value.isText else {
            throw SelectorError("found '\(value.text)', expected: identifier")
        }
        return value.text
    }

    /// `(a,b)`. Nothing between two commas, or a comma and a parenthesis, is an empty value.
    private mutating func list() throws(SelectorError) -> [String] {
        let open = take()
        guard open.kind == .open else { throw SelectorError("found '\(open.text)' expected: '('") }
        guard next.isText || next.kind == .comma || next.kind == .close else {
            throw SelectorError("found '\(next.text)', expected: ',', ')' or identifier")
        }
        var values: [String] = []
        var isValueDue = true
        while true {
            let token = take()
            switch token.kind {
            case .close:
                return isValueDue ? values + [""] : values
            case .comma:
                if isValueDue { values.append("") }
                isValueDue = true
            case _ where token.isText:
                values.append(token.text)
                isValueDue = false
                guard next.kind == .comma || next.kind == .close else {
                    throw SelectorError("found '\(next.text)', expected: ',' or ')'")
                }
            default:
                throw SelectorError("found '\(token.text)', expected: ',', or identifier")
            }
        }
    }
}
