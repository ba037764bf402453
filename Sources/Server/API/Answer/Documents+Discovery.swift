import APIErrors
import Discovery
import Wire

/// What there is and what it looks like: /version, /api, /apis, /openapi.
extension Documents {
    /// The answer to a path that begins with `api` or `apis` and is no resource's.
    func discovery(_ target: RequestTarget, _ request: APIRequest) throws(APIError) -> APIResponse {
        for clause in Self.clauses(request.header("accept")) {
            let parts = clause.split(separator: ";").map { String(trimmed($0)) }
            if Set(parts.dropFirst()).isSuperset(of: Self.aggregatedParameters) {
                guard parts[0] == "application/json",
                    let document = discovery.aggregated(path: target.path)
                else { continue }
                return aggregated(document, request)
            }
            guard !parts.dropFirst().contains(where: { $0.hasPrefix("as=") }),
                let form = AnswerForm(accept: String(clause), allowsShapes: false)
            else { continue }
            return try plain(target, request, form)
        }
        throw AnswerForm.notAcceptable
    }

    private static let aggregatedParameters =
        Set(Discovery.aggregatedParameters.split(separator: ";").map(String.init))

    /// The clauses of an Accept header; anything if there is none.
    private static func clauses(_ accept: String) -> [Substring] {
        accept.isEmpty ? ["*/*"] : accept.split(separator: ",")
    }

    private func aggregated(
        _ document: DiscoveryDocument, _ request: APIRequest
    ) -> APIResponse {
        let etag = document.etag ?? ""
        let isKnown = request.header("if-none-match") == etag
        var response = APIResponse(
            status: isKnown ? 304 : 200,
            contentType: "application/json;\(Discovery.aggregatedParameters)",
            body: .bytes(isKnown ? [] : document.bytes(.json)))
        response.headers = [("etag", etag), ("vary", "Accept")]
        return response
    }

    private func plain(
        _ target: RequestTarget, _ request: APIRequest, _ form: AnswerForm
    ) throws(APIError) -> APIResponse {
        let host = request.header("host")
        guard let document = discovery.document(path: target.path, serverAddress: host) else {
            let parts = target.path.split(separator: "/")
            let isKnownGroup = parts.count > 2
                && discovery.document(path: "/apis/\(parts[1])") != nil
            if parts.first == "apis", !isKnownGroup { return Self.notFound }
            throw .unknownPath
        }
        let encoding: MediaType = switch form.encoding {
        case .json: .json
        case .yaml: .yaml
        case .protobuf: .protobuf
        }
        var response = APIResponse(
            status: 200, contentType: form.encoding.mediaType,
            body: .bytes(document.bytes(encoding, isPretty: form.isPretty)))
        response.headers = [("vary", "Accept")]
        return response
    }

    private static func json(_ bytes: [UInt8]) -> APIResponse {
        APIResponse(status: 200, contentType: "application/json", body: .bytes(bytes))
    }

    /// What /version says.
    var versionAnswer: APIResponse { Self.json(version.json) }
}
