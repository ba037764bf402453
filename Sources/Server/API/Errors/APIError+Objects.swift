// Failures that are about an object or a resource.

extension APIError {
    /// 404: `pods "web" not found`.
    public static func notFound(_ resource: GroupResource, _ name: String) -> APIError {
        about(resource, name, 404, .notFound, "\(resource) \(name.quoted) not found")
    }

    /// 409: `pods "web" already exists`.
    public static func alreadyExists(_ resource: GroupResource, _ name: String) -> APIError {
        about(resource, name, 409, .alreadyExists, "\(resource) \(name.quoted) already exists")
    }

    /// 409: no free name was found for a `generateName`.
    public static func generatedNameTaken(
        _ resource: GroupResource, _ name: String, retryAfterSeconds: Int = 1
    ) -> APIError {
        var error = alreadyExists(resource, name)
        error.message += ", the server was not able to generate a unique name for the object"
        error.details?.retryAfterSeconds = retryAfterSeconds
        return error
    }

    /// 409: `Operation cannot be fulfilled on pods "web": why`.
    public static func conflict(
        _ resource: GroupResource, _ name: String, because why: String = objectWasModified
    ) -> APIError {
        about(resource, name, 409, .conflict,
              "Operation cannot be fulfilled on \(resource) \(name.quoted): \(why)")
    }

    /// What a conflict says after an update with an old resourceVersion.
    public static let objectWasModified = "the object has been modified; "
        + "please apply your changes to the latest version and try again"

    /// 409: a deletion's precondition names another uid. Says the kind where others say the
    /// resource.
    public static func uidPrecondition(
        _ kind: GroupKind, _ name: String, wanted: String, actual: String
    ) -> APIError {
        conflict(GroupResource(group: kind.group, resource: kind.kind), name, because:
            "the UID in the precondition (\(wanted)) does not match the UID in record (\(actual)). "
                + "The object might have been deleted and then recreated")
    }

    /// 409: a deletion's precondition names another resourceVersion.
    public static func resourceVersionPrecondition(
        _ kind: GroupKind, _ name: String, wanted: String, actual: String
    ) -> APIError {
        conflict(GroupResource(group: kind.group, resource: kind.kind), name, because:
            "the ResourceVersion in the precondition (\(wanted)) does not match the "
                + "ResourceVersion in record (\(actual)). The object might have been modified")
    }

    /// 409: server-side apply met fields of others.
    public static func applyConflict(_ message: String, causes: [Cause]) -> APIError {
        APIError(code: 409, reason: .conflict, message: message, details: Details(causes: causes))
    }

    /// 403: `pods "web" is forbidden: why`; without a name and a resource, `forbidden: why`.
    public static func forbidden(
        _ resource: GroupResource, _ name: String, because why: String, causes: [Cause] = []
    ) -> APIError {
        let subject = switch (resource.isEmpty, name.isEmpty) {
        case (true, _): "forbidden"
        case (false, true): "\(resource) is forbidden"
        case (false, false): "\(resource) \(name.quoted) is forbidden"
        }
        var error = about(resource, name, 403, .forbidden, "\(subject): \(why)")
        error.details?.causes = causes
        return error
    }

    /// 422: `Pod "web" is invalid: [field: what, ...]`. Equal messages are said once.
    public static func invalid(_ kind: GroupKind, _ name: String, causes: [Cause]) -> APIError {
        var said: [String] = []
        for cause in causes {
            let message = "\(cause.field): \(cause.message)"
            if !said.contains(message) { said.append(message) }
        }
        let subject = "\(kind) \(name.quoted) is invalid"
        let message = switch said.count {
        case 0: subject
        case 1: "\(subject): \(said[0])"
        default: "\(subject): [\(said.joined(separator: ", "))]"
        }
        let details = Details(name: name, group: kind.group, kind: kind.kind, causes: causes)
        return APIError(code: 422, reason: .invalid, message: message, details: details)
    }

    /// 405: `delete is not supported on resources of kind "bindings"`.
    public static func notSupported(_ action: String, on resource: GroupResource) -> APIError {
        about(resource, "", 405, .methodNotAllowed,
              "\(action) is not supported on resources of kind \(resource.description.quoted)")
    }

    /// 500, and the client should try again.
    public static func serverTimeout(
        _ resource: GroupResource, operation: String, retryAfterSeconds: Int
    ) -> APIError {
        var error = about(resource, operation, 500, .serverTimeout,
                          "The \(operation) operation against \(resource) could not be completed "
                              + "at this time, please try again.")
        error.details?.retryAfterSeconds = retryAfterSeconds
        return error
    }

    private static func about(
        _ resource: GroupResource, _ name: String, _ code: Int, _ reason: StatusReason,
        _ message: String
    ) -> APIError {
        let details = Details(name: name, group: resource.group, kind: resource.resource)
        return APIError(code: code, reason: reason, message: message, details: details)
    }
}
