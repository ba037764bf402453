internal import COpenSSL

/// A certificate before it is signed.
final class CertificateDraft {
    private let handle: CertificateHandle

    init(key: PublicKey, commonName: String, organizations: [String] = []) throws(PKIError) {
        guard let raw = unsafe X509_new() else { throw .failed(takeOpenSSLReason()) }
        unsafe handle = CertificateHandle(owning: raw)
        try Self.require(unsafe X509_set_version(raw, Int(X509_VERSION_3)), "version")
        try Self.require(unsafe X509_set_pubkey(raw, key.handle.raw), "key")
        try setSerialNumber()
        for organization in organizations { try addSubject(NID_organizationName, organization) }
        try addSubject(NID_commonName, commonName)
    }

    private static func require(_ result: Int32, _ what: String) throws(PKIError) {
        guard result > 0 else { throw .failed("\(what): \(takeOpenSSLReason())") }
    }

    /// Random, 127 bits: never the same twice, without keeping count.
    private func setSerialNumber() throws(PKIError) {
        var bytes = SecureRandom.bytes(count: 16)
        bytes[0] &= 0x7f
        guard let number = unsafe BN_bin2bn(bytes, Int32(bytes.count), nil) else {
            throw .failed(takeOpenSSLReason())
        }
        defer { unsafe BN_free(number) }
        let serial = unsafe BN_to_ASN1_INTEGER(number, X509_get_serialNumber(handle.raw))
        guard unsafe serial != nil else { throw .failed(takeOpenSSLReason()) }
    }

    /// OpenSSL refuses values that the attribute has no room for: a CN holds 64 characters.
    private func addSubject(_ attribute: Int32, _ value: String) throws(PKIError) {
        let bytes = Array(value.utf8)
        let result = unsafe X509_NAME_add_entry_by_NID(
            X509_get_subject_name(handle.raw), attribute, MBSTRING_UTF8, bytes,
            Int32(bytes.count), -1, 0)
        guard result == 1 else {
            throw .unsupported("subject \(value): \(takeOpenSSLReason())")
        }
    }

    func holds(from start: Int64, until end: Int64) throws(PKIError) {
        let notBefore = unsafe ASN1_TIME_set(X509_getm_notBefore(handle.raw), Int(start))
        let notAfter = unsafe ASN1_TIME_set(X509_getm_notAfter(handle.raw), Int(end))
        guard unsafe notBefore != nil && notAfter != nil else {
            throw .unsupported("a time that no certificate can hold")
        }
    }

    /// Adds an extension, in the words of OpenSSL's configuration files.
    func add(_ kind: Int32, _ value: String) throws(PKIError) {
        var context = unsafe X509V3_CTX()
        unsafe X509V3_set_ctx(&context, handle.raw, handle.raw, nil, nil, 0)
        guard let part = unsafe X509V3_EXT_nconf_nid(nil, &context, kind, value) else {
            throw .failed("extension \(value): \(takeOpenSSLReason())")
        }
        defer { unsafe X509_EXTENSION_free(part) }
        try Self.require(unsafe X509_add_ext(handle.raw, part, -1), "extension")
    }

    /// The finished certificate. `issuer` nil is the certificate itself.
    func signed(by issuer: Certificate?, key: PrivateKey) throws(PKIError) -> Certificate {
        let name = unsafe X509_get_subject_name(issuer?.handle.raw ?? handle.raw)
        try Self.require(unsafe X509_set_issuer_name(handle.raw, name), "issuer")
        if let issuer { try addAuthorityKeyIdentifier(issuer) }
        try Self.require(unsafe X509_sign(handle.raw, key.handle.raw, EVP_sha256()), "signature")
        return Certificate(handle: handle)
    }

    private func addAuthorityKeyIdentifier(_ issuer: Certificate) throws(PKIError) {
        var context = unsafe X509V3_CTX()
        unsafe X509V3_set_ctx(&context, issuer.handle.raw, handle.raw, nil, nil, 0)
        let part = unsafe X509V3_EXT_nconf_nid(nil, &context, NID_authority_key_identifier, "keyid")
        guard let part = unsafe part else { throw .failed(takeOpenSSLReason()) }
        defer { unsafe X509_EXTENSION_free(part) }
        try Self.require(unsafe X509_add_ext(handle.raw, part, -1), "extension")
    }
}
