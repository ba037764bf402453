import Joining
import PKI

/// The cluster's keys and certificates, which the first start makes under DIR/pki.
struct ClusterIdentity {
    let authority: CertificateAuthority
    let authorityPEM: [UInt8]
    let servingCertificatePEM: [UInt8]
    let servingKeyPEM: [UInt8]
    let serviceAccountKey: PrivateKey

    private static let yearSeconds: Int64 = 365 * 24 * 3600
    private static let authorityYears: Int64 = 10
    /// Names that a server is reached by, beside its own addresses.
    private static let names = [
        "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local", "127.0.0.1", "::1",
    ]

    /// Reads what is in `directory`, and makes what is not.
    init(directory: String, extraNames: [String], nowSeconds: Int64) throws {
        try Files.makeDirectory(directory)
        let keys = KeyFiles(directory: directory)
        authority = try keys.authority(
            nowSeconds: nowSeconds, validSeconds: Self.authorityYears * Self.yearSeconds)
        authorityPEM = try authority.certificate.pem()
        let servingKey = try keys.key("server.key")
        servingKeyPEM = try servingKey.pem()
        servingCertificatePEM = try keys.servingCertificate(
            of: authority, key: servingKey, names: Self.names + extraNames, nowSeconds: nowSeconds,
            validSeconds: Self.authorityYears * Self.yearSeconds)
        serviceAccountKey = try keys.key("sa.key")
    }

    /// By which other members know this one. Made anew at each start, as nobody has to keep it.
    func member(named name: String, nowSeconds: Int64) throws
        -> (certificatePEM: [UInt8], keyPEM: [UInt8]) {
        let key = try PrivateKey.makeP256()
        let certificate = try authority.issueMember(
            name: name, key: key.publicKey, nowSeconds: nowSeconds,
            validSeconds: Self.authorityYears * Self.yearSeconds)
        return (try certificate.pem(), try key.pem())
    }

    /// What another member needs to be one.
    func secrets() throws -> ClusterSecrets {
        ClusterSecrets(
            authorityCertificatePEM: authorityPEM, authorityKeyPEM: try authority.key.pem(),
            serviceAccountKeyPEM: try serviceAccountKey.pem())
    }

    /// Whether `directory` has a CA already.
    static func isThere(in directory: String) -> Bool { Files.exists("\(directory)/ca.key") }

    /// Takes over what another member gave. The CA's key is written last, so that an interrupted
    /// start begins again.
    static func write(_ secrets: ClusterSecrets, to directory: String) throws {
        _ = try CertificateAuthority(
            certificate: Certificate(pem: secrets.authorityCertificatePEM),
            key: PrivateKey(pem: secrets.authorityKeyPEM))
        _ = try PrivateKey(pem: secrets.serviceAccountKeyPEM)
        try Files.makeDirectory(directory)
        try Files.write(secrets.serviceAccountKeyPEM, to: "\(directory)/sa.key")
        try Files.write(secrets.authorityCertificatePEM, to: "\(directory)/ca.crt")
        try Files.write(secrets.authorityKeyPEM, to: "\(directory)/ca.key")
    }

    /// A kubeconfig for an administrator, with everything in it.
    func adminKubeconfig(server: String, nowSeconds: Int64) throws -> String {
        let key = try PrivateKey.makeP256()
        let certificate = try authority.issueClient(
            commonName: "kubernetes-admin", organizations: ["system:masters"], key: key.publicKey,
            nowSeconds: nowSeconds, validSeconds: Self.yearSeconds)
        return """
            apiVersion: v1
            kind: Config
            clusters:
            - name: martlet
              cluster:
                server: \(server)
                certificate-authority-data: \(Base64.encode(authorityPEM))
            users:
            - name: admin
              user:
                client-certificate-data: \(Base64.encode(try certificate.pem()))
                client-key-data: \(Base64.encode(try key.pem()))
            contexts:
            - name: martlet
              context: {cluster: martlet, user: admin}
            current-context: martlet

            """
    }
}

/// Files that are made once.
private struct KeyFiles {
    let directory: String

    func file(_ name: String, make: () throws -> [UInt8]) throws -> [UInt8] {
        let path = "\(directory)/\(name)"
        if Files.exists(path) { return try Files.read(path) }
        let bytes = try make()
        try Files.write(bytes, to: path)
        return bytes
    }

    /// The CA; its key is written last.
    func authority(nowSeconds: Int64, validSeconds: Int64) throws -> CertificateAuthority {
        let (certificatePath, keyPath) = ("\(directory)/ca.crt", "\(directory)/ca.key")
        if Files.exists(keyPath) {
            return try CertificateAuthority(
                certificate: Certificate(pem: Files.read(certificatePath)),
                key: PrivateKey(pem: Files.read(keyPath)))
        }
        let made = try CertificateAuthority.makeSelfSigned(
            commonName: "martlet-ca", nowSeconds: nowSeconds, validSeconds: validSeconds)
        try Files.write(made.certificate.pem(), to: certificatePath)
        try Files.write(made.key.pem(), to: keyPath)
        return made
    }

    /// The server's certificate. It is made anew if the server got other names since, or if the one
    /// that is there ends within a month.
    func servingCertificate(
        of authority: CertificateAuthority, key: PrivateKey, names: [String], nowSeconds: Int64,
        validSeconds: Int64
    ) throws -> [UInt8] {
        let path = "\(directory)/server.crt"
        if Files.exists(path) {
            let bytes = try Files.read(path)
            let known = try Certificate(pem: bytes)
            if known.belongs(to: key), known.notAfterSeconds > nowSeconds + Self.monthSeconds,
                names.allSatisfy({ known.isValid(forServer: $0) }) { return bytes }
        }
        let made = try authority.issueServer(
            commonName: "martlet", names: names, key: key.publicKey, nowSeconds: nowSeconds,
            validSeconds: validSeconds).pem()
        try Files.write(made, to: path)
        return made
    }

    private static let monthSeconds: Int64 = 30 * 24 * 3600

    func key(_ name: String) throws -> PrivateKey {
        try PrivateKey(pem: file(name) { try PrivateKey.makeP256().pem() })
    }
}
