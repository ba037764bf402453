import Glibc
import PKI
@testable import Transport

/// Certificates of the tests, made once.
enum TestIdentity {
    static let nowSeconds = Int64(time(nil))

    static let authority = Result<CertificateAuthority, PKIError> { () throws(PKIError) in
        try .makeSelfSigned(commonName: "test", nowSeconds: nowSeconds, validSeconds: 86_400)
    }

    static func server() throws -> TLSConfiguration {
        let authority = try authority.get()
        let key = try PrivateKey.makeP256()
        let certificate = try authority.issueServer(
            commonName: "server", names: ["127.0.0.1", "localhost"], key: key.publicKey,
            nowSeconds: nowSeconds, validSeconds: 86_400)
        return try TLSConfiguration(certificateChainPEM: certificate.pem(),
                                    privateKeyPEM: key.pem(),
                                    clientCAsPEM: authority.certificate.pem())
    }

    static func client(commonName: String, organizations: [String],
                       authority: CertificateAuthority? = nil) throws
        -> (chainPEM: [UInt8], keyPEM: [UInt8]) {
        let key = try PrivateKey.makeP256()
        let certificate = try (authority ?? self.authority.get()).issueClient(
            commonName: commonName, organizations: organizations, key: key.publicKey,
            nowSeconds: nowSeconds, validSeconds: 86_400)
        return try (certificate.pem(), key.pem())
    }
}

enum TestServer {
    static func make(limits: ServerLimits = ServerLimits(),
                     _ respond: @escaping @Sendable (HTTPRequest) async -> HTTPResponse) throws
        -> HTTPServer {
        try HTTPServer(ServerConfiguration(port: 0, tls: try TestIdentity.server(), threadCount: 1,
                                           limits: limits), handler: Closure(respond))
    }

    static func client(of address: HTTPServer.Address, serverCAs: [UInt8]? = nil,
                       serverName: String? = nil,
                       identity: (chainPEM: [UInt8], keyPEM: [UInt8])? = nil) throws -> HTTPClient {
        let tls = try ClientTLSConfiguration(
            serverCAsPEM: serverCAs ?? TestIdentity.authority.get().certificate.pem(),
            certificateChainPEM: identity?.chainPEM ?? [], privateKeyPEM: identity?.keyPEM ?? [],
            serverName: serverName)
        return try HTTPClient(HTTPClientConfiguration(host: address.host, port: address.port,
                                                      tls: tls))
    }
}

/// Runs `body` with a client of a server of its own; both are gone afterwards.
func withServer(_ respond: @escaping @Sendable (HTTPRequest) async -> HTTPResponse,
                limits: ServerLimits = ServerLimits(), serverCAs: [UInt8]? = nil,
                serverName: String? = nil, identity: (chainPEM: [UInt8], keyPEM: [UInt8])? = nil,
                _ body: (HTTPClient) async throws -> Void) async throws {
    let server = try TestServer.make(limits: limits, respond)
    let client = try TestServer.client(of: try await server.start(), serverCAs: serverCAs,
                                       serverName: serverName, identity: identity)
    let failure: (any Error)?
    do {
        try await body(client)
        failure = nil
    } catch {
        failure = error
    }
    await client.shutdown()
    await server.shutdown(grace: .seconds(60))
    if let failure { throw failure }
}
