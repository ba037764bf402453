public import APIErrors

// What a client does about a failure.
extension APIError {
    public var isNotFound: Bool { code == 404 }
    /// Somebody else changed the object in between, or a precondition failed.
    public var isConflict: Bool { reason == .conflict }
    public var isAlreadyExists: Bool { reason == .alreadyExists }
    /// The revision asked for is no longer kept: list again.
    public var isExpired: Bool { code == 410 }

    /// There was no answer, or none that makes sense; code 0.
    public static func noAnswer(_ message: String) -> APIError {
        APIError(code: 0, reason: .unknown, message: message)
    }
}
