/// One label of a node or pod.
public struct Label: Hashable, Sendable {
    public var key: String
    public var value: String

    public init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }
}

/// The labels of a node or pod, sorted by key, each key once.
public struct Labels: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    public let sorted: [Label]

    /// Of labels with the same key, the last one counts.
    public init(_ labels: some Sequence<(key: String, value: String)>) {
        var byKey: [String: String] = [:]
        for label in labels { byKey[label.key] = label.value }
        sorted = byKey.map { Label($0.key, $0.value) }.sorted { $0.key < $1.key }
    }

    public init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements.map { (key: $0.0, value: $0.1) })
    }

    public var isEmpty: Bool { sorted.isEmpty }

    /// The value under `key`, or nil. O(*n*) in labels, of which an object has a dozen.
    public subscript(key: String) -> String? {
        for label in sorted where label.key == key { return label.value }
        return nil
    }
}

/// One condition on labels, as nodes and pods are selected by it.
public struct LabelRequirement: Hashable, Sendable {
    public enum Operator: String, Hashable, Sendable {
        case `in` = "In"
        case notIn = "NotIn"
        case exists = "Exists"
        case doesNotExist = "DoesNotExist"
        case greaterThan = "Gt"
        case lessThan = "Lt"
    }

    public var key: String
    public var `operator`: Operator
    public var values: [String]

    public init(_ key: String, _ operator: Operator, _ values: [String] = []) {
        self.key = key
        self.operator = `operator`
        self.values = values
    }

    /// Whether an object that has `value` under the key, or has no such key, meets the condition.
    ///
    /// As in Kubernetes, `NotIn` accepts an object without the key, and `Gt` and `Lt` accept only
    /// whole numbers on both sides.
    public func accepts(_ value: String?) -> Bool {
        switch `operator` {
        case .in: value.map(values.contains) ?? false
        case .notIn: value.map { !values.contains($0) } ?? true
        case .exists: value != nil
        case .doesNotExist: value == nil
        case .greaterThan: compares(value, by: >)
        case .lessThan: compares(value, by: <)
        }
    }

    private func compares(_ value: String?, by isOrdered: (Int64, Int64) -> Bool) -> Bool {
        guard values.count == 1, let bound = Int64(values[0]),
            let number = value.flatMap(Int64.init)
        else { return false }
        return isOrdered(number, bound)
    }
}

/// Conditions on labels that must all hold. Without conditions it selects everything.
public struct LabelSelector: Hashable, Sendable {
    public var requirements: [LabelRequirement]

    public init(_ requirements: [LabelRequirement]) { self.requirements = requirements }

    public init(matching labels: Labels) {
        requirements = labels.sorted.map { LabelRequirement($0.key, .in, [$0.value]) }
    }

    public func accepts(_ labels: Labels) -> Bool {
        requirements.allSatisfy { $0.accepts(labels[$0.key]) }
    }
}
