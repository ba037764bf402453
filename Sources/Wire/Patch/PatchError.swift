/// Why a patch was not applied; one case for each answer that Kubernetes gives.
public enum PatchError: Error, Equatable {
    /// The patch is not one: 400, with this message.
    case malformed(String)
    /// The patch is well, but not for this object: 422 without telling why. The text is for logs.
    case inapplicable(String)
    /// More operations than ``JSONPatch/operationsMax``: 413.
    case tooManyOperations(Int)
    /// A directive or list cannot be followed: 500, with this message.
    case failed(String)
    /// What came out is no object of the kind: 422 about the field `patch`, whose value is `shown`.
    case unreadable(shown: String, reason: String)
}

extension PatchError {
    /// The message that stands in Kubernetes' answer, or would if it told.
    public var message: String {
        switch self {
        case .malformed(let text), .inapplicable(let text), .failed(let text): text
        case .tooManyOperations(let count):
            "The allowed maximum operations in a JSON patch is \(JSONPatch.operationsMax), "
                + "got \(count)"
        case .unreadable(_, let reason): reason
        }
    }
}
