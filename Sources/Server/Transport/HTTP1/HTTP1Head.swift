/// How long a message's body is, by its head (RFC 9112, section 6).
enum BodyFraming: Equatable {
    case none
    case count(Int)
    case chunked
    /// Until the connection ends; for answers only.
    case untilClose
}

/// The first line of a message.
enum HTTP1StartLine: Equatable {
    case request(method: String, target: String)
    case status(Int)
}

/// A parsed message head.
struct HTTP1Head: Sendable {
    var startLine: HTTP1StartLine
    /// The minor version: 0 or 1.
    var versionMinor: Int
    var headers: HTTPHeaders
    var framing: BodyFraming
    /// Whether the connection may carry another message after this one.
    var isKeepAlive: Bool
}

extension BodyFraming {
    /// The framing that a request's fields ask for. Refuses all that two readers could read in
    /// two ways, which is how requests are smuggled.
    static func ofRequest(_ headers: HTTPHeaders, versionMinor: Int)
        throws(HTTP1Error) -> BodyFraming {
        let codings = headers.values("transfer-encoding")
        let counts = headers.values("content-length")
        if !codings.isEmpty {
            guard counts.isEmpty else {
                throw .malformed("both content-length and transfer-encoding")
            }
            guard versionMinor > 0 else { throw .malformed("transfer-encoding in HTTP/1.0") }
            guard codings.count == 1,
                  equalsIgnoringCase(Array(codings[0].utf8), "chunked".utf8) else {
                throw .unsupportedTransferCoding
            }
            return .chunked
        }
        guard let count = counts.first else { return .none }
        guard counts.count == 1 else { throw .malformed("more than one content-length") }
        let bytes = count.utf8
        guard (1...15).contains(bytes.count), bytes.allSatisfy({ (48...57).contains($0) }),
              let value = Int(count) else { throw .malformed("bad content-length") }
        return value == 0 ? .none : .count(value)
    }

    /// The framing of an answer with a status that may have a body.
    static func ofResponse(_ headers: HTTPHeaders) throws(HTTP1Error) -> BodyFraming {
        if headers.contains("transfer-encoding") || headers.contains("content-length") {
            return try ofRequest(headers, versionMinor: 1)
        }
        return .untilClose
    }
}
