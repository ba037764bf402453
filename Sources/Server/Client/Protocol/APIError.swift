/// A request that failed: the Status that the server answered, or why there was no answer.
public struct APIError: Error, Hashable, Sendable {
    /// HTTP status; 0 if there was no answer.
    public var code: Int
    /// `NotFound`, `Conflict`, `AlreadyExists`, `Expired`, ...
    public var reason: String
    public var message: String

    public init(code: Int, reason: String, message: String) {
        self.code = code
        self.reason = reason
        self.message = message
    }
}

extension APIError {
    public var isNotFound: Bool { code == 404 }
    /// Somebody else changed the object in between, or a precondition failed.
    public var isConflict: Bool { code == 409 && reason == "Conflict" }
    public var isAlreadyExists: Bool { code == 409 && reason == "AlreadyExists" }
    /// The revision asked for is no longer kept.
    public var isExpired: Bool { code == 410 }
}
