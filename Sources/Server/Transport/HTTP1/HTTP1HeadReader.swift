/// Reads the lines of a head whose end is known.
struct HTTP1HeadReader: ~Escapable {
    private let input: Span<UInt8>
    private var offset: Int
    private let end: Int

    /// - Parameter end: Behind the CR LF CR LF.
    @_lifetime(copy input)
    init(_ input: Span<UInt8>, from offset: Int, to end: Int) {
        self.input = input
        self.offset = offset
        self.end = end
    }

    mutating func read(_ kind: HTTP1Parser.Kind, isBodyless: Bool) throws(HTTP1Error) -> HTTP1Head {
        switch kind {
        case .requests: try readRequest()
        case .responses: try readResponse(isBodyless: isBodyless)
        }
    }

    private mutating func readRequest() throws(HTTP1Error) -> HTTP1Head {
        let line = try readLine()
        let (method, target, versionMinor) = try requestLine(line)
        let headers = try readFields()
        let hosts = headers.values("host").count
        guard hosts == 1 || versionMinor == 0 && hosts == 0 else {
            throw .malformed(hosts == 0 ? "missing required Host header" : "too many Host headers")
        }
        return HTTP1Head(startLine: .request(method: method, target: target),
                         versionMinor: versionMinor, headers: headers,
                         framing: try .ofRequest(headers, versionMinor: versionMinor),
                         isKeepAlive: Self.isKeepAlive(headers, versionMinor))
    }

    private mutating func readResponse(isBodyless: Bool) throws(HTTP1Error) -> HTTP1Head {
        let line = try readLine()
        // HTTP/1.1 200 OK
        guard line.count >= 12, isAt(line.lowerBound, "HTTP/1."), input[line.lowerBound + 8] == 32,
              line.count == 12 || input[line.lowerBound + 12] == 32 else {
            throw .malformed("bad status line")
        }
        let digits = input.extracting(line.lowerBound + 9..<line.lowerBound + 12)
        var status = 0
        for index in digits.indices {
            guard (48...57).contains(digits[index]) else { throw .malformed("bad status") }
            status = status * 10 + Int(digits[index]) - 48
        }
        let versionMinor = input[line.lowerBound + 7] == UInt8(ascii: "0") ? 0 : 1
        let headers = try readFields()
        let hasBody = !isBodyless && status >= 200 && status != 204 && status != 304
        return HTTP1Head(startLine: .status(status), versionMinor: versionMinor, headers: headers,
                         framing: hasBody ? try .ofResponse(headers) : .none,
                         isKeepAlive: Self.isKeepAlive(headers, versionMinor))
    }

    private static func isKeepAlive(_ headers: HTTPHeaders, _ versionMinor: Int) -> Bool {
        if headers.hasToken("connection", "close") { return false }
        return versionMinor > 0 || headers.hasToken("connection", "keep-alive")
    }

    // MARK: Lines

    /// The next line without its end.
    private mutating func readLine() throws(HTTP1Error) -> Range<Int> {
        let start = offset
        while offset < end, input[offset] != 13 {
            guard isFieldByte(input[offset]) else {
                throw .malformed("control character in the head")
            }
            offset += 1
        }
        guard offset + 1 < end, input[offset + 1] == 10 else {
            throw .malformed("line without line feed")
        }
        offset += 2
        return start..<offset - 2
    }

    private func requestLine(_ line: Range<Int>)
        throws(HTTP1Error) -> (method: String, target: String, versionMinor: Int) {
        var methodEnd = line.lowerBound
        while methodEnd < line.upperBound, isTokenByte(input[methodEnd]) { methodEnd += 1 }
        guard methodEnd > line.lowerBound, methodEnd < line.upperBound,
              input[methodEnd] == 32 else {
            throw .malformed("bad method")
        }
        var targetEnd = methodEnd + 1
        while targetEnd < line.upperBound, input[targetEnd] > 32, input[targetEnd] < 127 {
            targetEnd += 1
        }
        guard targetEnd > methodEnd + 1, targetEnd < line.upperBound, input[targetEnd] == 32 else {
            throw .malformed("bad request target")
        }
        guard line.upperBound - targetEnd == 9, isAt(targetEnd + 1, "HTTP/") else {
            throw .malformed("malformed HTTP version")
        }
        guard isAt(targetEnd + 6, "1."), let minor = hexValue(input[targetEnd + 8]),
              minor < 2 else {
            throw .unsupportedVersion
        }
        let target = try originForm(methodEnd + 1..<targetEnd)
        return (text(line.lowerBound..<methodEnd), text(target), minor)
    }

    /// The path and query of a target that may be a whole URL.
    private func originForm(_ target: Range<Int>) throws(HTTP1Error) -> Range<Int> {
        if input[target.lowerBound] == UInt8(ascii: "/") { return target }
        if target.count == 1, input[target.lowerBound] == UInt8(ascii: "*") { return target }
        let schemes: [StaticString] = ["http://", "https://"]
        for scheme in schemes where isAt(target.lowerBound, scheme) {
            var index = target.lowerBound + scheme.utf8CodeUnitCount
            while index < target.upperBound, input[index] != UInt8(ascii: "/") { index += 1 }
            guard index < target.upperBound else { throw .malformed("request target without path") }
            return index..<target.upperBound
        }
        throw .malformed("bad request target")
    }

    private mutating func readFields() throws(HTTP1Error) -> HTTPHeaders {
        var headers = HTTPHeaders()
        headers.reserve(fieldCount: 12, bytesTotal: end - offset)
        while offset < end {
            let line = try readLine()
            if line.isEmpty { break }
            var nameEnd = line.lowerBound
            while nameEnd < line.upperBound, isTokenByte(input[nameEnd]) { nameEnd += 1 }
            guard nameEnd > line.lowerBound, nameEnd < line.upperBound,
                  input[nameEnd] == UInt8(ascii: ":") else {
                throw .malformed("bad header field")
            }
            var value = nameEnd + 1..<line.upperBound
            while let first = value.first, isBlank(input[first]) { value.removeFirst() }
            while let last = value.last, isBlank(input[last]) { value.removeLast() }
            headers.append(name: input.extracting(line.lowerBound..<nameEnd),
                           value: input.extracting(value))
        }
        return headers
    }

    private func isAt(_ index: Int, _ text: StaticString) -> Bool {
        let bytes = text.description.utf8
        guard index + bytes.count <= end else { return false }
        return zip(index..., bytes).allSatisfy { input[$0] == $1 }
    }

    private func text(_ range: Range<Int>) -> String {
        unsafe input.extracting(range).withUnsafeBufferPointer {
            unsafe String(decoding: $0, as: UTF8.self)
        }
    }
}

private func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 }

/// RFC 9110, 5.6.2.
func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122: true
    case 33, 35...39, 42, 43, 45, 46, 94, 95, 96, 124, 126: true
    default: false
    }
}
