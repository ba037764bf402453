// Failures that are about a request, whatever it asked for.

extension APIError {
    /// 400.
    public static func badRequest(_ message: String) -> APIError {
        APIError(code: 400, reason: .badRequest, message: message)
    }

    /// 401. Says nothing about what was wrong with the credentials.
    public static let unauthorized =
        APIError(code: 401, reason: .unauthorized, message: "Unauthorized")

    /// 404: no such path, group, version or resource.
    public static let unknownPath = APIError(
        code: 404, reason: .notFound,
        message: "the server could not find the requested resource", details: Details())

    /// 405: the path is known, but not with this HTTP method.
    public static let methodNotAllowed = APIError(
        code: 405, reason: .methodNotAllowed,
        message: "the server does not allow this method on the requested resource",
        details: Details())

    /// 406: nothing in `Accept` is something that we write.
    public static func notAcceptable(
        accepted: [String] = mediaTypes
    ) -> APIError {
        let types = accepted.joined(separator: ", ")
        return APIError(code: 406, reason: .notAcceptable,
                        message: "only the following media types are accepted: \(types)")
    }

    /// 415: the body's `Content-Type` is nothing that we read.
    public static func unsupportedMediaType(accepted: [String] = mediaTypes) -> APIError {
        let types = accepted.joined(separator: ", ")
        return APIError(code: 415, reason: .unsupportedMediaType,
                        message: "the body of the request was in an unknown format - "
                            + "accepted media types include: \(types)")
    }

    /// 415 of a request that names no media type that the path knows.
    public static let unsupportedMediaTypeOfPath = APIError(
        code: 415, reason: .unsupportedMediaType, message: "415: Unsupported Media Type",
        details: Details())

    /// 422 of a request that cannot be carried out, without a field to blame.
    public static let unprocessable = APIError(
        code: 422, reason: .invalid,
        message: "the server rejected our request due to an error in our request",
        details: Details())

    /// What objects are read and written as.
    public static let mediaTypes =
        ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]

    /// 410: the client should list again.
    public static func expired(_ message: String) -> APIError {
        APIError(code: 410, reason: .expired, message: message)
    }

    /// 410: a list or watch starts at a revision whose history is gone.
    public static func tooOldResourceVersion(requested: Int64, oldest: Int64) -> APIError {
        expired("too old resource version: \(requested) (\(oldest))")
    }

    /// 410: a list asks for a revision whose history is gone.
    public static let expiredList = expired(
        "The resourceVersion for the provided list is too old.")

    /// 410: a continue token's revision is gone.
    ///
    /// - Parameter token: One that goes on at the same key, with what is there now.
    public static func expiredContinueToken(goingOnWith token: String) -> APIError {
        var error = expired(
            "The provided continue parameter is too old to display a consistent list result. "
                + "You can start a new list without the continue parameter, or use the continue "
                + "token in this response to retrieve the remainder of the results. Continuing "
                + "with the provided token results in an inconsistent list - objects that were "
                + "created, modified, or deleted between the time the first chunk was returned "
                + "and now may show up in the list.")
        error.continueToken = token
        return error
    }

    /// 410: what was asked for is gone for good.
    public static func gone(_ message: String) -> APIError {
        APIError(code: 410, reason: .gone, message: message)
    }

    /// 413: the body passes `bytesMax`.
    public static func requestEntityTooLarge(bytesMax: Int) -> APIError {
        APIError(code: 413, reason: .requestEntityTooLarge,
                 message: "Request entity too large: limit is \(bytesMax)")
    }

    /// 429: the client should come again after `retryAfterSeconds`.
    public static func tooManyRequests(
        _ message: String = "Too many requests, please try again later.",
        retryAfterSeconds: Int = 1, causes: [Cause] = []
    ) -> APIError {
        APIError(code: 429, reason: .tooManyRequests, message: message,
                 details: Details(causes: causes, retryAfterSeconds: retryAfterSeconds))
    }

    /// 504: the deadline passed; the operation may still complete.
    public static func timeout(
        _ what: String = "request did not complete within the allotted timeout",
        retryAfterSeconds: Int = 0
    ) -> APIError {
        APIError(code: 504, reason: .timeout, message: "Timeout: \(what)",
                 details: Details(retryAfterSeconds: retryAfterSeconds))
    }

    /// 503.
    public static func serviceUnavailable(
        _ message: String, retryAfterSeconds: Int? = nil
    ) -> APIError {
        APIError(code: 503, reason: .serviceUnavailable, message: message,
                 details: retryAfterSeconds.map { Details(retryAfterSeconds: $0) })
    }

    /// 500: something failed that has a place of its own in the answer's causes.
    public static func internalError(_ what: String) -> APIError {
        APIError(code: 500, reason: .internalError, message: "Internal error occurred: \(what)",
                 details: Details(causes: [Cause(reason: "", message: what)]))
    }

    /// 500 with nothing but a message, as Kubernetes answers errors that have no Status.
    public static func failure(_ message: String) -> APIError {
        APIError(code: 500, reason: .unknown, message: message)
    }
}
