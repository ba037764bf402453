internal import COpenSSL

extension PublicKey {
    /// The key as a JSON object of RFC 7517, with its members in go-jose's order.
    public func jsonWebKey() throws(PKIError) -> String {
        let id = try keyID()
        let kind = algorithm == .es256 ? "EC" : "RSA"
        let start = "{\"use\":\"sig\",\"kty\":\"\(kind)\",\"kid\":\"\(id)\","
        switch algorithm {
        case .es256:
            let x = Base64.encodeForURL(try number(OSSL_PKEY_PARAM_EC_PUB_X, byteCount: 32))
            let y = Base64.encodeForURL(try number(OSSL_PKEY_PARAM_EC_PUB_Y, byteCount: 32))
            return start + "\"crv\":\"P-256\",\"alg\":\"ES256\",\"x\":\"\(x)\",\"y\":\"\(y)\"}"
        case .rs256:
            let modulus = Base64.encodeForURL(try number(OSSL_PKEY_PARAM_RSA_N))
            let exponent = Base64.encodeForURL(try number(OSSL_PKEY_PARAM_RSA_E))
            return start + "\"alg\":\"RS256\",\"n\":\"\(modulus)\",\"e\":\"\(exponent)\"}"
        }
    }

    /// What `/openid/v1/jwks` answers.
    public static func jsonWebKeySet(_ keys: [PublicKey]) throws(PKIError) -> String {
        var texts: [String] = []
        for key in keys { texts.append(try key.jsonWebKey()) }
        return "{\"keys\":[" + texts.joined(separator: ",") + "]}"
    }

    /// - Parameter byteCount: With leading zeros, so many bytes; nil is as few as it takes.
    private func number(_ name: String, byteCount: Int? = nil) throws(PKIError) -> [UInt8] {
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(handle.raw, name, &number) == 1 else {
            throw .failed("key parameter \(name): \(takeOpenSSLReason())")
        }
        defer { unsafe BN_free(number) }
        let count = unsafe byteCount ?? (Int(BN_num_bits(number)) + 7) / 8
        var bytes = [UInt8](repeating: 0, count: count)
        guard unsafe BN_bn2binpad(number, &bytes, Int32(count)) == count else {
            throw .failed("key parameter \(name) is too large")
        }
        return bytes
    }
}
