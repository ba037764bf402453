/// A condition on a node that is no label; Kubernetes knows only metadata.name.
public struct FieldRequirement: Hashable, Sendable {
    public var field: String
    public var `operator`: LabelRequirement.Operator
    public var values: [String]

    public init(_ field: String, _ operator: LabelRequirement.Operator, _ values: [String]) {
        self.field = field
        self.operator = `operator`
        self.values = values
    }

    public static let nodeNameField = "metadata.name"

    /// Whether it can be understood: as in Kubernetes, only `In` and `NotIn` with one value.
    var isValid: Bool { (`operator` == .in || `operator` == .notIn) && values.count == 1 }

    /// A field that no node has counts as empty.
    func accepts(_ node: NodeDescription) -> Bool {
        let value = field == Self.nodeNameField ? node.name : ""
        return (`operator` == .in) == (value == values[0])
    }
}

/// Conditions on a node that must all hold. Without conditions it matches no node.
public struct NodeSelectorTerm: Hashable, Sendable {
    public var expressions: [LabelRequirement]
    public var fields: [FieldRequirement]

    public init(_ expressions: [LabelRequirement] = [], fields: [FieldRequirement] = []) {
        self.expressions = expressions
        self.fields = fields
    }

    public func matches(_ node: NodeDescription) -> Bool {
        if expressions.isEmpty, fields.isEmpty { return false }
        guard fields.allSatisfy(\.isValid) else { return false }
        return expressions.allSatisfy { $0.accepts(node.labels[$0.key]) }
            && fields.allSatisfy { $0.accepts(node) }
    }

    /// The names of the only nodes this term can match, if it says so. What it names apart from
    /// its other conditions is for Kubernetes a narrowing that comes before all filters.
    var nodeNames: Set<String>? {
        var names: Set<String>?
        for field in fields where field.field == FieldRequirement.nodeNameField
            && field.operator == .in {
            names = names.map { $0.intersection(field.values) } ?? Set(field.values)
        }
        return names
    }
}

/// A wish for a node, and how much it weighs (1 to 100).
public struct PreferredTerm: Hashable, Sendable {
    public var weight: Int32
    public var term: NodeSelectorTerm

    public init(weight: Int32, _ term: NodeSelectorTerm) {
        self.weight = weight
        self.term = term
    }
}
