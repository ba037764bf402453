public import APIErrors

/// Paths under /martlet/, which Kubernetes does not know: served by somebody else, behind who and may.
public protocol OperatorPaths: Sendable {
    /// Answers a request; nil if nothing is at `path`.
    ///
    /// - Parameter verb: The method in small letters.
    /// - Throws: ``APIError``, which is answered as a Status.
    func answer(
        verb: String, path: String, query: QueryParameters
    ) async throws(APIError) -> APIResponse?
}
