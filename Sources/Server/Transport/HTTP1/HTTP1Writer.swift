/// Puts answers' heads and chunks into bytes.
enum HTTP1Writer {
    static let lastChunk = Array("0\r\n\r\n".utf8)

    static func head(_ head: ResponseHead, framing: BodyFraming, isKeepAlive: Bool,
                     date: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(160 + head.headers.bytesTotal + head.headers.count * 4)
        output += "HTTP/1.1 ".utf8
        appendDecimal(head.status, to: &output)
        output.append(32)
        output += reason(head.status).utf8
        output += crlf
        append(head.headers, to: &output)
        output += "date: ".utf8
        output += date
        output += crlf
        switch framing {
        case .count(let count):
            output += "content-length: ".utf8
            appendDecimal(count, to: &output)
            output += crlf
        case .chunked: output += "transfer-encoding: chunked\r\n".utf8
        case .none, .untilClose: break
        }
        if !isKeepAlive { output += "connection: close\r\n".utf8 }
        output += crlf
        return output
    }

    /// Fields, without those that are the connection's business.
    static func append(_ headers: HTTPHeaders, to output: inout [UInt8]) {
        for field in headers.fields {
            let name = headers.nameBytes(field)
            if isConnectionSpecific(name) { continue }
            output += name
            output.append(58)
            output.append(32)
            output += headers.valueBytes(field)
            output += crlf
        }
    }

    /// `1f4\r\n`
    static func appendChunkHead(_ count: Int, to output: inout [UInt8]) {
        var shift = (Int.bitWidth - count.leadingZeroBitCount - 1) / 4 * 4
        while shift >= 0 {
            let digit = UInt8(count >> shift & 15)
            output.append(digit < 10 ? digit + 48 : digit + 87)
            shift -= 4
        }
        output += crlf
    }

    static func appendDecimal(_ number: Int, to output: inout [UInt8]) {
        output += String(number).utf8
    }

    private static let crlf: [UInt8] = [13, 10]

    static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 412: "Precondition Failed"
        case 413: "Request Entity Too Large"
        case 415: "Unsupported Media Type"
        case 422: "Unprocessable Entity"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }
}

/// Whether a field says how the connection is used: the server sets those itself, and HTTP/2 has
/// none of them.
func isConnectionSpecific(_ name: ArraySlice<UInt8>) -> Bool {
    switch name.count {
    case 4: name.elementsEqual("date".utf8)
    case 7: name.elementsEqual("upgrade".utf8)
    case 10: name.elementsEqual("connection".utf8) || name.elementsEqual("keep-alive".utf8)
    case 14: name.elementsEqual("content-length".utf8)
    case 17: name.elementsEqual("transfer-encoding".utf8)
    default: false
    }
}
