import APIErrors
import Rules

extension FieldError {
    /// As one of a Status' causes.
    var cause: APIError.Cause {
        APIError.Cause(reason: causeReason, message: message, field: field)
    }
}

extension APIError {
    /// 504: a client has seen a version that this server has not reached.
    static func futureResourceVersion(_ requested: Int64, current: Int64) -> APIError {
        APIError(
            code: 504, reason: .timeout,
            message: "Timeout: Too large resource version: \(requested), current: \(current)",
            details: Details(
                causes: [Cause(reason: "ResourceVersionTooLarge", message: "Too large resource version")],
                retryAfterSeconds: 1))
    }

    /// 422: an update does not say which version it replaces, of a kind that wants to know.
    ///
    /// Kubernetes calls the kind as the resource here.
    static func missingResourceVersion(_ resource: GroupResource, _ name: String) -> APIError {
        .invalid(
            GroupKind(group: resource.group, kind: resource.resource), name, causes: [Cause(
                reason: "FieldValueInvalid",
                message: "Invalid value: 0: must be specified for an update",
                field: "metadata.resourceVersion")])
    }

    /// 400: an object is sent to the path of another.
    static func nameMismatch(_ given: String, path: String) -> APIError {
        .badRequest("the name of the object (\(given)) does not match the name on the URL (\(path))")
    }

    /// 409: an update names another uid than the object has. Worded as Kubernetes' store does.
    static func uidMismatch(
        _ resource: GroupResource, namespace: String?, name: String, given: String, actual: String
    ) -> APIError {
        let place = [namespace, name].compactMap { $0 }.joined(separator: "/")
        return .conflict(resource, name, because:
            "StorageError: invalid object, Code: 4, Key: /registry/\(resource.resource)/\(place), "
                + "ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: "
                + "UID in precondition: \(given), UID in object meta: \(actual)")
    }

    /// 403: nothing is created in a namespace that is going.
    static func namespaceTerminating(
        _ resource: GroupResource, name: String, namespace: String
    ) -> APIError {
        .forbidden(
            resource, name,
            because: "unable to create new content in namespace \(namespace) because it is being terminated",
            causes: [Cause(
                reason: "NamespaceTerminating", message: "namespace \(namespace) is being terminated",
                field: "metadata.namespace")])
    }
}
