import PKI
import Testing

@Suite("Tokens")
struct TokenTests {
    static let claims = Array(#"{"iss":"https://kubernetes.default.svc","sub":"system:x"}"#.utf8)

    static func makeKey(_ algorithm: SignatureAlgorithm) throws -> PrivateKey {
        algorithm == .es256 ? try .makeP256() : try .makeRSA()
    }

    @Test("What a key signs, its public half verifies",
          arguments: [SignatureAlgorithm.es256, .rs256])
    func roundTrip(algorithm: SignatureAlgorithm) throws {
        let key = try Self.makeKey(algorithm)
        let token = try JSONWebToken.sign(claims: Self.claims, key: key)
        let published = try PublicKey.all(pem: key.publicKey.pem())
        #expect(published.count == 1)
        let keys = try [TokenKey(PrivateKey.makeP256().publicKey), TokenKey(published[0])]
        #expect(try JSONWebToken.verify(token, keys: keys) == Self.claims)
        #expect(try JSONWebToken.unverifiedClaims(token) == Self.claims)
    }

    @Test("A token of a stranger is not trusted")
    func stranger() throws {
        let token = try JSONWebToken.sign(claims: Self.claims, key: .makeP256())
        let keys = try [TokenKey(PrivateKey.makeP256().publicKey)]
        #expect(throws: JSONWebTokenError.untrusted) { try JSONWebToken.verify(token, keys: keys) }
    }

    @Test("Changing any character makes a token invalid")
    func tampering() throws {
        let key = try PrivateKey.makeP256()
        let keys = try [TokenKey(key.publicKey)]
        let token = Array(try JSONWebToken.sign(claims: Self.claims, key: key).utf8)
        for index in token.indices {
            var changed = token
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B")
                : UInt8(ascii: "A")
            #expect(throws: JSONWebTokenError.self) {
                try JSONWebToken.verify(String(decoding: changed, as: UTF8.self), keys: keys)
            }
        }
    }

    @Test("The key, not the header, says which algorithm it is", arguments: [
        #"{"alg":"none"}"#, #"{"alg":"HS256"}"#, #"{"alg":"RS256"}"#,
        #"{"alg":"ES256","crit":["b64"]}"#,
        #"{"alg":"none","alg":"ES256"}"#, #"{"\u0061lg":"ES256"}"#, "{}", "[]", "",
        #"{"alg":"ES256"}x"#,
    ])
    func algorithms(header: String) throws {
        let key = try PrivateKey.makeP256()
        let signed = Base64.encodeForURL(Array(header.utf8)) + "."
            + Base64.encodeForURL(Self.claims)
        let signature = try key.signature(of: Array(signed.utf8))
        let keys = try [TokenKey(key.publicKey)]
        for end in [Base64.encodeForURL(signature), ""] {
            #expect(throws: JSONWebTokenError.self) {
                try JSONWebToken.verify(signed + "." + end, keys: keys)
            }
        }
    }

    @Test("A header may leave the key's name out, and hold more than we know")
    func noKeyID() throws {
        let key = try PrivateKey.makeP256()
        let header = #"{ "typ" : "JWT", "alg": "ES256", "x": [1, {"y": null}] }"#
        let signed = Base64.encodeForURL(Array(header.utf8)) + "."
            + Base64.encodeForURL(Self.claims)
        let token = try signed + "." + Base64.encodeForURL(key.signature(of: Array(signed.utf8)))
        #expect(try JSONWebToken.verify(token, keys: [TokenKey(key.publicKey)]) == Self.claims)
    }

    @Test("The key set has what a verifier needs")
    func keySet() throws {
        let keys = try [PrivateKey.makeP256().publicKey, PrivateKey.makeRSA().publicKey]
        let set = try PublicKey.jsonWebKeySet(keys)
        #expect(set.hasPrefix(#"{"keys":[{"use":"sig","kty":"EC","kid":""#))
        #expect(set.contains(#""crv":"P-256","alg":"ES256","x":""#))
        #expect(set.contains(#""alg":"RS256","n":""#))
        #expect(set.contains(#""e":"AQAB"}"#))
    }

    @Test("One file may hold several keys, of several forms")
    func keyFile() throws {
        let first = try PrivateKey.makeP256()
        let second = try PrivateKey.makeP256()
        let authority = try CertificateTests.makeCA()
        let file = try first.pem() + second.publicKey.pem() + authority.certificate.pem()
        let names = try PublicKey.all(pem: file).map { try $0.keyID() }
        #expect(try names == [first.publicKey, second.publicKey, authority.key.publicKey]
            .map { try $0.keyID() })
    }
}
