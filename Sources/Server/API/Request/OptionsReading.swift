import APIErrors
import Kubernetes
import Rules
import Wire

extension ListParameters {
    /// Reads the parameters of a list or watch and refuses combinations that make no sense, in
    /// Kubernetes' words.
    mutating func read(_ query: QueryParameters, isWatch: Bool) throws(APIError) {
        labelSelector = query["labelSelector"] ?? ""
        fieldSelector = query["fieldSelector"] ?? ""
        resourceVersion = query["resourceVersion"] ?? ""
        resourceVersionMatch = query["resourceVersionMatch"] ?? ""
        continueToken = query["continue"] ?? ""
        allowsBookmarks = query.flag("allowWatchBookmarks")
        limit = try integer(query, "limit") ?? 0
        timeoutSeconds = try integer(query, "timeoutSeconds")
        if query["sendInitialEvents"] != nil { sendsInitialEvents = query.flag("sendInitialEvents") }
        let errors = isWatch ? watchErrors() : listErrors()
        guard errors.isEmpty else { throw .invalidOptions("ListOptions", errors) }
        if !isWatch, !continueToken.isEmpty, !["", "0"].contains(resourceVersion) {
            throw .badRequest("specifying resource version is not allowed when using continue")
        }
    }

    private func listErrors() -> [FieldError] {
        if sendsInitialEvents != nil {
            return [.init(.forbidden, field: "sendInitialEvents", detail: "sendInitialEvents is forbidden for list")]
        }
        guard !resourceVersionMatch.isEmpty else { return [] }
        let field = "resourceVersionMatch"
        if resourceVersion.isEmpty {
            return [.init(.forbidden, field: field, detail: "resourceVersionMatch is forbidden unless resourceVersion is provided")]
        }
        if !continueToken.isEmpty {
            return [.init(.forbidden, field: field, detail: "resourceVersionMatch is forbidden when continue is provided")]
        }
        guard ["Exact", "NotOlderThan"].contains(resourceVersionMatch) else {
            return [.unsupported(field, resourceVersionMatch, ["Exact", "NotOlderThan", ""])]
        }
        if resourceVersionMatch == "Exact", resourceVersion == "0" {
            return [.init(.forbidden, field: field, detail: "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"")]
        }
        return []
    }

    private func watchErrors() -> [FieldError] {
        let field = "resourceVersionMatch"
        guard sendsInitialEvents != nil else {
            return resourceVersionMatch.isEmpty ? [] : [
                .init(.forbidden, field: field, detail: "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
            ]
        }
        guard resourceVersionMatch == "NotOlderThan" else {
            return [.init(.forbidden, field: field, detail: "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")]
        }
        return []
    }
}

extension WriteParameters {
    /// Reads the parameters of a create, update or patch; `kind` is that of its options.
    init(_ query: QueryParameters, kind: String) throws(APIError) {
        var errors: [FieldError] = []
        let dryRun = query.all("dryRun").filter { !$0.isEmpty }
        if dryRun.contains(where: { $0 != "All" }) { errors.append(.dryRun(dryRun)) }
        isDryRun = !dryRun.isEmpty
        fieldManager = query["fieldManager"] ?? ""
        isForced = query.flag("force")
        if let text = query["fieldValidation"], !text.isEmpty {
            if let validation = FieldValidation(rawValue: text) {
                fieldValidation = validation
            } else {
                errors.append(.unsupported("fieldValidation", text, ["", "Ignore", "Strict", "Warn"]))
            }
        }
        guard errors.isEmpty else { throw .invalidOptions(kind, errors) }
    }

    /// Reads the parameters of a deletion, and its body, which stands instead of them if it is there.
    init(deleting query: QueryParameters, body: MetaV1.DeleteOptions?) throws(APIError) {
        let dryRun = body?.dryRun ?? query.all("dryRun").filter { !$0.isEmpty }
        var errors: [FieldError] = []
        if dryRun.contains(where: { $0 != "All" }) { errors.append(.dryRun(dryRun)) }
        isDryRun = !dryRun.isEmpty
        if let body {
            delete.gracePeriodSeconds = body.gracePeriodSeconds
            delete.preconditionUID = body.preconditions?.uid
            delete.preconditionResourceVersion = body.preconditions?.resourceVersion
        } else {
            delete.gracePeriodSeconds = try integer(query, "gracePeriodSeconds")
        }
        let policy = body.map(\.propagationPolicy) ?? query["propagationPolicy"]
        let orphans = body.map(\.orphanDependents) ?? query["orphanDependents"].map { $0 == "true" }
        if policy != nil, orphans != nil {
            errors.append(FieldError(
                .invalid, field: "propagationPolicy", value: policy ?? "",
                detail: "orphanDependents and deletionPropagation cannot be both set"))
        }
        if let policy {
            delete.propagation = DeletionParameters.Propagation(rawValue: policy)
            if delete.propagation == nil {
                errors.append(.unsupported(
                    "propagationPolicy", policy, ["Foreground", "Background", "Orphan", "nil"]))
            }
        } else if let orphans {
            delete.propagation = orphans ? .orphan : .background
        }
        guard errors.isEmpty else { throw .invalidOptions("DeleteOptions", errors) }
    }
}

extension FieldError {
    /// The one error that shows its value as a list.
    fileprivate static func dryRun(_ values: [String]) -> FieldError {
        FieldError(
            .notSupported, field: "dryRun", value: ValueList(values: values),
            detail: "supported values: \"All\"")
    }

    fileprivate static func unsupported(
        _ field: String, _ value: String, _ supported: [String]
    ) -> FieldError {
        let list = supported.map { "\"\($0)\"" }.joined(separator: ", ")
        return FieldError(
            .notSupported, field: field, value: value, detail: "supported values: \(list)")
    }
}

/// Strings as Go shows a list of them.
private struct ValueList: BadValue {
    let values: [String]

    var rendered: String { "[" + values.map(\.rendered).joined(separator: " ") + "]" }
}

extension APIError {
    static func invalidOptions(_ kind: String, _ errors: [FieldError]) -> APIError {
        .invalid(GroupKind(group: "meta.k8s.io", kind: kind), "", causes: errors.map(\.cause))
    }
}

/// A parameter that is a number; nil if it is not there.
private func integer(_ query: QueryParameters, _ name: String) throws(APIError) -> Int? {
    guard let text = query[name], !text.isEmpty else { return nil }
    guard let number = Int(text) else {
        throw .badRequest("strconv.ParseInt: parsing \"\(text)\": invalid syntax")
    }
    return number
}
