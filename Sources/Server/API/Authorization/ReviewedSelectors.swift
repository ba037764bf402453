import APIErrors
import Kubernetes
import Wire

/// The selectors of a review: what the objects have to be like that it asks about.
///
/// What cannot be understood is left out of the question, which then is about more; the answer
/// says so.
struct ReviewedSelectors {
    private(set) var fields: [FieldSelector.Requirement] = []
    /// What was left out, in words for `evaluationError`.
    private(set) var problems: [String] = []

    init(_ asked: AuthorizationV1.ResourceAttributes) {
        if let selector = asked.fieldSelector { read(selector) }
        if let selector = asked.labelSelector { read(selector) }
    }

    private mutating func read(_ selector: AuthorizationV1.FieldSelectorAttributes) {
        guard selector.requirements.isEmpty else {
            fields = selector.requirements.compactMap(FieldSelector.Requirement.init)
            note("fieldSelector", kept: fields.count, of: selector.requirements.count)
            return
        }
        do { fields = try FieldSelector(parsing: selector.rawSelector).requirements } catch {
            note("fieldSelector", kept: 0, of: 1)
        }
    }

    /// Nobody's rights depend on labels yet: they are only understood.
    private mutating func read(_ selector: AuthorizationV1.LabelSelectorAttributes) {
        guard selector.requirements.isEmpty else {
            let known = selector.requirements.filter { Self.operators.contains($0.operator) }
            note("labelSelector", kept: known.count, of: selector.requirements.count)
            return
        }
        do { _ = try LabelSelector(parsing: selector.rawSelector) } catch {
            note("labelSelector", kept: 0, of: 1)
        }
    }

    private mutating func note(_ name: String, kept: Int, of count: Int) {
        guard kept < count else { return }
        problems.append("spec.resourceAttributes.\(name) \(kept > 0 ? "partially " : "")ignored "
            + "due to parse error")
    }

    private static let operators = ["In", "NotIn", "Exists", "DoesNotExist"]

    // MARK: What is no selector

    /// Why a review is refused, in Kubernetes' words.
    static func faults(_ asked: AuthorizationV1.ResourceAttributes?) -> [APIError.Cause] {
        var faults: [APIError.Cause] = []
        if let selector = asked?.fieldSelector {
            let path = "spec.resourceAttributes.fieldSelector"
            faults += form(path, selector.rawSelector, selector.requirements.count)
            for (index, one) in selector.requirements.enumerated() {
                faults += requirement(
                    "\(path).requirements[\(index)]", one.key, one.operator, one.values)
            }
        }
        if let selector = asked?.labelSelector {
            let path = "spec.resourceAttributes.labelSelector"
            faults += form(path, selector.rawSelector, selector.requirements.count)
            for (index, one) in selector.requirements.enumerated() {
                let place = "\(path).requirements[\(index)]"
                faults += requirement(place, one.key, one.operator, one.values)
                faults += syntax(place, one.key, one.values)
            }
        }
        return faults
    }

    private static func form(_ path: String, _ raw: String, _ count: Int) -> [APIError.Cause] {
        switch (raw.isEmpty, count) {
        case (false, 1...):
            [.invalid("\(path).rawSelector", raw.quoted,
                      "may not specified at the same time as requirements")]
        case (true, 0):
            [.required("\(path).requirements",
                       "when \(path) is specified, requirements or rawSelector is required")]
        default: []
        }
    }

    private static func requirement(
        _ path: String, _ key: String, _ operator: String, _ values: [String]
    ) -> [APIError.Cause] {
        var faults: [APIError.Cause] = []
        if key.isEmpty { faults.append(.required("\(path).key", "must be specified")) }
        switch `operator` {
        case "In", "NotIn":
            if values.isEmpty {
                faults.append(.required(
                    "\(path).values", "must be specified when `operator` is 'In' or 'NotIn'"))
            }
        case "Exists", "DoesNotExist":
            if !values.isEmpty {
                faults.append(APIError.Cause(
                    reason: "FieldValueForbidden",
                    message: "Forbidden: may not be specified when `operator` is 'Exists' or "
                        + "'DoesNotExist'", field: "\(path).values"))
            }
        default: break  // A newer client's, perhaps; it is left out of the question.
        }
        return faults
    }

    private static func syntax(
        _ path: String, _ key: String, _ values: [String]
    ) -> [APIError.Cause] {
        Syntax.qualifiedName(key).map { .invalid("\(path).key", key.quoted, $0) }
            + values.enumerated().flatMap { index, value in
                Syntax.labelValue(value).map {
                    .invalid("\(path).values[\(index)]", value.quoted, $0)
                }
            }
    }
}

extension FieldSelector.Requirement {
    /// Nil for what a field selector cannot say.
    fileprivate init?(_ one: MetaV1.FieldSelectorRequirement) {
        guard one.values.count == 1, ["In", "NotIn"].contains(one.operator) else { return nil }
        self.init(field: one.key, value: one.values[0], isNegated: one.operator == "NotIn")
    }
}

extension APIError.Cause {
    static func invalid(_ field: String, _ value: String, _ why: String) -> Self {
        Self(reason: "FieldValueInvalid", message: "Invalid value: \(value): \(why)", field: field)
    }

    fileprivate static func required(_ field: String, _ why: String) -> Self {
        Self(reason: "FieldValueRequired", message: "Required value: \(why)", field: field)
    }
}
