internal import COpenSSL

/// A CA's certificate and key: what makes certificates.
public struct CertificateAuthority: Sendable {
    /// Certificates hold from a little earlier on, for clocks that are behind ours.
    private static let clockSkewSeconds: Int64 = 300

    public let certificate: Certificate
    public let key: PrivateKey

    /// - Throws: ``PKIError/unsupported(_:)`` if the key is not the certificate's or it is no CA's.
    public init(certificate: Certificate, key: PrivateKey) throws(PKIError) {
        guard certificate.belongs(to: key) else {
            throw .unsupported("the key does not belong to the CA's certificate")
        }
        guard certificate.isCA else { throw .unsupported("the certificate is not a CA's") }
        self.certificate = certificate
        self.key = key
    }

    /// A new CA that vouches for itself.
    ///
    /// - Parameters:
    ///   - nowSeconds: Seconds since 1970.
    ///   - validSeconds: How long it holds from then on.
    public static func makeSelfSigned(commonName: String, nowSeconds: Int64, validSeconds: Int64)
        throws(PKIError) -> CertificateAuthority {
        let key = try PrivateKey.makeP256()
        let draft = try CertificateDraft(key: key.publicKey, commonName: commonName)
        try draft.holds(from: nowSeconds - clockSkewSeconds, until: nowSeconds + validSeconds)
        try draft.add(NID_basic_constraints, "critical,CA:TRUE")
        try draft.add(NID_key_usage,
                      "critical,digitalSignature,keyEncipherment,keyCertSign,cRLSign")
        try draft.add(NID_subject_key_identifier, "hash")
        return try CertificateAuthority(certificate: draft.signed(by: nil, key: key), key: key)
    }

    /// When ``makeSelfSigned(commonName:nowSeconds:validSeconds:)`` made it, in seconds since 1970.
    public var madeSeconds: Int64 { certificate.notBeforeSeconds + Self.clockSkewSeconds }

    /// A server's certificate. It holds from when the CA does.
    ///
    /// - Parameter names: DNS names and IP addresses, at least one.
    public func issueServer(commonName: String, names: [String], key: PublicKey, nowSeconds: Int64,
                            validSeconds: Int64) throws(PKIError) -> Certificate {
        guard !names.isEmpty else { throw .unsupported("a server's certificate without names") }
        let draft = try leafDraft(commonName: commonName, organizations: [], key: key,
                                  from: certificate.notBeforeSeconds,
                                  until: nowSeconds + validSeconds)
        try draft.add(NID_ext_key_usage, "serverAuth")
        try draft.add(NID_subject_alt_name, Self.alternativeNames(names))
        return try draft.signed(by: certificate, key: self.key)
    }

    /// A client's certificate: `commonName` is the user, `organizations` are the groups.
    ///
    /// - Throws: ``PKIError/unsupported(_:)`` if it would pass for a member's.
    public func issueClient(commonName: String, organizations: [String], key: PublicKey,
                            nowSeconds: Int64, validSeconds: Int64)
        throws(PKIError) -> Certificate {
        guard !organizations.contains(Self.memberOrganization) else {
            throw .unsupported("\(Self.memberOrganization) is for members alone")
        }
        let draft = try leafDraft(commonName: commonName, organizations: organizations, key: key,
                                  from: nowSeconds - Self.clockSkewSeconds,
                                  until: nowSeconds + validSeconds)
        try draft.add(NID_ext_key_usage, "clientAuth")
        return try draft.signed(by: certificate, key: self.key)
    }

    /// The organization by which members of a cluster know each other.
    public static let memberOrganization = "martlet:members"

    /// A member's certificate, with which it serves other members and connects to them. Only this
    /// makes one, so that no client of the API can pass for a member. It makes itself one at each
    /// start, and it holds from when the CA does: the others may be days behind its clock.
    ///
    /// - Parameter name: The member's, 1 to 64 characters.
    public func issueMember(name: String, key: PublicKey, nowSeconds: Int64, validSeconds: Int64)
        throws(PKIError) -> Certificate {
        let draft = try leafDraft(commonName: name, organizations: [Self.memberOrganization],
                                  key: key, from: certificate.notBeforeSeconds,
                                  until: nowSeconds + validSeconds)
        try draft.add(NID_ext_key_usage, "serverAuth,clientAuth")
        return try draft.signed(by: certificate, key: self.key)
    }

    private func leafDraft(commonName: String, organizations: [String], key: PublicKey,
                           from startSeconds: Int64, until endSeconds: Int64)
        throws(PKIError) -> CertificateDraft {
        let draft = try CertificateDraft(key: key, commonName: commonName,
                                         organizations: organizations)
        try draft.holds(from: startSeconds, until: endSeconds)
        try draft.add(NID_basic_constraints, "critical,CA:FALSE")
        try draft.add(NID_key_usage, "critical,digitalSignature,keyEncipherment")
        return draft
    }

    /// `DNS:localhost,IP:127.0.0.1`, as OpenSSL reads it. Names are checked, so that none can
    /// smuggle in another.
    private static func alternativeNames(_ names: [String]) throws(PKIError) -> String {
        var parts: [String] = []
        for name in names {
            if let address = unsafe a2i_IPADDRESS(name) {
                unsafe ASN1_OCTET_STRING_free(address)
                parts.append("IP:" + name)
            } else {
                ERR_clear_error()
                guard isDNSName(name) else { throw .unsupported("\(name) is no DNS name") }
                parts.append("DNS:" + name)
            }
        }
        return parts.joined(separator: ",")
    }

    private static func isDNSName(_ name: String) -> Bool {
        (1...253).contains(name.utf8.count) && name.utf8.allSatisfy { byte in
            switch byte {
            case 48...57, 65...90, 97...122: true
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "*"): true
            default: false
            }
        }
    }
}
