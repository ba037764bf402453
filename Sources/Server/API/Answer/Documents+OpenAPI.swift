import APIErrors
import OpenAPI
import Synchronization
import Wire

/// The hashes of documents that were asked for, since a hash is all it takes to say "unchanged".
///
/// There are no more than there are documents; the documents themselves are not kept.
final class DocumentHashes: Sendable {
    private let known = Mutex<[OpenAPIDocument: String]>([:])

    /// The hash of a document that is served; makes the document once to find out.
    func hash(of document: OpenAPIDocument) -> String? {
        if let hash = known.withLock({ $0[document] }) { return hash }
        return document.bytes().map { note($0, for: document) }
    }

    /// Notes the hash of `bytes`, and returns it.
    func note(_ bytes: [UInt8], for document: OpenAPIDocument) -> String {
        known.withLock { known in
            if let hash = known[document] { return hash }
            let hash = OpenAPIDocument.hash(of: bytes)
            known[document] = hash
            return hash
        }
    }
}

// What is answered below /openapi.
extension Documents {
    private static let protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

    /// What the document of version 2 can be had as. Clients ask by the last name, too, but cannot
    /// read it in an answer: `@` may not stand in a media type.
    private static let version2 = [
        "application/json", protobuf, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    ]

    /// - Throws: 406 if the client accepts none of the media types that there are.
    func openAPI(
        _ path: ArraySlice<Substring>, _ request: APIRequest, _ query: QueryParameters
    ) throws(APIError) -> APIResponse {
        let rest = path.dropFirst().joined(separator: "/")
        switch path.first {
        case "v2" where rest.isEmpty:
            let isJSON = try accepted(Self.version2, request) == Self.version2[0]
            return isJSON
                ? send(.version2(.json), as: Self.version2[0], request)
                : send(.version2(.protobuf), as: Self.protobuf, request)
        case "v3" where rest.isEmpty: return index(request)
        case "v3":
            let document = OpenAPIDocument.version3(path: rest)
            guard OpenAPIDocument.paths.contains(rest) else { return Self.notFound }
            let type = try accepted(["application/json"], request)
            guard let asked = query["hash"], let hash = hashes.hash(of: document) else {
                return send(document, as: type, request)
            }
            guard asked == hash else { return Self.moved(to: "/openapi/v3/\(rest)?hash=\(hash)") }
            var response = send(document, as: type, request)
            response.headers.append(("cache-control", "public, immutable"))
            return response
        default: return Self.notFound
        }
    }

    private func index(_ request: APIRequest) -> APIResponse {
        let bytes = OpenAPIDocument.index { hashes.hash(of: $0) ?? "" }
        let etag = "\"\(OpenAPIDocument.hash(of: bytes))\""
        if Self.isUnchanged(etag, request) { return Self.unchanged(etag) }
        return APIResponse(
            status: 200, contentType: "text/plain; charset=utf-8", headers: [("etag", etag)],
            body: .bytes(bytes))
    }

    /// The document, or 304 if the client has it.
    private func send(
        _ document: OpenAPIDocument, as type: String, _ request: APIRequest
    ) -> APIResponse {
        if !request.headers("if-none-match").isEmpty, let hash = hashes.hash(of: document),
            Self.isUnchanged("\"\(hash)\"", request) {
            return Self.unchanged("\"\(hash)\"")
        }
        guard let bytes = document.bytes() else { return Self.notFound }
        let etag = "\"\(hashes.note(bytes, for: document))\""
        return APIResponse(
            status: 200, contentType: type, headers: [("etag", etag), ("vary", "Accept")],
            body: .bytes(bytes))
    }

    private static func isUnchanged(_ etag: String, _ request: APIRequest) -> Bool {
        request.header("if-none-match").split(separator: ",").map(trimmed).contains {
            $0 == etag || $0 == "*" || $0 == "W/\(etag)"
        }
    }

    private static func unchanged(_ etag: String) -> APIResponse {
        APIResponse(
            status: 304, contentType: "application/json", headers: [("etag", etag)],
            body: .bytes([]))
    }

    /// Somebody asks for a document by the hash of another one.
    private static func moved(to place: String) -> APIResponse {
        APIResponse(
            status: 301, contentType: "text/plain; charset=utf-8", headers: [("location", place)],
            body: .bytes([]))
    }

    /// The first media type in the Accept header that is among `types`; the first of these if there
    /// is no header.
    private func accepted(
        _ types: [String], _ request: APIRequest
    ) throws(APIError) -> String {
        let clauses = request.header("accept").split(separator: ",")
        guard !clauses.isEmpty else { return types[0] }
        for clause in clauses {
            let asked = trimmed(clause.prefix { $0 != ";" })
            if asked == "*/*" || asked == "application/*" { return types[0] }
            if let type = types.first(where: { $0 == asked }) { return type }
        }
        throw .notAcceptable(accepted: types)
    }
}
