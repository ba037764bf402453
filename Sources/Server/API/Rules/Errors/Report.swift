internal import Wire

/// What a walk over an object has found so far, and the place in the object where it stands.
struct Report {
    private enum Step {
        case field(String), index(Int), key(String)
    }

    let context: RulesContext
    private(set) var errors: [FieldError] = []
    private var steps: [Step] = []
    /// Names of the volumes of the pod that the walk is in.
    var podVolumes: Set<String> = []
    /// Names of volumes that the pods of the walk will get beside their own.
    var extraVolumes: [String] = []

    init(_ context: RulesContext) { self.context = context }

    // MARK: Walking

    /// Runs `body` at a field of the place, or at several nested ones: `spec.template`.
    mutating func at<Result>(_ field: String, _ body: (inout Report) -> Result) -> Result {
        steps.append(.field(field))
        defer { steps.removeLast() }
        return body(&self)
    }

    /// Runs `body` at an element of the place.
    mutating func at<Result>(_ index: Int, _ body: (inout Report) -> Result) -> Result {
        steps.append(.index(index))
        defer { steps.removeLast() }
        return body(&self)
    }

    /// Runs `body` at a key of the place.
    mutating func at<Result>(key: String, _ body: (inout Report) -> Result) -> Result {
        steps.append(.key(key))
        defer { steps.removeLast() }
        return body(&self)
    }

    /// Runs `body` for each element of a field, standing at it.
    mutating func each<Element>(
        _ field: String, of elements: [Element], _ body: (inout Report, Element) -> Void
    ) {
        guard !elements.isEmpty else { return }
        at(field) { report in
            for (index, element) in elements.enumerated() {
                report.at(index) { body(&$0, element) }
            }
        }
    }

    /// The place as text, with a field below it if one is given.
    func path(_ field: String? = nil) -> String {
        var text = ""
        for step in steps {
            switch step {
            case .field(let name): text += text.isEmpty ? name : "." + name
            case .index(let index): text += "[\(index)]"
            case .key(let key): text += "[\(key)]"
            }
        }
        guard let field else { return text }
        return text.isEmpty ? field : "\(text).\(field)"
    }

    // MARK: Findings; a field that is not given is the place itself

    mutating func required(_ field: String? = nil, _ detail: String = "") {
        errors.append(FieldError(.required, field: path(field), detail: detail))
    }

    mutating func invalid(_ field: String? = nil, _ value: any BadValue, _ detail: String) {
        errors.append(FieldError(.invalid, field: path(field), value: value, detail: detail))
    }

    /// One finding for each of `problems`.
    mutating func invalid(_ field: String? = nil, _ value: any BadValue, _ problems: [String]) {
        for problem in problems { invalid(field, value, problem) }
    }

    mutating func notSupported(
        _ field: String? = nil, _ value: any BadValue, _ supported: [String]
    ) {
        let list = supported.map(\.goQuoted).joined(separator: ", ")
        errors.append(FieldError(
            .notSupported, field: path(field), value: value, detail: "supported values: \(list)"))
    }

    mutating func duplicate(_ field: String? = nil, _ value: any BadValue) {
        errors.append(FieldError(.duplicate, field: path(field), value: value))
    }

    mutating func forbidden(_ field: String? = nil, _ detail: String) {
        errors.append(FieldError(.forbidden, field: path(field), detail: detail))
    }

    mutating func notFound(_ field: String? = nil, _ value: any BadValue) {
        errors.append(FieldError(.notFound, field: path(field), value: value))
    }

    mutating func tooLong(_ field: String? = nil, bytesMax: Int) {
        errors.append(FieldError(
            .tooLong, field: path(field), detail: "may not be more than \(bytesMax) bytes"))
    }

    mutating func tooMany(_ field: String? = nil, count: Int, countMax: Int) {
        let detail = "must have at most \(countMax) item\(countMax == 1 ? "" : "s")"
        errors.append(FieldError(.tooMany, field: path(field), value: count, detail: detail))
    }

    mutating func failed(_ field: String? = nil, _ detail: String) {
        errors.append(FieldError(.internal, field: path(field), detail: detail))
    }

    // MARK: Checks that many rules share

    /// A number that must not be below `minimum`, if it is there.
    mutating func atLeast(_ minimum: Int, _ field: String, _ value: Int?) {
        guard let value, value < minimum else { return }
        invalid(field, value, "must be greater than or equal to \(minimum)")
    }

    /// A number that must lie within `range`, if it is there.
    mutating func within(_ range: ClosedRange<Int>, _ field: String? = nil, _ value: Int?) {
        guard let value, !range.contains(value) else { return }
        invalid(field, value, Syntax.rangeProblem(range))
    }

    /// A text that must be one of `supported`.
    mutating func oneOf(_ supported: [String], _ field: String, _ value: String) {
        if !supported.contains(value) { notSupported(field, value, supported) }
    }

    /// Whether what has been found since `mark` is nothing.
    func isClean(since mark: Int) -> Bool { errors.count == mark }
}
