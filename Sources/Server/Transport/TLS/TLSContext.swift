internal import COpenSSL

/// What all TLS connections of a server (or a client) have in common. Owns its `SSL_CTX *`.
@safe package final class TLSContext: @unchecked Sendable {
    let raw: OpaquePointer
    let isServer: Bool

    private init(isServer: Bool) throws(TLSError) {
        let method = unsafe isServer ? TLS_server_method() : TLS_client_method()
        guard let raw = unsafe SSL_CTX_new(method) else {
            throw .unusableIdentity(takeOpenSSLReason())
        }
        unsafe self.raw = raw
        self.isServer = isServer
        unsafe martlet_ssl_ctx_min_tls12(raw)
        unsafe martlet_ssl_ctx_mode(raw)
        unsafe martlet_ssl_ctx_options(raw)
        // Tickets hold a session's state on the client's side; nothing is kept here.
        unsafe martlet_ssl_ctx_no_cache(raw)
        unsafe martlet_ssl_ctx_groups(raw, "X25519:P-256:P-384")
    }

    deinit { unsafe SSL_CTX_free(raw) }

    /// For a server of HTTP, which takes clients without a certificate, too.
    static func server(_ configuration: TLSConfiguration) throws(TLSError) -> TLSContext {
        let context = try listener(configuration)
        unsafe martlet_ssl_ctx_serve_http(context.raw)
        return context
    }

    /// For a member that other members connect to (ALPN `martlet-peer/1`) and new ones (ALPN
    /// `martlet-join/1`). Who is believed is for the caller to decide, by the peer's certificate.
    package static func member(_ configuration: TLSConfiguration) throws(TLSError) -> TLSContext {
        let context = try listener(configuration)
        unsafe martlet_ssl_ctx_serve_members(context.raw)
        unsafe martlet_ssl_ctx_min_tls13(context.raw)
        return context
    }

    private static func listener(_ configuration: TLSConfiguration) throws(TLSError) -> TLSContext {
        let context = try TLSContext(isServer: true)
        try context.useIdentity(chainPEM: configuration.certificateChainPEM,
                                keyPEM: configuration.privateKeyPEM)
        unsafe SSL_CTX_set_num_tickets(context.raw, 1)
        let sessionContext = Array("martlet".utf8)
        unsafe SSL_CTX_set_session_id_context(context.raw, sessionContext,
                                              UInt32(sessionContext.count))
        if !configuration.clientCAsPEM.isEmpty {
            let authorities = try CertificateList(pem: configuration.clientCAsPEM,
                                                  called: "client CA")
            for unsafe authority in unsafe authorities.raw {
                unsafe X509_STORE_add_cert(SSL_CTX_get_cert_store(context.raw), authority)
                unsafe SSL_CTX_add_client_CA(context.raw, authority)
            }
            unsafe martlet_ssl_ctx_verify_softly(context.raw)
        }
        return context
    }

    /// - Parameter serverCAsPEM: Whom to believe; empty is the system's own CAs.
    static func client(serverCAsPEM: [UInt8], chainPEM: [UInt8], keyPEM: [UInt8])
        throws(TLSError) -> TLSContext {
        let context = try TLSContext(isServer: false)
        if !chainPEM.isEmpty { try context.useIdentity(chainPEM: chainPEM, keyPEM: keyPEM) }
        if serverCAsPEM.isEmpty {
            unsafe SSL_CTX_set_default_verify_paths(context.raw)
        } else {
            let authorities = try CertificateList(pem: serverCAsPEM, called: "server CA")
            for unsafe authority in unsafe authorities.raw {
                unsafe X509_STORE_add_cert(SSL_CTX_get_cert_store(context.raw), authority)
            }
        }
        unsafe SSL_CTX_set_verify(context.raw, SSL_VERIFY_PEER, nil)
        return context
    }

    /// For a member that connects to another: believes servers of that CA alone.
    package static func client(ofMembersOf configuration: TLSConfiguration) throws(TLSError)
        -> TLSContext {
        let context = try client(serverCAsPEM: configuration.clientCAsPEM,
                                 chainPEM: configuration.certificateChainPEM,
                                 keyPEM: configuration.privateKeyPEM)
        try context.speakOnly("martlet-peer/1")
        return context
    }

    /// For one who knows no CA yet. It believes every server, so the caller must find out by other
    /// means who is at the other end of this very connection (``TLSSession/peerFingerprint``).
    package static func clientThatKnowsNobody() throws(TLSError) -> TLSContext {
        let context = try TLSContext(isServer: false)
        unsafe SSL_CTX_set_verify(context.raw, SSL_VERIFY_NONE, nil)
        try context.speakOnly("martlet-join/1")
        return context
    }

    private func speakOnly(_ name: String) throws(TLSError) {
        let list = [UInt8(name.utf8.count)] + name.utf8
        // Zero is success in this one.
        guard unsafe SSL_CTX_set_alpn_protos(raw, list, UInt32(list.count)) == 0 else {
            throw .unusableIdentity("ALPN: \(takeOpenSSLReason())")
        }
        unsafe martlet_ssl_ctx_min_tls13(raw)
    }

    private func useIdentity(chainPEM: [UInt8], keyPEM: [UInt8]) throws(TLSError) {
        let chain = try CertificateList(pem: chainPEM, called: "certificate")
        for unsafe (index, certificate) in unsafe chain.raw.enumerated() {
            let isAccepted = unsafe index == 0
                ? SSL_CTX_use_certificate(raw, certificate) == 1
                : martlet_ssl_ctx_add_chain(raw, certificate) == 1
            guard isAccepted else { throw .unusableIdentity("certificate: \(takeOpenSSLReason())") }
        }
        guard let bio = unsafe memoryBIO(keyPEM) else {
            throw .unusableIdentity("private key: no memory")
        }
        defer { unsafe BIO_free(bio) }
        // A passphrase can't be asked for: an encrypted key is an error, not a prompt.
        guard let key = unsafe PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil) else {
            throw .unusableIdentity("private key: no usable PEM key: \(takeOpenSSLReason())")
        }
        defer { unsafe EVP_PKEY_free(key) }
        guard unsafe SSL_CTX_use_PrivateKey(raw, key) == 1 else {
            throw .unusableIdentity("private key does not belong to the certificate: "
                                    + takeOpenSSLReason())
        }
    }
}
