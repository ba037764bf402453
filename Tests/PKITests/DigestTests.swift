import PKI
import Testing

@Suite("Digests and encodings")
struct DigestTests {
    @Test("SHA-256 of abc is what FIPS 180 says")
    func sha256() {
        #expect(SHA256.hexDigest(Array("abc".utf8))
            == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(SHA256.hexDigest([])
            == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test("HMAC is what RFC 4231, case 2, says")
    func hmac() {
        let code = SHA256.authenticationCode(Array("what do ya want for nothing?".utf8),
                                             key: Array("Jefe".utf8))
        #expect(Base64.encode(code) == "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=")
    }

    @Test("Base64 is what RFC 4648 says", arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func base64(text: String, encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(text.utf8))
        let unpadded = String(encoded.prefix { $0 != "=" })
        #expect(Base64.encodeForURL(Array(text.utf8)) == unpadded)
        #expect(Base64.decodeFromURL(unpadded) == Array(text.utf8))
    }

    @Test("Base64 that is not canonical is refused",
          arguments: ["Zg", "Zh==", "Zg=", "Z===", "====", "Zg==Zg==", "Z-8=", "Zm9v ", "=Zg="])
    func notCanonical(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test("UUIDs are of version 4 and never the same")
    func uuid() {
        let first = SecureRandom.uuid()
        #expect(first.utf8.count == 36)
        #expect(Array(first.utf8)[14] == UInt8(ascii: "4"))
        #expect("89ab".contains(Array(first)[19]))
        #expect(first != SecureRandom.uuid())
    }

    @Test("Bytes are compared whole")
    func comparing() {
        #expect(equalsInConstantTime([1, 2, 3], [1, 2, 3]))
        #expect(!equalsInConstantTime([1, 2, 3], [1, 2, 4]))
        #expect(!equalsInConstantTime([1, 2, 3], [1, 2]))
        #expect(equalsInConstantTime([], []))
    }
}
