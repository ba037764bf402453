import APIErrors
import Authentication
import Kubernetes
import Tables
import Wire

extension Operation {
    /// Understands a request whose route is known: its parameters and its body.
    ///
    /// - Throws: 400, 413, 415 or 422.
    init(
        _ route: Router.Route, _ target: RequestTarget, by caller: UserInfo, request: APIRequest,
        query: QueryParameters
    ) async throws(APIError) {
        let isNamespaces = route.type === Registry.namespaceType
        self.init(
            caller: caller, verb: route.verb, type: route.type, resource: route.resource,
            subresource: route.subresource, namespace: isNamespaces ? nil : target.namespace,
            name: target.name)
        for (kind, advice) in Self.advisedAgainst where kind === type { warnings.add(advice) }
        list.tableObjects = try IncludedObject(parameter: query["includeObject"] ?? "")
        switch verb {
        case .get: break
        case .list, .watch: try list.read(query, isWatch: verb == .watch)
        case .create, .update: try await readObject(request, query)
        case .patch: try await readPatch(request, query)
        case .delete, .deletecollection: try await readDeletion(request, query)
        }
    }

    /// Kinds that are served and that Kubernetes v1.36 advises against, in its words.
    private static let advisedAgainst = [
        (CoreV1.Endpoints.messageType,
            "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        (CoreV1.ComponentStatus.messageType, "v1 ComponentStatus is deprecated in v1.19+"),
    ]

    private mutating func readObject(
        _ request: APIRequest, _ query: QueryParameters
    ) async throws(APIError) {
        let mediaType = mediaType(request.header("content-type"))
        guard ["", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]
            .contains(mediaType)
        else { throw .unsupportedMediaType() }
        write = try WriteParameters(query, kind: verb == .create ? "CreateOptions" : "UpdateOptions")
        body = .encoded(
            try await request.body(), mediaType: mediaType.isEmpty ? "application/json" : mediaType)
    }

    private mutating func readPatch(
        _ request: APIRequest, _ query: QueryParameters
    ) async throws(APIError) {
        let mediaType = mediaType(request.header("content-type"))
        write = try WriteParameters(query, kind: "PatchOptions")
        guard let kind = PatchKind(rawValue: mediaType) else { throw .unsupportedMediaTypeOfPath }
        guard kind != .apply else {
            throw .unsupportedMediaType(accepted: [
                PatchKind.json.rawValue, PatchKind.merge.rawValue, PatchKind.strategic.rawValue,
            ])
        }
        write.patch = kind
        body = .encoded(try await request.body(), mediaType: mediaType)
    }

    private mutating func readDeletion(
        _ request: APIRequest, _ query: QueryParameters
    ) async throws(APIError) {
        let bytes = try await request.body()
        var options: MetaV1.DeleteOptions?
        if !bytes.isEmpty {
            let type = mediaType(request.header("content-type"))
            let tree = try Decoding.options(
                bytes, mediaType: type.isEmpty ? "application/json" : type,
                type: MetaV1.DeleteOptions.messageType)
            options = MetaV1.DeleteOptions(tree)
        }
        write = try WriteParameters(deleting: query, body: options)
        if verb == .deletecollection { try list.read(query, isWatch: false) }
    }
}

/// A Content-Type without its parameters.
private func mediaType(_ header: String) -> String {
    String(trimmed(header.prefix { $0 != ";" })).lowercased()
}

extension AnswerForm {
    /// - Throws: 406 if the client accepts nothing that is served.
    init(
        _ request: APIRequest, _ query: QueryParameters, allowsShapes: Bool
    ) throws(APIError) {
        guard let form = AnswerForm(accept: request.header("accept"), allowsShapes: allowsShapes)
        else {
            throw AnswerForm.names(servedType: request.header("accept"))
                ? .notAcceptable() : Self.notAcceptable
        }
        self = form
        isPretty = query.flag("pretty")
    }

    /// 406 of a request that accepts nothing that is served.
    static let notAcceptable = APIError(
        code: 406, reason: .notAcceptable,
        message: "406: Not Acceptable\n\nAvailable representations: "
            + APIError.mediaTypes.joined(separator: ", "), details: APIError.Details())
}
