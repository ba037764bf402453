/// What values some fields of an object must have for it to be chosen: `?fieldSelector=`.
public struct FieldSelector: Hashable, Sendable {
    /// One condition on one field.
    public struct Requirement: Hashable, Sendable {
        /// `spec.nodeName`.
        public let field: String
        public let value: String
        /// The field must have another value.
        public let isNegated: Bool

        public init(field: String, value: String, isNegated: Bool = false) {
            self.field = field
            self.value = value
            self.isNegated = isNegated
        }
    }

    public let requirements: [Requirement]

    public init(_ requirements: [Requirement]) { self.requirements = requirements }

    public static let everything = FieldSelector([])

    public var isEverything: Bool { requirements.isEmpty }

    /// The value that a field must have, if the selector demands one.
    public func exactValue(of field: String) -> String? {
        requirements.first { $0.field == field && !$0.isNegated }?.value
    }

    /// Whether an object is chosen, by what `value(field)` says of its fields.
    public func matches(_ value: (String) -> String) -> Bool {
        requirements.allSatisfy { (value($0.field) == $0.value) != $0.isNegated }
    }
}

extension FieldSelector {
    /// Reads what `?fieldSelector=` takes: `metadata.name=a,status.phase!=Running`.
    ///
    /// `\`, `,` and `=` in values stand behind a `\`.
    ///
    /// - Throws: ``SelectorError`` in Kubernetes' words.
    public init(parsing text: String) throws(SelectorError) {
        var requirements: [Requirement] = []
        let terms = Self.terms(of: text).sorted { String($0).precedes(String($1)) }
        for term in terms where !term.isEmpty {
            guard let (field, value, isNegated) = Self.parts(of: term) else {
                throw SelectorError("invalid selector: '\(text)'; can't understand '\(term)'")
            }
            requirements.append(Requirement(
                field: field, value: try Self.unescaped(value), isNegated: isNegated))
        }
        self.init(requirements)
    }

    /// What stands between commas that have no `\` in front. A comma is one whatever follows: an
    /// accent would make another character of it.
    private static func terms(of text: String) -> [Substring] {
        var isEscaped = false
        return text.unicodeScalars.split(omittingEmptySubsequences: false) { scalar in
            defer { isEscaped = scalar == "\\" && !isEscaped }
            return scalar == "," && !isEscaped
        }.map { Substring($0) }
    }

    private static func parts(
        of term: Substring
    ) -> (field: String, value: Substring, isNegated: Bool)? {
        for index in term.utf8.indices {
            for sign in ["!=", "==", "="] where term[index...].utf8.starts(with: sign.utf8) {
                let end = term.utf8.index(index, offsetBy: sign.utf8.count)
                return (String(term[..<index]), term[end...], sign == "!=")
            }
        }
        return nil
    }

    private static func unescaped(_ value: Substring) throws(SelectorError) -> String {
        var result = String.UnicodeScalarView()
        var isEscaped = false
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\", ",", "=":
                if isEscaped { result.append(scalar) }
                guard scalar == "\\" || isEscaped else {
                    throw SelectorError(
                        "invalid field selector: unescaped character in value: \(scalar.value)")
                }
                isEscaped = !isEscaped
            case _ where isEscaped:
                throw SelectorError(
                    "invalid field selector: invalid escape sequence: \\\(scalar)")
            default: result.append(scalar)
            }
        }
        guard !isEscaped else {
            throw SelectorError("invalid field selector: invalid escape sequence: \\")
        }
        return String(result)
    }
}

extension FieldSelector: CustomStringConvertible {
    /// As `?fieldSelector=` takes it.
    public var description: String {
        requirements.map { requirement in
            var value = ""
            for scalar in requirement.value.unicodeScalars {
                if scalar == "\\" || scalar == "," || scalar == "=" { value += "\\" }
                value.unicodeScalars.append(scalar)
            }
            return "\(requirement.field)\(requirement.isNegated ? "!=" : "=")\(value)"
        }.joined(separator: ",")
    }
}
