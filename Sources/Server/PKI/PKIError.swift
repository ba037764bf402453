internal import COpenSSL

/// What goes wrong with keys and certificates.
public enum PKIError: Error, Equatable {
    /// The bytes are no such thing: truncated, damaged, or something else. The text says what.
    case unreadable(String)
    /// It can be read, but not used for this: a key of another kind, a name that is no name.
    case unsupported(String)
    /// OpenSSL could not do it: no memory, no randomness.
    case failed(String)

    /// What is wrong, for people.
    public var reason: String {
        switch self {
        case .unreadable(let text), .unsupported(let text), .failed(let text): text
        }
    }
}

/// OpenSSL's account of what went wrong last on this thread; clears it.
func takeOpenSSLReason() -> String {
    let code = ERR_get_error()
    ERR_clear_error()
    guard code != 0, let reason = unsafe ERR_reason_error_string(code) else { return "unknown" }
    return unsafe String(cString: reason)
}
