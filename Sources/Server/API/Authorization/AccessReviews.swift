public import APIErrors
public import Authentication
public import Kubernetes
public import Wire

/// Answers the reviews of authorization.k8s.io: questions about what somebody may do.
public struct AccessReviews: Sendable {
    private let authorizer: Authorizer
    private let policy: RBACPolicy

    public init(authorizer: Authorizer, policy: RBACPolicy) {
        self.authorizer = authorizer
        self.policy = policy
    }

    /// The answer to a review that `caller` sent, or nil if `review` is of another type.
    ///
    /// - Parameter namespace: Of the request's path; empty if it has none.
    /// - Throws: 422 if the question is not one, 400 for rules without a namespace.
    public func answer(
        _ review: Message, caller: UserInfo, namespace: String = ""
    ) throws(APIError) -> Message? {
        if let review = AuthorizationV1.SelfSubjectAccessReview(review) {
            return try answer(review, caller: caller).tree
        }
        if let review = AuthorizationV1.SubjectAccessReview(review) {
            return try answer(review).tree
        }
        if var review = AuthorizationV1.LocalSubjectAccessReview(review) {
            if review.metadata.namespace.isEmpty { review.metadata.namespace = namespace }
            return try answer(review).tree
        }
        if let review = AuthorizationV1.SelfSubjectRulesReview(review) {
            return try answer(review, caller: caller).tree
        }
        return nil
    }

    /// May I?
    public func answer(
        _ review: AuthorizationV1.SelfSubjectAccessReview, caller: UserInfo
    ) throws(APIError) -> AuthorizationV1.SelfSubjectAccessReview {
        let question = Question(review.spec.resourceAttributes, review.spec.nonResourceAttributes)
        try Self.check(question.faults + ReviewedSelectors.faults(question.resource))
        var answer = review
        answer.status = status(of: question, asking: caller)
        return answer
    }

    /// May she?
    public func answer(
        _ review: AuthorizationV1.SubjectAccessReview
    ) throws(APIError) -> AuthorizationV1.SubjectAccessReview {
        let question = Question(review.spec.resourceAttributes, review.spec.nonResourceAttributes)
        try Self.check(
            question.faults + review.spec.subjectFaults
                + ReviewedSelectors.faults(question.resource))
        var answer = review
        answer.status = status(of: question, asking: review.spec.subject)
        return answer
    }

    /// May she, in this namespace?
    public func answer(
        _ review: AuthorizationV1.LocalSubjectAccessReview
    ) throws(APIError) -> AuthorizationV1.LocalSubjectAccessReview {
        let question = Question(review.spec.resourceAttributes, review.spec.nonResourceAttributes)
        var faults = question.faults + review.spec.subjectFaults
            + ReviewedSelectors.faults(question.resource)
        if let asked = question.resource, asked.namespace != review.metadata.namespace {
            faults.append(.invalid("spec.resourceAttributes.namespace", asked.namespace.quoted,
                                   "must match metadata.namespace"))
        }
        if let asked = question.path {
            faults.append(.invalid("spec.nonResourceAttributes", asked.internalJSON,
                                   "disallowed on this kind of request"))
        }
        try Self.check(faults)
        var answer = review
        answer.status = status(of: question, asking: review.spec.subject)
        return answer
    }

    /// What may I do in this namespace?
    public func answer(
        _ review: AuthorizationV1.SelfSubjectRulesReview, caller: UserInfo
    ) throws(APIError) -> AuthorizationV1.SelfSubjectRulesReview {
        guard !review.spec.namespace.isEmpty else { throw .badRequest("no namespace on request") }
        let held = policy.rules(of: caller, in: review.spec.namespace)
        var answer = review
        answer.status.resourceRules = held.rules.filter { !$0.resources.isEmpty }.map { rule in
            AuthorizationV1.ResourceRule {
                $0.verbs = rule.verbs
                $0.apiGroups = rule.apiGroups
                $0.resources = rule.resources
                $0.resourceNames = rule.resourceNames
            }
        }
        answer.status.nonResourceRules = held.rules.filter { !$0.nonResourceURLs.isEmpty }
            .map { rule in
                AuthorizationV1.NonResourceRule {
                    $0.verbs = rule.verbs
                    $0.nonResourceURLs = rule.nonResourceURLs
                }
            }
        var faults = held.faults
        if authorizer.modes.contains(.node), caller.nodeName != nil {
            answer.status.incomplete = true
            faults.insert("node authorizer does not support user rule resolution", at: 0)
        }
        if !faults.isEmpty { answer.status.evaluationError = RBACPolicy.list(faults) }
        return answer
    }

    private func status(
        of question: Question, asking user: UserInfo
    ) -> AuthorizationV1.SubjectAccessReviewStatus {
        let verdict = authorizer.verdict(on: question.attributes(of: user), under: policy)
        return AuthorizationV1.SubjectAccessReviewStatus {
            $0.allowed = verdict.decision == .allow
            $0.denied = verdict.decision == .deny
            $0.reason = verdict.reason
            $0.evaluationError = question.selectorProblems.joined(separator: "; ")
        }
    }

    private static func check(_ faults: [APIError.Cause]) throws(APIError) {
        guard !faults.isEmpty else { return }
        // Kubernetes leaves the kind out
        throw .invalid(GroupKind(group: "authorization.k8s.io", kind: ""), "", causes: faults)
    }
}

/// What a review asks: about a resource or about a path.
private struct Question {
    let resource: AuthorizationV1.ResourceAttributes?
    let path: AuthorizationV1.NonResourceAttributes?

    init(_ resource: AuthorizationV1.ResourceAttributes?,
         _ path: AuthorizationV1.NonResourceAttributes?) {
        self.resource = resource
        self.path = path
    }

    var faults: [APIError.Cause] {
        switch (resource, path) {
        case (nil, nil):
            [.invalid("spec.resourceAttributes", "null", "exactly one of nonResourceAttributes or "
                + "resourceAttributes must be specified")]
        case (.some, let path?):
            [.invalid("spec.nonResourceAttributes", path.internalJSON,
                      "cannot be specified in combination with resourceAttributes")]
        default: []
        }
    }

    func attributes(of user: UserInfo) -> Attributes {
        guard let resource else {
            return Attributes(user: user, verb: path?.verb ?? "", path: path?.path ?? "")
        }
        var attributes = Attributes(
            user: user, verb: resource.verb, apiGroup: resource.group,
            apiVersion: resource.version, resource: resource.resource,
            subresource: resource.subresource, namespace: resource.namespace,
            name: resource.name)
        attributes.fieldRequirements = ReviewedSelectors(resource).fields
        return attributes
    }

    /// What of the selectors could not be understood.
    var selectorProblems: [String] { resource.map { ReviewedSelectors($0).problems } ?? [] }
}

extension AuthorizationV1.NonResourceAttributes {
    /// As messages of Kubernetes show it: with the names of Go's fields.
    fileprivate var internalJSON: String {
        "{\"Path\":\(path.quoted),\"Verb\":\(verb.quoted)}"
    }
}

extension AuthorizationV1.SubjectAccessReviewSpec {
    fileprivate var subject: UserInfo {
        UserInfo(name: user, uid: uid, groups: groups, extra: extra)
    }

    fileprivate var subjectFaults: [APIError.Cause] {
        guard user.isEmpty, groups.isEmpty else { return [] }
        return [.invalid("spec.user", "\"\"", "at least one of user or group must be specified")]
    }
}
