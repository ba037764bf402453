import API
import APIErrors
import Authentication
import Transport

/// Carries requests from the transport to the API, and answers back. Has no opinions.
struct HTTPAdapter: RequestHandler {
    /// The largest body that is read; Kubernetes' own bound.
    static let bodyBytesMax = 3 * 1024 * 1024

    let server: APIServer

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        let headers = request.headers
        let body = request.body
        let asked = APIRequest(
            method: request.method.name, target: request.target,
            headers: { headers.values($0) },
            allHeaders: { headers.map { ($0.name, $0.value) } },
            credentials: Credentials(request),
            body: { () async throws(APIError) in
                do throws(RequestBodyError) {
                    return try await body.collect(upTo: Self.bodyBytesMax)
                } catch {
                    switch error {
                    case .tooLarge(let bytesMax): throw .requestEntityTooLarge(bytesMax: bytesMax)
                    case .disconnected: throw .badRequest("the request's body ended early")
                    }
                }
            })
        return HTTPResponse(await server.respond(to: asked))
    }
}

extension HTTPResponse {
    fileprivate init(_ answer: APIResponse) {
        var headers: HTTPHeaders = ["content-type": answer.contentType]
        for (name, value) in answer.headers { headers.add(name, value) }
        let body: Body
        switch answer.body {
        case .bytes(let bytes): body = .bytes(bytes)
        case .stream(let make):
            body = .stream { writer in try await make(StreamedBody(writer: writer)) }
        case .watch(let watch): body = .feed(WatchedBody(watch: watch))
        }
        self.init(
            status: answer.status, headers: headers, body: body,
            isCompressible: answer.isCompressible)
    }
}

private struct StreamedBody: BodyWriter {
    let writer: any ResponseWriter

    func write(_ bytes: [UInt8]) async throws { try await writer.write(bytes) }
}

private struct WatchedBody: ResponseFeed {
    let watch: WatchFeed

    func onWake(_ wake: @escaping @Sendable () -> Void) { watch.onWake(wake) }
    func stop() { watch.stop() }

    func next() -> ResponseFeedStep {
        switch watch.next() {
        case .bytes(let bytes): .bytes(bytes)
        case .wait: .wait
        case .end: .end
        case .broken: .broken
        }
    }
}

extension Credentials {
    /// What a request shows of who sent it.
    fileprivate init(_ request: HTTPRequest) {
        var subject: CertificateSubject?
        if case .verified(let certificate) = request.connection.peerCertificate {
            subject = CertificateSubject(
                commonName: certificate.commonName, organizations: certificate.organizations,
                fingerprint: certificate.fingerprint.map { byte in
                    let text = String(byte, radix: 16)
                    return text.count == 2 ? text : "0" + text
                }.joined())
        }
        self.init(certificate: subject, authorization: request.headers["authorization"])
    }
}
