/// What a request shows of who sent it.
public struct Credentials: Sendable {
    /// The subject of a client certificate. Whoever makes one has verified the certificate
    /// against the CA for clients.
    public struct CertificateSubject: Hashable, Sendable {
        /// CN, the user's name.
        public var commonName: String
        /// All O, the user's groups.
        public var organizations: [String]
        /// SHA-256 of the certificate in hexadecimal, which identifies the credential.
        public var fingerprint: String

        public init(commonName: String, organizations: [String] = [], fingerprint: String = "") {
            self.commonName = commonName
            self.organizations = organizations
            self.fingerprint = fingerprint
        }
    }

    public var certificate: CertificateSubject?
    /// The header `Authorization`.
    public var authorization: String?

    public init(certificate: CertificateSubject? = nil, authorization: String? = nil) {
        self.certificate = certificate
        self.authorization = authorization
    }

    /// The token of `Bearer TOKEN`: what stands behind the first space, up to the next one. Nil if
    /// nothing does, or the header is something else.
    var bearerToken: String? {
        guard let parts = bearerParts, !parts[1].isEmpty else { return nil }
        return String(parts[1])
    }

    /// What a client is told whose token is passed over as it stands behind more than one space.
    public var warning: String? {
        guard let parts = bearerParts, parts.count == 3, parts[1].isEmpty else { return nil }
        return "the provided Authorization header contains extra space before the bearer token, "
            + "and is ignored"
    }

    /// The words of the header, of which the first is `Bearer` in any case: two, or three of which
    /// the last is all the rest.
    private var bearerParts: [Substring]? {
        guard let authorization else { return nil }
        var header = authorization.drop(while: \.isWhitespace)
        while header.last?.isWhitespace == true { header.removeLast() }
        let parts = header.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0].lowercased() == "bearer" else { return nil }
        return parts
    }
}

extension Credentials.CertificateSubject {
    /// Nil if the certificate names nobody.
    var user: UserInfo? {
        guard !commonName.isEmpty else { return nil }
        let extra = fingerprint.isEmpty
            ? [:] : [UserInfo.ExtraKey.credentialID: ["X509SHA256=\(fingerprint)"]]
        return UserInfo(name: commonName, groups: organizations, extra: extra).authenticated
    }
}
