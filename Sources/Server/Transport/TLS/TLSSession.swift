internal import COpenSSL
import NIOCore

/// One TLS connection over windows of memory: no buffer of its own while it is idle.
///
/// Owns its `SSL *`, which owns the BIO; `window` outlives both.
@safe package final class TLSSession {
    /// Where the next byte goes: room for a flight of a handshake, or what records add.
    private static let outputRoomMin = 4_096
    private static let recordBytesMax = 16_384
    /// Header, tag and padding of a record, generously.
    private static let recordOverhead = 96

    private let raw: OpaquePointer
    private let window: UnsafeMutablePointer<martlet_window>
    package private(set) var isEstablished = false
    /// The peer said that it sends no more.
    package private(set) var isClosedByPeer = false

    /// - Parameter serverName: For clients: the name or IP address that the certificate must have.
    package init(_ context: TLSContext, serverName: String? = nil) throws(TLSError) {
        guard let method = unsafe windowMethod, let raw = unsafe SSL_new(context.raw) else {
            throw .handshakeFailed(takeOpenSSLReason())
        }
        guard let bio = unsafe BIO_new(method) else {
            unsafe SSL_free(raw)
            throw .handshakeFailed(takeOpenSSLReason())
        }
        unsafe self.raw = raw
        unsafe window = .allocate(capacity: 1)
        unsafe window.initialize(to: martlet_window())
        unsafe BIO_set_data(bio, window)
        unsafe SSL_set_bio(raw, bio, bio)
        if context.isServer {
            unsafe SSL_set_accept_state(raw)
        } else {
            unsafe SSL_set_connect_state(raw)
            if let serverName { try expect(serverName) }
        }
    }

    deinit {
        unsafe SSL_free(raw)
        unsafe window.deallocate()
    }

    private func expect(_ serverName: String) throws(TLSError) {
        let parameters = unsafe SSL_get0_param(raw)
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, serverName) == 1 { return }
        ERR_clear_error()
        guard unsafe martlet_ssl_server_name(raw, serverName) == 1,
              unsafe SSL_set1_host(raw, serverName) == 1 else {
            throw .handshakeFailed("server name \(serverName): \(takeOpenSSLReason())")
        }
    }

    /// The protocol agreed on by ALPN.
    package var negotiatedProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(raw, &name, &count)
        guard let name = unsafe name else { return nil }
        return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(count)),
                             as: UTF8.self)
    }

    /// Goes on with the handshake, as far as `ciphertext` allows, then decrypts the rest.
    ///
    /// - Parameters:
    ///   - ciphertext: From the peer; all of it is taken.
    ///   - output: Records to send are appended here.
    ///   - scratch: Holds a record's plaintext.
    ///   - deliver: Called for every piece of plaintext; `isEstablished` is true by then.
    package func receive(_ ciphertext: UnsafeRawBufferPointer, output: inout ByteBuffer,
                 scratch: inout [UInt8], deliver: (Span<UInt8>) -> Void) throws(TLSError) {
        unsafe window.pointee.input = ciphertext.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe window.pointee.input_count = ciphertext.count
        defer {
            unsafe window.pointee.input = nil
            unsafe window.pointee.input_count = 0
        }
        if !isEstablished {
            try handshake(&output)
            guard isEstablished else { return }
        }
        let room = Int32(scratch.count)
        while true {
            let count = withOutput(&output) { unsafe SSL_read(raw, &scratch, room) }
            if count > 0 {
                deliver(scratch.span.extracting(0..<Int(count)))
                continue
            }
            switch unsafe SSL_get_error(raw, count) {
            case SSL_ERROR_WANT_READ: return
            case SSL_ERROR_WANT_WRITE: continue
            case SSL_ERROR_ZERO_RETURN:
                isClosedByPeer = true
                return
            default: throw .connectionFailed(takeOpenSSLReason())
            }
        }
    }

    /// Starts a client's handshake, or goes on with one.
    package func handshake(_ output: inout ByteBuffer) throws(TLSError) {
        while true {
            let result = withOutput(&output) { unsafe SSL_do_handshake(raw) }
            if result == 1 {
                isEstablished = true
                return
            }
            switch unsafe SSL_get_error(raw, result) {
            case SSL_ERROR_WANT_READ: return
            case SSL_ERROR_WANT_WRITE: continue
            default: throw handshakeError()
            }
        }
    }

    private func handshakeError() -> TLSError {
        let verdict = unsafe SSL_get_verify_result(raw)
        let reason = takeOpenSSLReason()
        if unsafe SSL_is_server(raw) == 0, verdict != Int(X509_V_OK) {
            return .untrustedServer(verificationText(verdict))
        }
        return .handshakeFailed(reason)
    }

    /// Encrypts `plaintext` into records at the end of `output`.
    package func send(_ plaintext: [UInt8], output: inout ByteBuffer) throws(TLSError) {
        let records = plaintext.count / Self.recordBytesMax + 1
        output.reserveCapacity(minimumWritableBytes:
            plaintext.count + records * Self.recordOverhead + Self.outputRoomMin)
        var sent = 0
        while sent < plaintext.count {
            let count = unsafe plaintext.withUnsafeBytes { bytes in
                withOutput(&output) {
                    unsafe SSL_write(raw, bytes.baseAddress?.advanced(by: sent),
                                     Int32(min(bytes.count - sent, Self.recordBytesMax)))
                }
            }
            if count > 0 {
                sent += Int(count)
            } else if unsafe SSL_get_error(raw, count) != SSL_ERROR_WANT_WRITE {
                throw .connectionFailed(takeOpenSSLReason())
            }
        }
    }

    /// Says that we send no more.
    package func close(_ output: inout ByteBuffer) {
        withOutput(&output) { unsafe SSL_shutdown(raw) }
        ERR_clear_error()
    }

    /// Runs one call of OpenSSL with room at the end of `output` as its window.
    @discardableResult
    private func withOutput(_ output: inout ByteBuffer, _ call: () -> Int32) -> Int32 {
        var result: Int32 = 0
        let roomMin = Self.outputRoomMin
        unsafe output.writeWithUnsafeMutableBytes(minimumWritableBytes: roomMin) { room in
            unsafe window.pointee.output = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe window.pointee.output_capacity = room.count
            unsafe window.pointee.output_count = 0
            result = call()
            defer { unsafe window.pointee.output = nil }
            return unsafe window.pointee.output_count
        }
        return result
    }

    // MARK: The peer's certificate

    /// SHA-256 of the DER form of what the peer showed, believed or not; once established.
    package var peerFingerprint: [UInt8]? {
        guard let certificate = unsafe SSL_get0_peer_certificate(raw) else { return nil }
        return unsafe fingerprint(of: certificate)
    }

    /// What the peer showed of itself. Meaningful once established.
    package func peerCertificate() -> ConnectionInfo.PeerCertificate {
        guard let certificate = unsafe SSL_get0_peer_certificate(raw) else { return .none }
        let verdict = unsafe SSL_get_verify_result(raw)
        guard verdict == Int(X509_V_OK) else {
            return .unverified(reason: verificationText(verdict))
        }
        return unsafe .verified(ClientCertificate(certificate))
    }
}

