import APIErrors
import Authentication

import Wire

/// The API server without sockets. Everything enters here, and this page tells its story.
public final class APIServer: Sendable {
    let authenticator: Authenticator
    let documents: Documents
    let router: Router
    let registry: Registry
    let metrics: Metrics
    let limits: RequestLimits
    let operatorPaths: (any OperatorPaths)?

    public init(
        authenticator: Authenticator, documents: Documents, registry: Registry,
        metrics: Metrics, limits: RequestLimits = RequestLimits(),
        operatorPaths: (any OperatorPaths)? = nil
    ) {
        self.operatorPaths = operatorPaths
        self.authenticator = authenticator
        self.documents = documents
        self.registry = registry
        self.metrics = metrics
        self.limits = limits
        router = Router()
    }

    /// Answers a client's request, in the form that it accepts.
    public func respond(to request: APIRequest) async -> APIResponse {
        let query = QueryParameters(request.query)
        let target = RequestTarget(method: request.method, path: String(request.path), query: query)
        var response = await respond(to: request, target, query)
        if let warning = request.credentials.warning { response.warn(warning) }
        metrics.count(target, code: response.status)
        return response
    }

    private func respond(
        to request: APIRequest, _ target: RequestTarget, _ query: QueryParameters
    ) async -> APIResponse {
        do throws(APIError) {
            let caller = try await identity(of: request)                       // 401
            guard let passage = limits.passage(for: target, of: caller) else {
                return RequestLimits.refusal                                   // 429
            }
            try await permit(target, caller)                                   // 403
            var response = try await answer(request, target, query, caller)
            response.hold(passage)
            return response
        } catch {
            return AnswerWriter.answer(error, accept: request.header("accept"))
        }
    }

    private func answer(
        _ request: APIRequest, _ target: RequestTarget, _ query: QueryParameters, _ caller: UserInfo
    ) async throws(APIError) -> APIResponse {
        if let answer = try await operators(target, query) { return answer }
        guard target.isResource else {
            return try documents.answer(target, request, query, metrics)       // 404, 406
        }
        guard router.serves(group: target.group) else { return Documents.notFound }
        let route = try router.route(target)                                   // 404, 405
        let form = try AnswerForm(request, query, allowsShapes: route.allowsShapes)  // 406
        let operation = try await Operation(                                   // 400, 413, 415, 422
            route, target, by: caller, request: request, query: query)
        let outcome = try await perform(operation)                             // 4xx, 5xx
        return try AnswerWriter(                                               // 500
            form: form, operation: operation, now: registry.environment.now()
        ).answer(outcome)
    }

    private func operators(
        _ target: RequestTarget, _ query: QueryParameters
    ) async throws(APIError) -> APIResponse? {
        guard target.path.hasPrefix("/martlet/") else { return nil }
        return try await operatorPaths?.answer(
            verb: target.verb, path: target.path, query: query)
    }

    /// Ends every watch, as the server stops.
    public func stop() { registry.hub.endAll() }

    /// Carries out an operation for somebody in the process, who enters at "who may do what".
    public func perform(asked operation: Operation) async throws(APIError) -> Outcome {
        try await permit(operation.target, operation.caller)
        return try await perform(operation)
    }

    private func perform(_ operation: Operation) async throws(APIError) -> Outcome {
        if let review = try await reviews(operation) { return review }
        return try await registry.perform(operation)
    }
}
