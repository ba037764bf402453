import APIErrors
import Authentication
import Authorization
import Kubernetes
import Wire

extension APIServer {
    /// Who sends a request, or whom she is allowed to act as.
    ///
    /// - Throws: 401, or 403 for an impersonation that is not allowed.
    func identity(of request: APIRequest) async throws(APIError) -> UserInfo {
        let caller = try await authenticator.identity(
            of: request.credentials, now: registry.environment.now())
        guard let wanted = try Impersonation(headers: request.impersonation) else { return caller }
        for check in wanted.checks { try permit(Attributes(check, by: caller)) }
        return wanted.user
    }

    /// - Throws: 403.
    func permit(_ target: RequestTarget, _ caller: UserInfo) async throws(APIError) {
        guard target.isResource else {
            return try permit(Attributes(user: caller, verb: target.verb, path: target.path))
        }
        try permit(Attributes(user: caller, target))
    }

    private func permit(_ asked: Attributes) throws(APIError) {
        try registry.authorizer.permit(asked, under: registry.policy.current)
    }

    /// The kinds that are answered, not stored. Nil if the operation is about another kind.
    func reviews(_ operation: Operation) async throws(APIError) -> Outcome? {
        guard operation.verb == .create, Self.reviewTypes.contains(operation.type),
            operation.subresource == nil
        else { return nil }
        let review = try registry.decode(operation)
        let now = registry.environment.now()
        let answer: Message?
        if let review = AuthenticationV1.TokenReview(review) {
            answer = try await authenticator.answer(review, now: now).tree
        } else if let review = AuthenticationV1.SelfSubjectReview(review) {
            answer = operation.caller.answer(review, now: now).tree
        } else {
            answer = try AccessReviews(authorizer: registry.authorizer, policy: registry.policy.current)
                .answer(review, caller: operation.caller, namespace: operation.namespace ?? "")
        }
        return answer.map { .tree($0, status: 201) }
    }

    private static let reviewTypes: Set<MessageType> = [
        AuthenticationV1.TokenReview.messageType, AuthenticationV1.SelfSubjectReview.messageType,
        AuthorizationV1.SelfSubjectAccessReview.messageType,
        AuthorizationV1.SubjectAccessReview.messageType,
        AuthorizationV1.LocalSubjectAccessReview.messageType,
        AuthorizationV1.SelfSubjectRulesReview.messageType,
    ]
}

extension UserInfo {
    /// The server itself, for what it does on nobody's behalf.
    public static let system = UserInfo(
        name: "system:apiserver", groups: [Group.masters, Group.authenticated])
}

extension Attributes {
    init(user: UserInfo, _ target: RequestTarget) {
        self.init(
            user: user, verb: target.verb, apiGroup: target.group, apiVersion: target.version,
            resource: target.resource, subresource: target.subresource ?? "",
            namespace: target.namespace ?? "", name: target.name ?? target.selectedName ?? "")
        guard !target.fieldSelector.isEmpty, user.groups.contains(UserInfo.Group.nodes) else { return }
        // Only the rights of nodes depend on what is selected. What cannot be read selects nothing
        // here, and fails the request later.
        let selector = try? FieldSelector(parsing: target.fieldSelector)
        fieldRequirements = selector?.requirements ?? []
    }

    init(of operation: Operation) { self.init(user: operation.caller, operation.target) }
}

extension Operation {
    /// What the operation addresses, as a request for it would.
    var target: RequestTarget {
        var target = RequestTarget(
            verb: verb.rawValue, group: servedType.group, version: servedType.version,
            resource: resource.name,
            namespace: type === Registry.namespaceType ? name : namespace, name: name,
            subresource: subresource?.name)
        target.fieldSelector = list.fieldSelector
        return target
    }
}

extension APIRequest {
    var impersonation: [(name: String, value: String)] {
        allHeaders().filter { $0.name.hasPrefix("impersonate-") }
    }
}