private func verificationText(_ verdict: Int) -> String {
    unsafe String(cString: X509_verify_cert_error_string(verdict))
}

/// Made once for the process; OpenSSL wants it to outlive every BIO.
nonisolated(unsafe) private let windowMethod = unsafe martlet_window_method()

extension ClientCertificate {
    fileprivate init(_ certificate: OpaquePointer) {
        let subject = unsafe X509_get_subject_name(certificate)
        self.init(commonName: unsafe texts(of: NID_commonName, in: subject).last ?? "",
                  organizations: unsafe texts(of: NID_organizationName, in: subject),
                  notAfterSeconds: unsafe martlet_asn1_seconds(X509_get0_notAfter(certificate)),
                  fingerprint: unsafe Transport.fingerprint(of: certificate))
    }
}

/// SHA-256 of the DER form.
private func fingerprint(of certificate: OpaquePointer) -> [UInt8] {
    var fingerprint = [UInt8](repeating: 0, count: 32)
    unsafe X509_digest(certificate, EVP_sha256(), &fingerprint, nil)
    return fingerprint
}

/// The values of an attribute of a subject, in order.
private func texts(of attribute: Int32, in subject: OpaquePointer?) -> [String] {
    var found: [String] = []
    var index = unsafe X509_NAME_get_index_by_NID(subject, attribute, -1)
    while index >= 0 {
        let entry = unsafe X509_NAME_get_entry(subject, index)
        var text: UnsafeMutablePointer<UInt8>?
        let count = unsafe ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry))
        if count >= 0, let bytes = unsafe text {
            let buffer = unsafe UnsafeBufferPointer(start: bytes, count: Int(count))
            unsafe found.append(String(decoding: buffer, as: UTF8.self))
            unsafe CRYPTO_free(bytes, nil, 0)
        }
        index = unsafe X509_NAME_get_index_by_NID(subject, attribute, index)
    }
    return found
}
