/// Why an HTTP/1.1 message is refused. The connection ends with it.
enum HTTP1Error: Error, Equatable {
    /// 400. The text is for the client.
    case malformed(String)
    /// 431.
    case headTooLarge(bytesMax: Int)
    /// 501.
    case unsupportedTransferCoding
    /// 505.
    case unsupportedVersion

    var status: Int {
        switch self {
        case .malformed: 400
        case .headTooLarge: 431
        case .unsupportedTransferCoding: 501
        case .unsupportedVersion: 505
        }
    }

    /// What the client is told.
    var text: String {
        switch self {
        case .malformed(let reason): "400 Bad Request: \(reason)"
        case .headTooLarge: "431 Request Header Fields Too Large"
        case .unsupportedTransferCoding: "501 Not Implemented: unsupported transfer encoding"
        case .unsupportedVersion: "505 HTTP Version Not Supported"
        }
    }
}
