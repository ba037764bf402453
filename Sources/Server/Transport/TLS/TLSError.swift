internal import COpenSSL

/// What goes wrong with certificates, keys and TLS connections.
public enum TLSError: Error, Equatable {
    /// The certificates, the key or the CAs can't be used. The text says which, and why.
    case unusableIdentity(String)
    /// The peer broke the protocol, or we could not agree. The text is OpenSSL's.
    case handshakeFailed(String)
    /// The connection broke after the handshake.
    case connectionFailed(String)
    /// The server's certificate is not one that the client believes.
    case untrustedServer(String)
}

/// OpenSSL's account of what went wrong last on this thread; clears it.
func takeOpenSSLReason() -> String {
    let code = ERR_get_error()
    ERR_clear_error()
    guard code != 0, let reason = unsafe ERR_reason_error_string(code) else { return "unknown" }
    return unsafe String(cString: reason)
}
