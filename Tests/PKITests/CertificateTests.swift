import PKI
import Testing

@Suite("Certificates")
struct CertificateTests {
    static let nowSeconds: Int64 = 1_790_000_000
    static let yearSeconds: Int64 = 365 * 86_400

    static func makeCA() throws -> CertificateAuthority {
        try .makeSelfSigned(commonName: "martlet-ca", nowSeconds: nowSeconds,
                            validSeconds: 10 * yearSeconds)
    }

    @Test("A new CA vouches for itself")
    func selfSigned() throws {
        let authority = try Self.makeCA()
        #expect(authority.certificate.isCA)
        #expect(authority.certificate.commonName == "martlet-ca")
        #expect(try authority.certificate.isSigned(by: authority.certificate))
        #expect(authority.certificate.notAfterSeconds == Self.nowSeconds + 10 * Self.yearSeconds)
    }

    @Test("A server's certificate is for its names and addresses, and for no others")
    func server() throws {
        let authority = try Self.makeCA()
        let key = try PrivateKey.makeP256()
        let certificate = try authority.issueServer(
            commonName: "martlet",
            names: ["localhost", "kubernetes.default.svc", "127.0.0.1", "::1"],
            key: key.publicKey, nowSeconds: Self.nowSeconds, validSeconds: Self.yearSeconds)
        #expect(try certificate.isSigned(by: authority.certificate))
        #expect(certificate.belongs(to: key))
        #expect(!certificate.isCA)
        for name in ["localhost", "kubernetes.default.svc", "127.0.0.1", "::1"] {
            #expect(certificate.isValid(forServer: name))
        }
        #expect(!certificate.isValid(forServer: "kubernetes"))
        #expect(!certificate.isValid(forServer: "127.0.0.2"))
    }

    @Test("A client's certificate carries user and groups, in order")
    func client() throws {
        let authority = try Self.makeCA()
        let certificate = try authority.issueClient(
            commonName: "admin", organizations: ["system:masters", "öps"],
            key: try PrivateKey.makeP256().publicKey, nowSeconds: Self.nowSeconds,
            validSeconds: Self.yearSeconds)
        let read = try Certificate(pem: certificate.pem())
        #expect(read.commonName == "admin")
        #expect(read.organizations == ["system:masters", "öps"])
        #expect(read.notAfterSeconds == Self.nowSeconds + Self.yearSeconds)
        #expect(try read.der() == certificate.der())
    }

    @Test("A member's certificate says so, and no client can have one that does")
    func member() throws {
        let authority = try Self.makeCA()
        let key = try PrivateKey.makeP256()
        let certificate = try authority.issueMember(
            name: "n1", key: key.publicKey, nowSeconds: Self.nowSeconds,
            validSeconds: Self.yearSeconds)
        #expect(try certificate.isSigned(by: authority.certificate))
        #expect(certificate.commonName == "n1")
        #expect(certificate.organizations == ["martlet:members"])
        #expect(!certificate.isCA)
        let refusal = PKIError.unsupported("martlet:members is for members alone")
        #expect(throws: refusal) {
            try authority.issueClient(
                commonName: "n1", organizations: ["dev", "martlet:members"], key: key.publicKey,
                nowSeconds: Self.nowSeconds, validSeconds: Self.yearSeconds)
        }
    }

    @Test("A name can't smuggle in another one", arguments: ["a,DNS:b", "a\nb", "", "a b", "ä"])
    func badNames(name: String) throws {
        let authority = try Self.makeCA()
        #expect(throws: PKIError.self) {
            try authority.issueServer(commonName: "x", names: [name], key: authority.key.publicKey,
                                      nowSeconds: Self.nowSeconds, validSeconds: 60)
        }
    }

    @Test("A CA comes back from its files; another key is refused")
    func fromFiles() throws {
        let authority = try Self.makeCA()
        let certificate = try Certificate(pem: authority.certificate.pem())
        let key = try PrivateKey(pem: authority.key.pem())
        _ = try CertificateAuthority(certificate: certificate, key: key)
        #expect(throws: PKIError.unsupported("the key does not belong to the CA's certificate")) {
            try CertificateAuthority(certificate: certificate, key: PrivateKey.makeP256())
        }
    }

    @Test("Damaged PEM is an error, never a trap")
    func damagedPEM() throws {
        let pem = try Self.makeCA().certificate.pem()
        for index in pem.indices {
            for byte: UInt8 in [0, 10, 45, 65, 255] {
                var bytes = pem
                bytes[index] = byte
                do throws(PKIError) {
                    for found in try Certificate.all(pem: bytes) { _ = found.commonName }
                } catch {}
            }
        }
        #expect(throws: PKIError.self) { try Certificate(pem: []) }
        #expect(throws: PKIError.self) { try PrivateKey(pem: Array("nonsense".utf8)) }
    }
}
