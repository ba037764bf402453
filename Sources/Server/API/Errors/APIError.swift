public import Kubernetes
import Wire

/// Why a request failed, in Kubernetes' vocabulary; the raw value is what clients read.
public enum StatusReason: String, Sendable {
    /// No reason is given; clients go by the code.
    case unknown = ""
    case unauthorized = "Unauthorized"
    case forbidden = "Forbidden"
    case notFound = "NotFound"
    case alreadyExists = "AlreadyExists"
    case conflict = "Conflict"
    case gone = "Gone"
    case invalid = "Invalid"
    case serverTimeout = "ServerTimeout"
    case storeReadError = "StorageReadError"
    case timeout = "Timeout"
    case tooManyRequests = "TooManyRequests"
    case badRequest = "BadRequest"
    case methodNotAllowed = "MethodNotAllowed"
    case notAcceptable = "NotAcceptable"
    case requestEntityTooLarge = "RequestEntityTooLarge"
    case unsupportedMediaType = "UnsupportedMediaType"
    case internalError = "InternalError"
    case expired = "Expired"
    case serviceUnavailable = "ServiceUnavailable"
}

/// A request's failure: all that its answer, a `Status`, says.
///
/// The constructors beside this file word it as Kubernetes does. ``status`` makes the answer's
/// body.
public struct APIError: Error, Hashable, Sendable {
    /// One of several reasons, mostly a field and what is wrong with it.
    public struct Cause: Hashable, Sendable {
        /// `FieldValueRequired`, `FieldValueInvalid`, ...
        public var reason: String
        public var message: String
        /// Path of the field, `spec.containers[0].name`.
        public var field: String

        public init(reason: String, message: String, field: String = "") {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    /// What the failure is about. Empty parts are left out of the answer.
    public struct Details: Hashable, Sendable {
        public var name: String
        public var group: String
        /// The resource, `pods`; for invalid objects the kind, `Pod`.
        public var kind: String
        public var uid: String
        public var causes: [Cause]
        public var retryAfterSeconds: Int

        public init(name: String = "", group: String = "", kind: String = "", uid: String = "",
                    causes: [Cause] = [], retryAfterSeconds: Int = 0) {
            self.name = name
            self.group = group
            self.kind = kind
            self.uid = uid
            self.causes = causes
            self.retryAfterSeconds = retryAfterSeconds
        }
    }

    /// The HTTP status.
    public var code: Int
    public var reason: StatusReason
    public var message: String
    /// Nil leaves `details` out of the answer, where an empty one is written as `{}`.
    public var details: Details?
    /// A token with which a list that expired can go on all the same; empty if there is none.
    public var continueToken = ""

    public init(code: Int, reason: StatusReason, message: String, details: Details? = nil) {
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
    }

    /// The body of the answer.
    public var status: MetaV1.Status {
        MetaV1.Status {
            $0.metadata.continue = continueToken
            $0.status = "Failure"
            $0.message = message
            $0.reason = reason.rawValue
            $0.details = details?.view
            $0.code = code
        }
    }
}

extension APIError.Details {
    /// As a tree.
    public var view: MetaV1.StatusDetails {
        MetaV1.StatusDetails {
            $0.name = name
            $0.group = group
            $0.kind = kind
            $0.uid = uid
            $0.causes = causes.map { cause in
                MetaV1.StatusCause {
                    $0.reason = cause.reason
                    $0.message = cause.message
                    $0.field = cause.field
                }
            }
            $0.retryAfterSeconds = retryAfterSeconds
        }
    }
}

extension MetaV1.Status {
    /// The answer to a request that succeeded and has no object to show, such as a deletion.
    public static func success(_ details: APIError.Details? = nil) -> MetaV1.Status {
        MetaV1.Status {
            $0.status = "Success"
            $0.details = details?.view
        }
    }
}
