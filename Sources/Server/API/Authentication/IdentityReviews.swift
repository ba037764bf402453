public import APIErrors
public import Kubernetes
public import Wire

extension Authenticator {
    /// Answers a TokenReview: whether a token is good, and whose.
    ///
    /// - Throws: 400 if the request has no token.
    public func answer(
        _ review: AuthenticationV1.TokenReview, now: Timestamp
    ) async throws(APIError) -> AuthenticationV1.TokenReview {
        guard !review.spec.token.isEmpty else {
            throw .badRequest("token is required for TokenReview in authentication")
        }
        var answer = review
        answer.status = AuthenticationV1.TokenReviewStatus()
        let wanted = review.spec.audiences.isEmpty ? audiences : review.spec.audiences
        switch await bearer(of: review.spec.token, for: wanted, now: now) {
        case .success(let bearer):
            answer.status.authenticated = true
            answer.status.user = bearer.user.view
            answer.status.audiences = bearer.audiences
        case .failure(let refusal):
            answer.status.error = refusal.message
        }
        return answer
    }
}

extension UserInfo {
    /// Answers a SelfSubjectReview: who the caller is.
    public func answer(
        _ review: AuthenticationV1.SelfSubjectReview, now: Timestamp
    ) -> AuthenticationV1.SelfSubjectReview {
        var answer = review
        answer.metadata.creationTimestamp = Timestamp(seconds: now.seconds)
        answer.status.userInfo = view
        return answer
    }
}
